"""The web configuration file of the option `tls` (github.com/prometheus/exporter-toolkit, docs/web-configuration.md).

Of that format kdns has the part `tls_server_config` with certificate, key, client authentication and oldest version.
Anything else in the file is an error: an endpoint that silently lets in whom the file keeps out is worse than none.
"""

import ssl
from pathlib import Path
from typing import Any

MAX_FILE = 1 << 16
"""Octets of a web configuration file."""

_CLIENT_AUTH = {
    "": ssl.CERT_NONE,
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_KEYS = frozenset(("cert_file", "key_file", "client_ca_file", "client_auth_type", "min_version"))


class WebConfigError(Exception):
    """A web configuration that cannot be used; the text says why."""


def context(path: str) -> ssl.SSLContext:
    """The TLS context that a file describes; reads files. Raises `WebConfigError`."""
    settings = _settings(path)
    cert, key = _file(settings, "cert_file", path), _file(settings, "key_file", path)
    if not cert or not key:
        raise WebConfigError("missing cert_file or key_file")
    found = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        found.minimum_version = _VERSIONS[settings.get("min_version", "TLS12")]
        verify = _CLIENT_AUTH[settings.get("client_auth_type", "")]
    except (KeyError, TypeError):
        raise WebConfigError("client_auth_type or min_version has a value that is not supported") from None
    authority = _file(settings, "client_ca_file", path)
    if (verify is ssl.CERT_NONE) is not (not authority):
        raise WebConfigError("client_auth_type and client_ca_file need each other")
    try:
        found.load_cert_chain(cert, key)
        if authority:
            found.load_verify_locations(authority)
    except (OSError, ValueError) as error:
        raise WebConfigError(f"failed to load X509KeyPair: {error}") from error
    found.verify_mode = verify
    return found


def _settings(path: str) -> dict[str, Any]:
    import yaml  # nobody else pays for it

    try:
        with Path(path).open("rb") as file:
            text = file.read(MAX_FILE + 1)
        if len(text) > MAX_FILE:
            raise WebConfigError(f"larger than {MAX_FILE} octets")
        document = yaml.safe_load(text)  # not the C loader: deep nesting overflows its stack
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise WebConfigError(str(error)) from error
    settings = document.get("tls_server_config") if isinstance(document, dict) else None
    if not isinstance(settings, dict) or len(document) > 1:
        raise WebConfigError("only tls_server_config is supported in a web configuration")
    for key, value in settings.items():
        if key not in _KEYS or not isinstance(value, str):
            raise WebConfigError(f"{key!r} is not supported in tls_server_config")
    return settings


def _file(settings: dict[str, Any], key: str, path: str) -> str:
    """A file that the configuration names, from the directory that the configuration is in."""
    name = settings.get(key)
    return str(Path(path).parent / name) if name else ""
