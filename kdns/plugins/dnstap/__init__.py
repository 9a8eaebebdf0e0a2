"""dnstap: queries and replies as dnstap messages, for collectors (https://dnstap.info).

::

    dnstap SOCKET [full] [WRITEBUF] [QUEUE] {
        identity NAME
        version TEXT
        extra TEXT
        skipverify
    }
    dnstap listen SOCKET [full] {
        identity NAME
        version TEXT
        extra TEXT
        tls CERT KEY [CA]
        skipverify
    }

SOCKET is a path, also as `unix://PATH`, or `tcp://HOST:PORT` or `tls://HOST:PORT`, where a collector speaks Frame
Streams, both ways. With `listen` collectors connect to it instead, up to 64 of them. May stand several times.

Each query of a client is a CLIENT_QUERY, and each message of its reply a CLIENT_RESPONSE, unless the reply is one that
the server makes of a code (SERVFAIL, REFUSED without a plugin that wrote them). Each exchange of `forward` is a
FORWARDER_QUERY, and a FORWARDER_RESPONSE if a reply came. Lookups of kdns itself are no client's. With `full` messages
hold the DNS message, octet for octet as it came or went, signature included. Nothing that is told of is kept for other
queries, so every query is told of.

    WRITEBUF    MiB of the kernel's buffer for a TCP connection, 1 to 1024, default 1
    QUEUE       messages that may wait, in ten thousands, 1 to 4096, default 1; also at most 64 MiB times this
    identity    default the host's name
    version     default `kdns-` and the version
    extra       added to each message; placeholders as in `log`, those of the answer being `-`
    skipverify  believe any certificate of the collector; with `listen`, take collectors without one
    tls         the certificate that collectors see; with CA they need one that it signed

A collector that cannot be reached is logged, and tried again every 10 seconds; messages meanwhile, and what the queue
has no room for, are dropped and counted: "Dropped dnstap messages: N", at most every 10 seconds. One that connected and
does not take 1 MiB is let go. No query ever waits for a collector.

Errors: no SOCKET, "dnstap listen requires an endpoint argument", 'dnstap: invalid MultipleTcpWriteBuf "X": ...',
"dnstap: MultipleTcpWriteBuf must be between 1 and 1024 (MiB units): N", the same for MultipleQueue "(x10k messages)",
"tls directive only valid for listeners", "tls requires cert and key file paths", "unknown property 'X'". What is wrong
with a listener's files or address is logged only. Metrics: none.

Example::

    .:1053 {
        metadata
        dnstap /tmp/dnstap.sock full {
            identity node-1
            extra "upstream: {/forward/upstream}"
        }
        dnstap listen tcp://127.0.0.1:6000
        forward . 192.0.2.53
    }
"""

import logging
import ssl
from functools import partial

from kdns.chain.placeholders import Format
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.net.tls import server_context
from kdns.plugins.dnstap import options
from kdns.plugins.dnstap.collectors import Collectors
from kdns.plugins.dnstap.handler import Dnstap, Outlet, Tap
from kdns.plugins.dnstap.message import Envelope
from kdns.plugins.dnstap.options import Options
from kdns.plugins.dnstap.sink import Sink

log = logging.getLogger("kdns.dnstap")


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    process = site.process
    taps = []
    for line in args:
        chosen = options.read(line, process.hostname, f"kdns-{process.version}")
        envelope = Envelope(chosen.identity, chosen.version)
        extra = Format(chosen.extra) if chosen.extra else None
        taps.append(Tap(envelope, _outlet(chosen, site), full=chosen.full, extra=extra))
        site.offer(taps[-1])
    site.chain("dnstap", lambda next_: Dnstap(next_, taps, process.time))


def _outlet(chosen: Options, site: Site) -> Outlet:
    return _listening(chosen, site) if chosen.listens else _connecting(chosen, site)


def _connecting(chosen: Options, site: Site) -> Sink:
    tls = _trusting(verifies=chosen.verifies) if chosen.target.proto == "tls" else None
    sink = Sink(chosen.target, queue=chosen.queue, buffer=chosen.buffer, tls=tls)

    async def start() -> None:
        site.wiring.spawn(sink.run())
        site.wiring.spawn(sink.report())

    site.hooks.startup.append(start)
    return sink


def _trusting(*, verifies: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _listening(chosen: Options, site: Site) -> Collectors:
    tls = partial(_certified, chosen) if chosen.target.proto == "tls" else None
    collectors = Collectors(chosen.target, site.wiring.spawn, tls)
    if chosen.target.proto == "tls" and not chosen.files:
        log.warning("TLS listener requires cert and key files")
        return collectors
    site.listen.alone = True  # collectors connect to one process
    site.once.startup.append(collectors.listen)
    site.once.restart.append(collectors.close)
    site.once.restart_failed.append(collectors.listen)
    site.once.final_shutdown.append(collectors.close)
    return collectors


def _certified(chosen: Options) -> ssl.SSLContext:
    """The listener's context. Blocks. Raises ValueError."""
    verify = ssl.CERT_NONE
    if len(chosen.files) > 2:
        verify = ssl.CERT_REQUIRED if chosen.verifies else ssl.CERT_OPTIONAL
    return server_context(*chosen.files[:3], verify=verify)
