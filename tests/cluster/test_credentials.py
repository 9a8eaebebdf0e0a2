import math
import ssl
from pathlib import Path

import pytest

from kdns.cluster import credentials
from kdns.cluster.credentials import CredentialsError, Endpoint, InCluster, TlsContexts, TlsFiles, server_url

TLS = Path(__file__).parents[1] / "kit" / "tls"
CLIENT = (str(TLS / "client.crt"), str(TLS / "client.key"), str(TLS / "ca.crt"))
ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("first\n")
    (tmp_path / "ca.crt").write_bytes((TLS / "ca.crt").read_bytes())
    return tmp_path


async def test_the_account_of_the_pod(account: Path) -> None:
    access = await InCluster(ENVIRON, str(account)).load()
    assert (access.url, access.authorization) == ("https://10.96.0.1:443", "Bearer first")
    assert access.good_for == credentials.RELOAD
    assert access.tls is not None
    assert not access.tls.verify_flags & ssl.VERIFY_X509_STRICT
    assert [ca["subject"] for ca in access.tls.get_ca_certs()] == [((("commonName", "kit ca"),),)]


async def test_an_ipv6_service_address_stands_in_brackets(account: Path) -> None:
    access = await InCluster({**ENVIRON, "KUBERNETES_SERVICE_HOST": "fd00::1"}, str(account)).load()
    assert access.url == "https://[fd00::1]:443"


async def test_a_rotated_token_is_read_and_the_tls_context_stays(account: Path) -> None:
    cluster = InCluster(ENVIRON, str(account))
    before = await cluster.load()
    (account / "token").write_text("second")
    after = await cluster.load()
    assert after.authorization == "Bearer second"
    assert after.tls is before.tls


async def test_a_rotated_authority_makes_a_new_tls_context(account: Path) -> None:
    cluster = InCluster(ENVIRON, str(account))
    before = await cluster.load()
    (account / "ca.crt").write_bytes((TLS / "ca.crt").read_bytes() + (TLS / "stranger.crt").read_bytes())
    after = await cluster.load()
    assert after.tls is not before.tls
    assert after.tls is not None
    assert len(after.tls.get_ca_certs()) == 2


@pytest.mark.parametrize("missing", list(ENVIRON))
@pytest.mark.parametrize("value", [None, ""])
def test_missing_variables(account: Path, missing: str, value: str | None) -> None:
    environ = {name: text for name, text in ENVIRON.items() if name != missing}
    if value is not None:
        environ[missing] = value
    with pytest.raises(CredentialsError, match="KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"):
        InCluster(environ, str(account)).check()


@pytest.mark.parametrize("name", ["token", "ca.crt"])
@pytest.mark.parametrize("broken", ["missing", "empty", "directory"])
def test_broken_files_are_named(account: Path, name: str, broken: str) -> None:
    (account / name).unlink()
    if broken == "empty":
        (account / name).touch()
    if broken == "directory":
        (account / name).mkdir()
    with pytest.raises(CredentialsError) as caught:
        InCluster(ENVIRON, str(account)).check()
    assert str(account / name) in str(caught.value)


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(CredentialsError, match=r"/dev/zero: longer than \d+ bytes"):
        credentials.read_file("/dev/zero")


async def test_a_plain_endpoint_is_good_for_ever() -> None:
    access = await Endpoint("10.0.0.1:8080", environ={}).load()
    assert access == credentials.Access("http://10.0.0.1:8080")
    assert access.good_for == math.inf


async def test_an_endpoint_with_certificates() -> None:
    access = await Endpoint("10.0.0.1:6443", CLIENT, {}).load()
    assert access.url == "https://10.0.0.1:6443"
    assert access.tls is not None
    assert access.tls.verify_mode is ssl.CERT_REQUIRED


async def test_an_https_endpoint_without_files_trusts_the_system() -> None:
    access = await Endpoint("https://api.example:6443", environ={}).load()
    assert access.tls is not None
    assert access.tls.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("position", [0, 1, 2])
def test_the_files_of_tls_are_read_even_for_http(tmp_path: Path, position: int) -> None:
    files = list(CLIENT)
    files[position] = str(tmp_path / "nowhere")
    with pytest.raises(CredentialsError, match="nowhere: No such file"):
        Endpoint("http://10.0.0.1", (files[0], files[1], files[2]), {}).check()


def test_a_key_of_another_certificate() -> None:
    files = (str(TLS / "server.crt"), CLIENT[1], CLIENT[2])
    with pytest.raises(CredentialsError, match=r"server\.crt, .*client\.key: not a certificate with its key"):
        Endpoint("https://10.0.0.1", files, {}).check()


def test_an_authority_that_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("hello")
    with pytest.raises(CredentialsError, match="ca: not a PEM file of certificates"):
        Endpoint("https://10.0.0.1", (CLIENT[0], CLIENT[1], str(tmp_path / "ca")), {}).check()


def test_without_verification_nothing_is_verified() -> None:
    context = TlsContexts().of(TlsFiles(ca=CLIENT[2], verify=False))
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://h:1", "http://h:1"),
        ("https://h/prefix/", "https://h/prefix"),
        ("h:8080", "http://h:8080"),
        ("h", "http://h"),
        ("[::1]:80/", "http://[::1]:80"),
    ],
)
def test_urls(text: str, url: str) -> None:
    assert server_url(text) == url


@pytest.mark.parametrize("text", ["", "h/p", "h:x", "h:70000", "h:0", "ftp://h", "http://", "a b", "h?x", "::1", "h\n"])
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(CredentialsError, match="host must be a URL or a host:port pair"):
        server_url(text)


async def test_a_proxy_from_the_environment(account: Path) -> None:
    environ = {**ENVIRON, "HTTPS_PROXY": "http://proxy:3128"}
    assert (await InCluster(environ, str(account)).load()).proxy == "http://proxy:3128"
    assert (await InCluster({**environ, "NO_PROXY": "10.96.0.0/12"}, str(account)).load()).proxy is None
