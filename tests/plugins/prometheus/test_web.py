import ssl
from pathlib import Path

import pytest

from kdns.plugins.prometheus.web import MAX_FILE, WebConfigError, context

KEYS = Path(__file__).parents[2] / "kit" / "tls"
PAIR = f"tls_server_config:\n  cert_file: {KEYS}/server.crt\n  key_file: {KEYS}/server.key\n"


def written(tmp_path: Path, text: str) -> str:
    file = tmp_path / "web.yml"
    file.write_text(text)
    return str(file)


def test_certificate_and_key(tmp_path: Path) -> None:
    found = context(written(tmp_path, PAIR))
    assert found.verify_mode is ssl.CERT_NONE
    assert found.minimum_version is ssl.TLSVersion.TLSv1_2


def test_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    for name in ("server.crt", "server.key"):
        (tmp_path / name).write_bytes((KEYS / name).read_bytes())
    context(written(tmp_path, "tls_server_config: {cert_file: server.crt, key_file: server.key}"))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("RequireAndVerifyClientCert", ssl.CERT_REQUIRED), ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL)],
)
def test_client_certificates(kind: str, mode: ssl.VerifyMode, tmp_path: Path) -> None:
    text = f"{PAIR}  client_auth_type: {kind}\n  client_ca_file: {KEYS}/ca.crt\n  min_version: TLS13\n"
    found = context(written(tmp_path, text))
    assert found.verify_mode is mode
    assert found.minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "only tls_server_config is supported"),
        ("- 1", "only tls_server_config is supported"),
        ("{", "while parsing a flow node"),
        ("tls_server_config: []", "only tls_server_config is supported"),
        (f"{PAIR}basic_auth_users:\n  me: x\n", "only tls_server_config is supported"),
        ("tls_server_config: {}", "missing cert_file or key_file"),
        (f"{PAIR}  cipher_suites: x\n", "'cipher_suites' is not supported in tls_server_config"),
        (f"{PAIR}  client_ca_file: 5\n", "'client_ca_file' is not supported in tls_server_config"),
        (f"{PAIR}  min_version: TLS10\n", "a value that is not supported"),
        (f"{PAIR}  client_auth_type: RequestClientCert\n", "a value that is not supported"),
        (f"{PAIR}  client_auth_type: RequireAndVerifyClientCert\n", "need each other"),
        (f"{PAIR}  client_ca_file: {KEYS}/ca.crt\n", "need each other"),
        (PAIR.replace("server.key", "client.key"), "failed to load X509KeyPair"),
        (PAIR.replace("server.key", "none.key"), "failed to load X509KeyPair"),
        ("[" * 30_000 + "]" * 30_000, "recursion"),
        ("x" * (MAX_FILE + 1), "larger than 65536 octets"),
    ],
)
def test_what_is_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(WebConfigError) as raised:
        context(written(tmp_path, text))
    assert message in str(raised.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WebConfigError, match="No such file"):
        context(f"{tmp_path}/none")
