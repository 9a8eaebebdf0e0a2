"""What a server's context admits, in handshakes without sockets."""

import re
import ssl
import subprocess
from pathlib import Path

import pytest

from kdns.net.tls import choosing_context, log_keys, server_context
from tests.conftest import RequireTool
from tests.kit.web import TLS

CERT, KEY, CA = (str(TLS / name) for name in ("server.crt", "server.key", "ca.crt"))
NONE, OPTIONAL, REQUIRED = ssl.CERT_NONE, ssl.CERT_OPTIONAL, ssl.CERT_REQUIRED


def shake(server: ssl.SSLContext, client: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """Let the two meet; raises ssl.SSLError where either will not."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(up, down, server_side=True)
    theirs = client.wrap_bio(down, up, server_hostname="localhost")
    waiting = [theirs, ours]
    for _ in range(10):
        for side in tuple(waiting):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(side)
    assert not waiting
    ours.write(b"welcome")
    assert theirs.read() == b"welcome"
    return ours, theirs


def client(identity: str | None = None, *, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=CA)
    if identity is not None:
        context.load_cert_chain(TLS / f"{identity}.crt", TLS / f"{identity}.key")
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@pytest.mark.parametrize(
    ("verify", "identity", "admitted"),
    [
        (NONE, None, True),
        (NONE, "client", True),
        (OPTIONAL, None, True),
        (OPTIONAL, "client", True),
        (REQUIRED, None, False),
        (REQUIRED, "client", True),
    ],
)
def test_who_is_admitted(verify: ssl.VerifyMode, identity: str | None, admitted: bool) -> None:
    server = server_context(CERT, KEY, CA, verify=verify)
    if admitted:
        shake(server, client(identity))
    else:
        with pytest.raises(ssl.SSLError):
            shake(server, client(identity))


@pytest.mark.parametrize("verify", [OPTIONAL, REQUIRED])
def test_certificates_of_another_ca_are_not_admitted(verify: ssl.VerifyMode) -> None:
    server = server_context(CERT, KEY, str(TLS / "stranger.crt"), verify=verify)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(server, client("client"))


def test_without_a_ca_the_system_s_count() -> None:
    server = server_context(CERT, KEY, verify=REQUIRED)
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        shake(server, client("client"))


@pytest.mark.parametrize(
    ("offered", "asked", "chosen"),
    [
        (("h2", "http/1.1"), ("http/1.1", "h2"), "h2"),
        (("h2", "http/1.1"), ("http/1.1",), "http/1.1"),
        (("h2", "http/1.1"), ("dot",), None),
        ((), ("dot",), None),
    ],
)
def test_protocols(offered: tuple[str, ...], asked: tuple[str, ...], chosen: str | None) -> None:
    ours, _ = shake(server_context(CERT, KEY, alpn=offered), client(alpn=asked))
    assert ours.selected_alpn_protocol() == chosen


def test_secrets_are_appended(tmp_path: Path) -> None:
    file = tmp_path / "secrets"
    file.write_text("# before\n")
    server = server_context(CERT, KEY)
    log_keys(server, str(file))
    shake(server, client())
    assert file.read_text().startswith("# before\n")
    assert re.search(r"^SERVER_TRAFFIC_SECRET_0 \w+ \w+$", file.read_text(), re.MULTILINE)


def test_a_key_with_a_password_is_an_error_and_no_question(tmp_path: Path, require_tool: RequireTool) -> None:
    key = tmp_path / "locked.key"
    words = ["pkey", "-in", KEY, "-out", str(key), "-aes128", "-passout", "pass:secret"]
    subprocess.run([require_tool("openssl"), *words], check=True)
    with pytest.raises(ValueError, match="could not load TLS cert: tls: failed to parse private key: it is encrypted"):
        server_context(CERT, str(key))


@pytest.mark.parametrize(
    ("certificate", "error"),
    [
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "could not load TLS cert: tls: failed to parse",
        ),
        ("", "could not load TLS cert: tls: failed to find any PEM data in certificate input"),
    ],
)
def test_what_is_no_certificate(tmp_path: Path, certificate: str, error: str) -> None:
    file = tmp_path / "server.crt"
    file.write_text(certificate)
    with pytest.raises(ValueError, match=error):
        server_context(str(file), KEY)


def test_a_context_that_leaves_the_choice_to_the_handshake() -> None:
    asked: list[str | None] = []
    own = server_context(CERT, KEY, alpn=("h2",))
    refusal = ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    chosen: list[ssl.SSLContext | ssl.AlertDescription] = [own, refusal]

    def choose(name: str | None) -> ssl.SSLContext | ssl.AlertDescription:
        asked.append(name)
        return chosen.pop(0)

    context = choosing_context(choose)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert shake(context, client(alpn=("h2",)))[1].selected_alpn_protocol() == "h2"
    with pytest.raises(ssl.SSLError, match=r"CALLBACK_FAILED|UNRECOGNIZED_NAME"):
        shake(context, client())
    assert asked == ["localhost"] * 2
