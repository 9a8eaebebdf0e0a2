"""Exchanges with upstreams, shown to taps (`chain.roles.Tap`). Blocks without taps run none of this.

Each query goes by a group of its own: the same upstreams, order and limits, with something before each upstream that
tells of what passes. Who boards another query's flight takes part in no exchange.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.fastpath import Part
from kdns.chain.query import Query
from kdns.chain.roles import Forwarded, Tap
from kdns.chain.site import Wiring
from kdns.net.connection import Connection
from kdns.net.port import Port
from kdns.plugins.forward.group import Group
from kdns.plugins.forward.handler import Forward
from kdns.plugins.forward.proxy import Proxy
from kdns.wire.message import Relay
from kdns.wire.reader import Question

Tell = Callable[[Forwarded], None]


class TappedForward(Forward):
    """A `Forward` that tells of its exchanges; `time` is Unix time in seconds."""

    def __init__(self, *common: Any) -> None:
        *inherited, taps, time = common
        super().__init__(*inherited)
        self._taps: Sequence[Tap] = taps
        self._time: Callable[[], float] = time

    def part(self) -> Part | None:
        """See `chain.fastpath`: taps want to see all there is."""
        return None

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """An upstream's answer."""
        if self._is_everything or self._scope.holds(query.question):
            return self._forward(query, TappedGroup(self._group, query, self._taps, self._time))
        return self._next.answer(query)


class TappedGroup(Group):
    """A group as one query sees it."""

    def __init__(self, group: Group, query: Query, taps: Sequence[Tap], time: Callable[[], float]) -> None:
        vars(self).update(vars(group))
        self._query = query
        self._taps = taps
        self._time = time

    def _candidates(self, begun: tuple[Proxy, ...] | None = None) -> Iterator[Proxy]:
        for proxy in super()._candidates(begun):
            yield TappedProxy(proxy, self._tell, self._time)

    def _tell(self, exchange: Forwarded) -> None:
        ident = self._query.ident  # under which the client knows both; what went out had one of its own
        reply = exchange.reply and ident + exchange.reply[2:]
        shown = exchange._replace(question=ident + exchange.question[2:], reply=reply)
        for tap in self._taps:
            tap.forwarded(self._query, shown)


class TappedProxy(Proxy):
    """Stands before an upstream for one attempt."""

    __slots__ = ("_proxy", "_tell", "_time")

    def __init__(self, proxy: Proxy, tell: Tell, time: Callable[[], float]) -> None:
        self._proxy = proxy
        self._tell = tell
        self._time = time
        self.tls = proxy.tls
        self.upstream = proxy.upstream

    async def ask(self, message: bytes, asked: Question, tcp: bool) -> bytes:
        """See `Proxy`."""
        began = self._time()
        transaction = self._proxy.ask(message, asked, tcp)
        ways: list[Port | Connection | None] = []
        asyncio.get_running_loop().call_soon(lambda: ways.append(self.upstream.way_of(transaction)))
        reply = None
        try:
            reply = await transaction
        finally:
            endpoint, way = self.upstream.endpoint, ways[0] if ways else None
            source = None if way is None else way.source
            server = endpoint.address.partition("%")[0], endpoint.port
            proto = "tcp" if tcp or self.tls else "udp"
            self._tell(Forwarded(proto, source, server, began, message, self._time(), reply))
        return reply

    def read(self, packet: bytes, asked: Question, seconds: float, tcp: bool) -> Relay:
        """See `Proxy`."""
        return self._proxy.read(packet, asked, seconds, tcp)

    def suspect(self, wiring: Wiring) -> None:
        """See `Proxy`."""
        self._proxy.suspect(wiring)
