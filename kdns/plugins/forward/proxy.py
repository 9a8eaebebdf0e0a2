"""One upstream and what is known of its health (`plugins.md`, forward, health checks).

A query that failed says little, as its name may be to blame. It only makes a check begin, which asks the upstream, in
the way that queries are asked, until it replies; any reply will do. An upstream is down when more than `max_fails`
checks in a row have failed. Where nothing fails there are no checks.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass

from kdns.chain.site import Wiring
from kdns.net.failures import UpstreamError
from kdns.net.probe import probe
from kdns.net.upstream import Upstream
from kdns.plugins.forward.metrics import ProxyMetrics
from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.message import Relay
from kdns.wire.reader import HEADER_SIZE, Question, read_question

_MIN_INTERVAL = 0.01
_ONE_QUESTION_NO_RECORDS = b"\0\1" + bytes(6)


@dataclass(frozen=True, slots=True)
class Check:
    """How health is checked: the name asked, in wire form, with RD or not, over TCP or as the upstream is reached.

    `interval` is in seconds; `max_fails` 0 means no checks at all.
    """

    name: bytes
    recursion: bool
    tcp: bool
    interval: float
    max_fails: int


class Proxy:
    """One upstream; a reply may take `timeout` seconds."""

    __slots__ = ("_check", "_checking", "_fails", "_metrics", "_stopped", "down", "timeout", "tls", "upstream")

    def __init__(self, upstream: Upstream, timeout: float, check: Check, metrics: ProxyMetrics) -> None:
        self.upstream = upstream
        self.timeout = timeout
        self._check = check
        self._metrics = metrics
        self._fails = 0
        self._checking = False
        self._stopped = False
        self.down = False
        self.tls = upstream.endpoint.tls is not None

    def __str__(self) -> str:
        return str(self.upstream)

    def ask(self, message: bytes, asked: Question, tcp: bool) -> Awaitable[bytes]:
        """Send a message with this question; awaiting the reply raises `UpstreamError`."""
        return self.upstream.exchange(message, tcp=tcp, timeout=self.timeout, question=asked.wire)

    def read(self, packet: bytes, asked: Question, seconds: float, tcp: bool) -> Relay:
        """The reply to a question as a message, counted. Raises `UpstreamError`.

        A datagram that cannot be read is a reply cut short: the client is to ask over TCP (`plugins.md`, exchange).
        """
        try:
            relay = Relay(packet, asked)
            relay.check_names()
        except WireError as error:
            if tcp or self.tls:
                raise UpstreamError(f"read tcp {self}: {error}") from error
            relay = _cut_short(packet)
        self.count(relay.rcode, seconds)
        return relay

    def count(self, rcode: int, *seconds: float) -> None:
        """Count exchanges with the same rcode."""
        self._metrics.replied(rcode, *seconds)

    def suspect(self, wiring: Wiring) -> None:
        """Begin to check its health, unless that is being done."""
        if not self._checking and not self._stopped and self._check.max_fails:
            self._checking = True
            wiring.spawn(self._check_until_healthy())

    async def _check_until_healthy(self) -> None:
        check = self._check
        while not self._stopped:
            try:
                await probe(self.upstream.endpoint, tcp=check.tcp, name=check.name, recursion_desired=check.recursion)
            except UpstreamError:
                self._fails += 1
                self._metrics.check_failed()
                self.down = self._fails > check.max_fails
                await asyncio.sleep(max(check.interval, _MIN_INTERVAL))
            else:
                self._fails = 0
                self.down = False
                break
        self._checking = False

    def stop(self) -> None:
        """Check no more; queries go on."""
        self._stopped = True

    def close(self) -> None:
        """Close all sockets; who still waits is told so."""
        self._stopped = True
        self.upstream.close()


def _cut_short(packet: bytes) -> Relay:
    """Header and question of a message with TC set; its question has been read before."""
    _, end = read_question(packet)
    flags = bytes((packet[2] | codes.TC >> 8, packet[3]))
    return Relay(packet[:2] + flags + _ONE_QUESTION_NO_RECORDS + packet[HEADER_SIZE:end])
