"""Forwarding of plain questions (`chain.fastpath`): one attempt, without a coroutine.

Only what is simple is done here: UDP, to the first upstream of the order if that is healthy, a reply that is plain too
(`plainreply`). Whatever comes out otherwise is handed back to the chain, where `Forward` takes the exchange up again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any

from kdns.chain.answer import relayed
from kdns.chain.fastpath import Asker, Plain, plain_key
from kdns.net.transaction import Transaction
from kdns.plugins.forward.flights import Flights
from kdns.plugins.forward.group import Group
from kdns.plugins.forward.message import plain_question
from kdns.plugins.forward.plainreply import read_plain
from kdns.plugins.forward.proxy import Proxy
from kdns.wire import codes
from kdns.wire.message import Relay
from kdns.wire.reader import Question


class Running:
    """How many queries wait for upstreams, and how many may: for one directive."""

    __slots__ = ("limit", "queries")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.queries = 0


class PlainExchange(Transaction):
    """A plain question on its way to an upstream; a `chain.fastpath.Plain`."""

    __slots__ = (
        "_forward",
        "aliases",
        "asked",
        "asker",
        "began",
        "count",
        "exchange",
        "flags",
        "opt",
        "order",
        "packet",
        "rcode",
        "records",
        "reply",
        "shown",
        "size",
        "soa",
        "ttl",
    )

    order: tuple[Proxy, ...]
    asker: Asker
    packet: bytes
    opt: bytes
    exchange: Any
    began: float
    reply: bytes
    flags: int
    rcode: int
    aliases: Sequence[bytes]
    records: bytes
    count: int
    soa: bytes
    ttl: int
    size: int
    shown: bytes

    def __init__(self, forward: "PlainForward", message: bytes, deadline: float, asked: Question) -> None:
        self._forward = forward
        self.message = message
        self.deadline = deadline
        self.asked = asked
        self.question = asked.wire
        self.shown = b""
        self.second_try = False
        self._outcome = None
        self._callback = None

    def finish(self, reply: bytes) -> None:
        """See `Transaction`."""
        if self._outcome is None:
            self._outcome = self.reply = reply
            inbox = self._forward.inbox
            if not inbox:
                self._forward.look_soon()
            inbox.append(self)

    def fail(self, error: BaseException) -> None:
        """See `Transaction`."""
        if self._outcome is None:
            self._outcome = error
            self._forward.give_back(self)

    def abandon(self) -> None:
        """See `Plain`."""
        if self._outcome is None:
            self._outcome = asyncio.CancelledError()
            self._forward.let_go(self)
            self.asker.let_go(self)


class PlainForward:
    """What `Forward` does with plain questions."""

    def __init__(self, group: Group, flights: Flights, running: Running, clock: Callable[[], float]) -> None:
        self._group = group
        self._flights = flights
        self._running = running
        self._clock = clock
        self._denies = group.settles(codes.NXDOMAIN)
        self.inbox: list[PlainExchange] = []
        """Replies that have come in this round of the loop."""
        self.given_back: PlainExchange | None = None
        """What the chain is being asked about, and has been begun."""

    def begin(
        self,
        asker: Asker,
        packet: bytes,
        question: Question,
        opt: bytes,
        flags: int,
        exchange: Any,
    ) -> Plain | None:
        """See `chain.fastpath.Begin`."""
        running, now = self._running, self._clock()
        message = plain_question(question, opt, flags)
        if running.queries >= running.limit or not self._flights.takes_off(message, now):
            return None
        order = self._group.order()
        proxy = order[0]
        if proxy.down or proxy.tls:
            self._flights.land(message, now, None)
            return None
        running.queries += 1
        upstream = proxy.upstream
        plain = PlainExchange(self, message, upstream.deadline(proxy.timeout), question)
        plain.asker = asker
        plain.packet = packet
        plain.opt = opt
        plain.exchange = exchange
        plain.began = now
        plain.order = order
        upstream.ask(plain)
        return plain

    def look_soon(self) -> None:
        """Look at the replies of this round of the loop when all have come."""
        asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        inbox, self.inbox = self.inbox, []
        now = self._clock()
        plains: list[PlainExchange] = []
        others: list[PlainExchange] = []
        for plain in inbox:
            is_answer = read_plain(plain) and (not plain.rcode or self._denies)
            (plains if is_answer else others).append(plain)
        self._running.queries -= len(plains)
        groups = _groups(plains)
        for alike in groups:
            first = alike[0]
            first.order[0].count(first.rcode, *[now - plain.began for plain in alike])
            for plain in self._flights.land_empty(alike):
                self._flights.land(plain.message, plain.began, relayed(Relay(plain.reply)))
        for alike in groups:
            alike[0].asker.finish(alike)
        for plain in others:
            self.give_back(plain)

    def let_go(self, plain: PlainExchange) -> None:
        """It has come to its end without a reply."""
        self._running.queries -= 1
        self._flights.land(plain.message, plain.began, None)

    def give_back(self, plain: PlainExchange) -> None:
        """Have the chain asked: it will find the exchange here that has been begun."""
        self._running.queries -= 1
        self.given_back = plain
        plain.asker.give_back(plain)
        if self.given_back is not None:  # something in front knew an answer, or has to wait
            self.given_back = None
            self._flights.land(plain.message, plain.began, None)

    def take_up(self, message: bytes) -> PlainExchange | None:
        """What was given back, for a query that asks the same."""
        plain, self.given_back = self.given_back, None
        if plain is not None and plain.message != message:
            self.given_back = plain
            return None
        return plain


def _groups(plains: list[PlainExchange]) -> Collection[list[PlainExchange]]:
    """Replies of one upstream that are alike, together.

    If any question was answered more than once, one by one as they came: the last of its replies is the one to keep.
    """
    groups: defaultdict[tuple[Asker, Proxy, int, int, bool], list[PlainExchange]] = defaultdict(list)
    for plain in plains:
        groups[plain.asker, plain.order[0], plain.asked.type, plain.rcode, plain.count > 0].append(plain)
    if len(groups) > 1 and len({plain_key(plain.asked) for plain in plains}) < len(plains):
        return [[plain] for plain in plains]
    return groups.values()
