"""The upstreams of one directive, and how long a question goes round among them (`plugins.md`, forward, query path).

Healthy upstreams are asked in the order of the policy, round and round. When none is healthy the checks may be what is
broken, so one of them is asked at random, once. Two attempts for every upstream and `BUDGET` bound it all: whoever asks
goes away after five seconds, and must not be asked for after that (coredns#8277, dns#715).
"""

import asyncio
import random
from collections.abc import Callable, Generator, Iterator
from math import inf
from typing import Any, Protocol

from kdns.chain.answer import Answer, refuse, relayed
from kdns.chain.site import Wiring
from kdns.net.failures import UpstreamBusy, UpstreamError
from kdns.plugins.forward.flights import Flights
from kdns.plugins.forward.metrics import Metrics
from kdns.plugins.forward.options import Options
from kdns.plugins.forward.policy import POLICIES, Order
from kdns.plugins.forward.proxy import Proxy
from kdns.wire import codes
from kdns.wire.message import Relay
from kdns.wire.reader import Question

BUDGET = 5.0
"""Seconds from the first attempt in which another one begins."""
PAUSE = 0.1
"""Seconds before each attempt beyond the two for every upstream, for configurations that allow more of them."""

PASSED = Answer(written=False)
"""Says that the next `forward` is to answer; compare with `is`."""

_OF_THE_HOP = frozenset((codes.COOKIE, codes.KEEPALIVE))
"""EDNS options that speak of the way between kdns and the upstream (RFC 7873 section 4, RFC 7828 section 3)."""


class Begun(Protocol):
    """An exchange with the first upstream of an order."""

    order: tuple[Proxy, ...]

    def __await__(self) -> Generator[Any, None, bytes]:
        """The reply. Raises UpstreamError."""
        ...


class Group:
    """Asks upstreams until one answers; `passes` says whether another `forward` stands behind this one."""

    def __init__(
        self, options: Options, metrics: Metrics, clock: Callable[[], float], wiring: Wiring, *, passes: bool
    ) -> None:
        self._options = options
        self._broken = metrics.broken
        self._clock = clock
        self._wiring = wiring
        self._failover = options.failover
        self._prefer_udp = options.prefer_udp and not options.force_tcp
        self._next_on = options.next_on if passes else frozenset()
        self._special = self._next_on | ({codes.NOERROR} if passes and options.next_on_nodata else set())
        self._unhealthy = refuse(codes.SERVFAIL, "no healthy proxies")
        self.proxies: tuple[Proxy, ...] = ()

    def use(self, proxies: tuple[Proxy, ...]) -> None:
        """Ask these, at least one, from now on."""
        self.proxies = proxies
        self.order: Order[Proxy] = POLICIES[self._options.policy](proxies)
        most = self._options.max_connect_attempts
        self._eager = 2 * len(proxies)
        self._attempts = self._eager if most is None else most or inf

    def settles(self, rcode: int) -> bool:
        """Whether the first reply with this code is the answer."""
        return rcode not in self._special and rcode not in self._failover

    async def ask(
        self, message: bytes, asked: Question, tcp: bool, began: float, flights: Flights, begun: Begun | None = None
    ) -> Answer:
        """The answer to a message with this question: a reply, or why there is none, or `PASSED`.

        `begun` is the first attempt if that has been made.
        """
        answer, outcome = self._unhealthy, None
        attempts, replies, now = 0, 0, began
        try:
            for proxy in self._candidates(None if begun is None else begun.order):
                if attempts >= self._attempts or now - began >= BUDGET:
                    break
                if attempts >= self._eager:
                    await asyncio.sleep(PAUSE)
                try:
                    reply, begun = begun or proxy.ask(message, asked, tcp), None
                    relay = proxy.read(await reply, asked, self._clock() - now, tcp)
                    if relay.flags & codes.TC and self._prefer_udp and not proxy.tls:
                        relay = await self._ask_again(proxy, message, asked)
                except UpstreamError as error:
                    answer = refuse(codes.SERVFAIL, str(error))
                    if not isinstance(error, UpstreamBusy):
                        proxy.suspect(self._wiring)
                    attempts += 1
                    error.__traceback__ = error.__context__ = None  # or it holds this frame, whose `reply` holds it
                else:
                    answer = _answer(relay)
                    replies += 1
                    if relay.rcode not in self._failover or replies >= len(self.proxies):
                        break
                now = self._clock()
            outcome = PASSED if answer.rcode in self._special and self._passes_on(answer) else answer
            return outcome
        finally:
            flights.land(message, began, outcome)

    async def _ask_again(self, proxy: Proxy, message: bytes, asked: Question) -> Relay:
        began = self._clock()
        return proxy.read(await proxy.ask(message, asked, True), asked, self._clock() - began, True)

    def _passes_on(self, answer: Answer) -> bool:
        if not answer.written:
            return False
        return answer.rcode in self._next_on or (answer.rcode == codes.NOERROR and not answer.answer)

    def _candidates(self, begun: tuple[Proxy, ...] | None = None) -> Iterator[Proxy]:
        """Upstreams as they are to be asked; the first of an order in which somebody has begun comes first."""
        order, healthy = begun or self.order(), True
        while healthy:
            healthy = False
            for proxy in order:
                if not proxy.down or begun:
                    begun, healthy = None, True
                    yield proxy
        self._broken.value += 1
        if not self._options.failfast:
            yield random.choice(self.proxies)

    def stop(self) -> None:
        """Check the health of none any more; queries go on."""
        for proxy in self.proxies:
            proxy.stop()

    def close(self) -> None:
        """Close all sockets."""
        for proxy in self.proxies:
            proxy.close()


def _answer(relay: Relay) -> Answer:
    answer = relayed(relay)
    if relay.edns is not None and relay.edns.options:
        answer = answer.replace(options=tuple([each for each in relay.edns.options if each.code not in _OF_THE_HOP]))
    return answer
