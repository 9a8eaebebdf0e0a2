import logging
import ssl
import stat
from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import Chain, chain_of
from tests.kit.web import TLS

CERT, KEY = TLS / "server.crt", TLS / "server.key"


def tls_chain(directives: str, keys: str = "tls://.:853") -> Chain:
    return chain_of(f"{keys} {{\n{directives}\n}}\n")


def context_of(chain: Chain, transport: str = "tls") -> ssl.SSLContext:
    assert chain.site.listen.tls is not None
    context = chain.site.listen.tls[transport]
    assert isinstance(context, ssl.SSLContext)
    return context


def tls(*options: str, files: str = f"{CERT} {KEY}") -> str:
    return f"tls {files} {{\n" + "\n".join(options) + "\n}"


@pytest.mark.parametrize(
    ("keys", "transports"),
    [
        ("tls://.:853", {"tls"}),
        ("https://.:443", {"https"}),
        ("tls://.:853 https://.:443 .:53", {"tls", "https"}),
        (".:53", {"tls"}),
    ],
)
def test_a_context_for_each_transport(keys: str, transports: set[str]) -> None:
    chain = tls_chain(f"tls {CERT} {KEY}", keys)
    assert chain.links == {}
    assert chain.site.listen.tls is not None
    assert set(chain.site.listen.tls) == transports
    for transport in transports:
        context = context_of(chain, transport)
        assert context.minimum_version == ssl.TLSVersion.TLSv1_2
        assert context.options & ssl.OP_NO_RENEGOTIATION
        assert context.verify_mode == ssl.CERT_NONE


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("nocert", ssl.CERT_NONE),
        ("request", ssl.CERT_NONE),
        ("require", ssl.CERT_REQUIRED),
        ("verify_if_given", ssl.CERT_OPTIONAL),
        ("require_and_verify", ssl.CERT_REQUIRED),
    ],
)
def test_certificates_of_clients(word: str, mode: ssl.VerifyMode, caplog: pytest.LogCaptureFixture) -> None:
    text = tls(f"client_auth {word}", files=f"{CERT} {KEY} {TLS / 'ca.crt'}")
    context = context_of(tls_chain(text))
    assert context.verify_mode == mode
    assert len(context.get_ca_certs()) == 1
    warning = "client_auth require takes valid certificates only, as require_and_verify does"
    assert caplog.messages == [warning] * (word == "require")


def test_files_are_found_from_root() -> None:
    context_of(tls_chain(f"root {TLS}\ntls server.crt server.key ca.crt"))


def test_of_several_the_last_one_counts() -> None:
    chain = tls_chain(f"{tls('client_auth require_and_verify')}\ntls {CERT} {KEY}")
    assert context_of(chain).verify_mode == ssl.CERT_NONE


def test_secrets_are_logged_for_their_owner(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tls_chain(f"root {tmp_path}\n{tls('keylog secrets')}")
    file = tmp_path / "secrets"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert caplog.record_tuples == [("kdns.tls", logging.WARNING, f'Writing TLS Key Log to "{file}"')]


ARGUMENTS = "Wrong argument count or unexpected line ending after '{}'"
LOAD = "could not load TLS cert: "
SWITCHED = (
    "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
    "PEM inputs may have been switched"
)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (f"tls {CERT}", ARGUMENTS.format(CERT)),
        (f"tls {CERT} {KEY} {CERT} more", ARGUMENTS.format("more")),
        (f"tls /nope.crt {KEY}", f"{LOAD}open /nope.crt: no such file or directory"),
        (f"tls {CERT} /nope.key", f"{LOAD}open /nope.key: no such file or directory"),
        (f"tls {TLS} {KEY}", f"{LOAD}open {TLS}: is a directory"),
        (f"tls {CERT} {TLS / 'client.key'}", f"{LOAD}tls: private key does not match public key"),
        (
            f"tls {KEY} {CERT}",
            f"{LOAD}{SWITCHED}",
        ),
        (f"tls {__file__} {KEY}", f"{LOAD}tls: failed to find any PEM data in certificate input"),
        (f"tls {CERT} {KEY} /nope.crt", "error reading /nope.crt: open /nope.crt: no such file or directory"),
        (f"tls {CERT} {KEY} {KEY}", f"could not read root certs: {KEY}: NO_CERTIFICATE_OR_CRL_FOUND"),
        (tls("client_auth"), ARGUMENTS.format("client_auth")),
        (tls("client_auth nocert nocert"), ARGUMENTS.format("nocert")),
        (tls("client_auth maybe"), "unknown authentication type 'maybe'"),
        (tls("keylog"), ARGUMENTS.format("keylog")),
        (tls("keylog a b"), ARGUMENTS.format("b")),
        (
            tls("keylog /nope/secrets"),
            'unable to write TLS Key Log to "/nope/secrets": open /nope/secrets: no such file or directory',
        ),
        (tls("ciphers all"), "unknown option 'ciphers'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        tls_chain(text)
    assert str(raised.value).startswith("plugin/tls: Corefile:")
    assert raised.value.message == error
