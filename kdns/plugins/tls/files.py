"""Contexts of a certificate that lies in files: `tls CERT KEY [CA] { client_auth ... ; keylog FILE }`."""

import logging
import os
import ssl

from kdns.chain.site import Site
from kdns.corefile import Line
from kdns.net import doh
from kdns.net.tls import log_keys, server_context

log = logging.getLogger("kdns.tls")

ALPN = {"tls": (), "https": doh.ALPN}
"""What is offered, by transport; CoreDNS leaves DNS over TLS without."""

_VERIFY = {
    "nocert": ssl.CERT_NONE,
    "request": ssl.CERT_NONE,
    "require": ssl.CERT_REQUIRED,
    "verify_if_given": ssl.CERT_OPTIONAL,
    "require_and_verify": ssl.CERT_REQUIRED,
}


def contexts(line: Line, site: Site, files: list[str]) -> dict[str, ssl.SSLContext]:
    """A context for each transport of the block; one in any case, so that bad files are found. Raises ConfigError."""
    verify, keylog = ssl.CERT_NONE, ""
    for option in line.block():
        match option.name:
            case "client_auth":
                verify = _verify(option)
            case "keylog":
                keylog = os.path.abspath(site.path(option.text()))
                option.end()
            case _:
                raise option.error(f"unknown option '{option.name}'")
    used = [transport for transport in ALPN if any(key.transport == transport for key in site.keys)]
    made: dict[str, ssl.SSLContext] = {}
    for transport in used or ["tls"]:
        try:
            made[transport] = context = server_context(*files, verify=verify, alpn=ALPN[transport])
        except ValueError as error:
            raise line.error(str(error)) from None
        if keylog:
            _log_keys(line, context, keylog)
    if keylog:
        log.warning('Writing TLS Key Log to "%s"', keylog)
    return made


def _verify(option: Line) -> ssl.VerifyMode:
    word = option.text()
    option.end()
    if word not in _VERIFY:
        raise option.error(f"unknown authentication type '{word}'")
    if word == "require":
        log.warning("client_auth require takes valid certificates only, as require_and_verify does")
    return _VERIFY[word]


def _log_keys(line: Line, context: ssl.SSLContext, file: str) -> None:
    try:
        log_keys(context, file)
    except ValueError as error:
        raise line.error(f'unable to write TLS Key Log to "{file}": {error}') from None
