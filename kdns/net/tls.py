"""The server's side of TLS: what a certificate, a key and the CAs of clients make, with CoreDNS's error texts."""

import os
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress

from kdns.net.failures import reason

_NO_PEM = "tls: failed to find any PEM data in certificate input"
_SWITCHED = (
    "tls: failed to find certificate PEM data in certificate input, but did find a private key; "
    "PEM inputs may have been switched"
)


def server_context(
    certificate: str,
    key: str,
    clients: str | None = None,
    *,
    verify: ssl.VerifyMode = ssl.CERT_NONE,
    alpn: Sequence[str] = (),
) -> ssl.SSLContext:
    """A server's context, from TLS 1.2 on, of PEM files; reads them, so it blocks. Raises ValueError.

    Certificates of clients are checked against the CAs in `clients`, or else those of the system.
    """
    made = _bare()
    _load(made, certificate, key)
    made.verify_mode = verify
    if clients is not None:
        _trust(made, clients)
    elif verify != ssl.CERT_NONE:
        made.load_default_certs(ssl.Purpose.CLIENT_AUTH)
    with suppress(NotImplementedError):  # a library without ALPN
        if alpn:
            made.set_alpn_protocols(list(alpn))
    return made


Choice = Callable[[str | None], ssl.SSLContext | ssl.AlertDescription]
"""Gives the context for the name that a client asks for (RFC 6066 section 3), `None` if it names none, or refuses."""


def choosing_context(choose: Choice) -> ssl.SSLContext:
    """A server's context, from TLS 1.2 on, without a certificate of its own: each handshake is that of another one.

    `choose` is called on the loop and must not raise. What it chooses brings certificate and ALPN, nothing else.
    """
    made = _bare()

    def switch(tls: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        chosen = choose(name)
        if isinstance(chosen, ssl.SSLContext):
            tls.context = chosen
            return None
        return chosen

    made.sni_callback = switch
    return made


def log_keys(context: ssl.SSLContext, file: str) -> None:
    """Append the secrets of every connection to a file that only its owner reads. Raises ValueError."""
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        context.keylog_filename = file
    except OSError as error:
        raise ValueError(f"open {file}: {reason(error)}") from error


def _bare() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION
    return made


def _load(made: ssl.SSLContext, certificate: str, key: str) -> None:
    try:
        pem = _read(certificate)
        _read(key)
        if b"-----BEGIN CERTIFICATE-----" not in pem:
            raise ValueError(_SWITCHED if b"PRIVATE KEY-----" in pem else _NO_PEM)
        made.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        mismatch = error.reason == "KEY_VALUES_MISMATCH"
        text = "private key does not match public key" if mismatch else f"failed to parse: {error.reason or error}"
        raise ValueError(f"could not load TLS cert: tls: {text}") from error
    except ValueError as error:
        raise ValueError(f"could not load TLS cert: {error}") from error


def _no_password() -> str:
    raise ValueError("tls: failed to parse private key: it is encrypted")


def _trust(made: ssl.SSLContext, file: str) -> None:
    try:
        _read(file)
    except ValueError as error:
        raise ValueError(f"error reading {file}: {error}") from error
    try:
        made.load_verify_locations(file)
    except ssl.SSLError as error:
        raise ValueError(f"could not read root certs: {file}: {error.reason or error}") from error


def _read(file: str) -> bytes:
    try:
        with open(file, "rb") as opened:
            return opened.read()
    except OSError as error:
        raise ValueError(f"open {file}: {reason(error)}") from error
