"""Forwarding of plain questions (`chain.fastpath`): one attempt, without a coroutine.

Only what is simple is done here: UDP, to the first upstream of the order if that is healthy, a reply that has nothing
but addresses. Whatever comes out otherwise is handed back to the chain, where `Forward` takes the exchange up again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from kdns.chain.answer import relayed
from kdns.chain.fastpath import TYPES, Asker, Plain
from kdns.chain.query import Transport
from kdns.net.transaction import Transaction
from kdns.plugins.forward.flights import Flights
from kdns.plugins.forward.group import Group
from kdns.plugins.forward.message import plain_question
from kdns.plugins.forward.proxy import Proxy
from kdns.wire import codes
from kdns.wire.message import Relay
from kdns.wire.reader import HEADER_SIZE, Question, skim_records

SMALLEST = 512
"""Octets of a message over UDP that every client takes (RFC 1035 section 4.2.1)."""

_POINTER = b"\xc0\x0c"
_NOT_PLAIN = codes.TC | 15
_SHOWN = codes.AA | codes.RA | codes.AD
_OPT = b"\0\0\x29"
_BARE = bytes(6)
"""Extended code, version, flags and length of an OPT record that says nothing but a size."""


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
        "asked",
        "asker",
        "began",
        "count",
        "exchange",
        "flags",
        "opt",
        "order",
        "packet",
        "records",
        "reply",
        "transport",
        "ttl",
    )

    order: tuple[Proxy, ...]
    asker: Asker
    packet: bytes
    opt: bytes
    exchange: Any
    transport: Transport
    began: float
    reply: bytes
    flags: int
    records: bytes
    count: int
    ttl: int

    def __init__(self, forward: "PlainForward", message: bytes, deadline: float, asked: Question) -> None:
        self._forward = forward
        self.message = message
        self.deadline = deadline
        self.asked = asked
        self.question = asked.wire
        self.second_try = False
        self._outcome = None
        self._callback = None

    def finish(self, reply: bytes) -> None:
        """See `Transaction`."""
        if self._outcome is None:
            self._outcome = reply
            self._forward.replied(self, reply)

    def fail(self, error: BaseException) -> None:
        """See `Transaction`."""
        if self._outcome is None:
            self._outcome = error
            self._forward.give_back(self)

    def abandon(self) -> None:
        """See `Plain`."""
        if self._outcome is None:
            self._outcome = asyncio.CancelledError()
            self._forward.let_go(self, None)
            self.asker.let_go(self)


class PlainForward:
    """What `Forward` does with plain questions."""

    def __init__(self, group: Group, flights: Flights, running: Running, clock: Callable[[], float]) -> None:
        self._group = group
        self._flights = flights
        self._running = running
        self._clock = clock
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
        transport: Transport,
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
        plain.transport = transport
        plain.began = now
        plain.order = order
        upstream.ask(plain)
        return plain

    def replied(self, plain: PlainExchange, reply: bytes) -> None:
        """Let the asker have a reply that is plain, and give back any other."""
        flags = int.from_bytes(reply[2:4], "big")
        count = int.from_bytes(reply[6:8], "big")
        start = HEADER_SIZE + len(plain.question)
        size = TYPES[plain.asked.type]
        end = start + (12 + size) * count
        ttl = -1
        if flags & _NOT_PLAIN == 0 < count and _is_rest_plain(plain, reply, end) and _fits(plain, end):
            ttl = skim_records(reply, start, count, _POINTER + plain.question[-4:], size)
        if ttl < 0:
            self.give_back(plain)
            return
        plain.reply = reply
        plain.flags = flags & _SHOWN
        plain.count = count
        plain.ttl = ttl
        plain.records = reply[start:end]
        plain.order[0].count(codes.NOERROR, self._clock() - plain.began)
        self.let_go(plain, reply)
        plain.asker.finish(plain)

    def let_go(self, plain: PlainExchange, reply: bytes | None) -> None:
        """It has come to its end; whoever waits for the same reply gets it."""
        self._running.queries -= 1
        if not self._flights.arrives_alone(plain.message, plain.began):
            answer = None if reply is None else relayed(Relay(reply))
            self._flights.land(plain.message, plain.began, answer)

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


def _fits(plain: PlainExchange, end: int) -> bool:
    """Whether the client takes a message with these answers (RFC 6891 section 6.2.3)."""
    size = end + len(plain.opt)
    return size <= SMALLEST or (plain.opt != b"" and size <= int.from_bytes(plain.opt[3:5], "big"))


def _is_rest_plain(plain: PlainExchange, reply: bytes, end: int) -> bool:
    """Whether the question is the same in letter case, and nothing stands behind the answers but an OPT, if sent, that
    says nothing.
    """
    if not reply.startswith(plain.question, HEADER_SIZE):
        return False
    if reply[8:12] == b"\0\0\0\0":
        return True
    return (
        reply[8:12] == b"\0\0\0\1"
        and plain.opt != b""
        and reply.startswith(_OPT, end)
        and reply[end + 5 : end + 11] == _BARE
    )
