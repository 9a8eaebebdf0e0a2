"""tls: the certificate that a block's encrypted transports show.

::

    tls CERT KEY [CA] {
        client_auth nocert|request|require|verify_if_given|require_and_verify
        keylog FILE
    }

CERT, KEY and CA are PEM files, from `root` on if relative. They serve the keys of the block that begin with `tls://`
(DNS over TLS, port 853) and `https://` (DNS over HTTPS, port 443, HTTP/2 and HTTP/1.1), from TLS 1.2 on. Without `tls`
these transports are in clear text, for a proxy in front that encrypts. A reload reads the files anew, and new
connections get the new certificate. Where several blocks share a listener, the last one with `tls` decides.

`client_auth` says whether clients show a certificate: never (`nocert`, the default), only valid ones if any
(`verify_if_given`), or always a valid one (`require_and_verify`); valid is what CA signed, or else a CA of the system.
`request`, which asks and believes anything, asks for nothing here, as nothing looks at the answer. `require`, which
CoreDNS takes for any certificate at all, wants a valid one here. `keylog` appends the secrets of all connections to
FILE, for tools that look into captured packets.

`tls` without files gets certificates by ACME in CoreDNS; kdns does not, on purpose: it would run an account, a store of
keys and challenges beside DNS, and a cluster has cert-manager for that.

Errors: one or more than three files, "could not load TLS cert: ...", "error reading X: ...", "could not read root
certs: ...", "unknown authentication type 'X'", "unknown option 'X'", 'unable to write TLS Key Log to "X": ...', and
ACME. Metrics: none.

Example::

    tls://.:1853 https://.:1443 {
        tls tests/kit/tls/server.crt tests/kit/tls/server.key
        whoami
    }
"""

import logging
import os
import ssl

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
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


def setup(args: Arguments, site: Site) -> None:
    """Read the directive; of several the last one counts. Raises `ConfigError`."""
    for line in args:
        files = line.rest()
        if not files:
            for option in line.block():
                option.rest()
            raise line.error("certificates by ACME are absent on purpose: give tls a certificate and a key")
        if not 2 <= len(files) <= 3:
            raise line.wrong_count()
        site.listen.tls = _contexts(line, site, [site.path(file) for file in files])


def _contexts(line: Line, site: Site, files: list[str]) -> dict[str, object]:
    """A context for each transport of the block; one in any case, so that bad files are found."""
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
    contexts: dict[str, object] = {}
    for transport in used or ["tls"]:
        try:
            contexts[transport] = made = server_context(*files, verify=verify, alpn=ALPN[transport])
        except ValueError as error:
            raise line.error(str(error)) from None
        if keylog:
            _log_keys(line, made, keylog)
    if keylog:
        log.warning('Writing TLS Key Log to "%s"', keylog)
    return contexts


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
