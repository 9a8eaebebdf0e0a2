"""https: bounds of DNS over HTTPS.

::

    https {
        max_connections N     connections at a time; default 200; 0: any number
    }

For the block's keys that begin with `https://`; they need no `https` to be served. Queries are GET or POST at
`/dns-query` (RFC 8484), over HTTP/2 or HTTP/1.1. Above N connections the one that was idle for longest makes room, and
where none is, new ones wait. Where several blocks share a listener, the first one's number holds. `tls` has the
certificate, `timeouts` the times: `read` for a request to arrive, `write` for responses to be taken, `idle` for
requests to follow each other.

Beyond that, whatever the number: 128 requests at a time on a connection, 64 KiB for a message, 96 KiB for the headers
of a request, 16 MiB for all that waits in the connections of a listener.

Errors: an argument, "invalid max_connections value 'X': ...", "max_connections must be a non-negative integer: N",
"max_connections already defined for this server block", "unknown property 'X'". Metrics:
`coredns_dns_https_responses_total` with the labels `server` and `status`: 200, 400 for what is no query, 404 for other
paths, 500 for queries without a reply.

Example::

    https://.:1443 {
        tls tests/kit/tls/server.crt tests/kit/tls/server.key
        https {
            max_connections 100
        }
        whoami
    }
"""

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line


def setup(args: Arguments, site: Site) -> None:
    """Read the directive; options of several lines add up. Raises `ConfigError`."""
    for line in args:
        line.end()
        for option in line.block():
            if option.name != "max_connections":
                raise option.unknown_property()
            if site.listen.https_connections is not None:
                raise option.error("max_connections already defined for this server block")
            site.listen.https_connections = _connections(option)


def _connections(option: Line) -> int:
    number = option.integer(wrong="invalid max_connections value '{word}': {error}")
    option.end()
    if number < 0:
        raise option.error(f"max_connections must be a non-negative integer: {number}")
    return number
