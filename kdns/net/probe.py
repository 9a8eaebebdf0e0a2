"""Health probes: is there something at an upstream that speaks DNS?

One question on a socket of its own, over the transport that the queries use, so that a probe finds what they would
find. Any message that comes back under the question's id will do, whatever it says (`plugins.md`, forward, Health
checks). A datagram that fits nothing is ignored here as well: it must not keep a dead upstream alive.
"""

from collections.abc import Callable

from kdns.net.connections import Connections
from kdns.net.datagrams import Datagrams
from kdns.net.endpoint import Endpoint
from kdns.net.failures import UpstreamClosed, UpstreamError
from kdns.net.limits import Limits, Unobserved
from kdns.net.ticker import Ticker
from kdns.net.transaction import HEADER, Transaction

DIAL_TIMEOUT = 2.0
"""Seconds for a connection, its TLS handshake included."""
READ_TIMEOUT = 1.0
"""Seconds for the reply."""
ROOT = b"\0"

_LIMITS = Limits(ports=1, streams=1, dial_timeout=DIAL_TIMEOUT)
_NS_IN = b"\0\2\0\1"
_NO_FLAGS = 0x0000
_RECURSION_DESIRED = 0x0100
_QR = 0x80


class _AnyMessage(Transaction):
    """Takes any DNS message for its reply."""

    __slots__ = ()

    def accepts(self, reply: bytes) -> bool:
        return len(reply) >= HEADER and reply[2] & _QR != 0


async def probe(
    endpoint: Endpoint,
    *,
    tcp: bool = False,
    name: bytes = ROOT,
    recursion_desired: bool = True,
    ticker: Callable[[Callable[[float], bool]], Ticker] = Ticker,
) -> None:
    """Ask for the NS records of a name, given in wire form, and return when a DNS message comes back.

    Raises UpstreamError if none does: at once where the upstream refuses, else after 1 second, or 3 with a connection.
    Raises MalformedQuestion if the name is none.
    """
    flags = _RECURSION_DESIRED if recursion_desired else _NO_FLAGS
    message = b"\0\0" + flags.to_bytes(2, "big") + b"\0\1\0\0\0\0\0\0" + name + _NS_IN

    def sweep(time: float) -> bool:
        route.sweep(time)
        return True

    timer = ticker(sweep)
    route: Connections | Datagrams
    if tcp or endpoint.tls is not None:
        route = Connections(endpoint, _LIMITS, timer, Unobserved())
    else:
        route = Datagrams(endpoint, _LIMITS, timer, Unobserved(), _give_up)
    try:
        timer.start()
        transaction = _AnyMessage(message, timer.now + READ_TIMEOUT)
        route.ask(transaction)
        await transaction
    finally:
        timer.stop()
        route.close(UpstreamClosed(f"{endpoint}: health check ended"))


def _give_up(transaction: Transaction) -> None:
    transaction.fail(UpstreamError("health check: too many datagrams that are no replies"))
