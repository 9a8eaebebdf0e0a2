"""Forwarding of plain questions (`chain.fastpath`): one attempt, without a coroutine.

Only what is simple is done here: UDP, to the first upstream of the order if that is healthy, a reply that has nothing
but addresses. Whatever comes out otherwise is handed back to the chain, where `Forward` takes the exchange up again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from struct import Struct
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

_COUNTS = Struct(">HHHHH")
_FIXED = 12
"""Octets of a record with a pointer as its owner, without data."""
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
            self._outcome = self.reply = reply
            self._forward.replied(self)

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
        self._inbox: list[PlainExchange] = []
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

    def replied(self, plain: PlainExchange) -> None:
        """Look at a reply, with the others that come in this round of the loop."""
        if not self._inbox:
            asyncio.get_running_loop().call_soon(self._look)
        self._inbox.append(plain)

    def _look(self) -> None:
        inbox, self._inbox = self._inbox, []
        answered = [plain for plain in inbox if _read(plain)]
        now = self._clock()
        askers: defaultdict[Asker, list[Plain]] = defaultdict(list)
        seconds: defaultdict[Proxy, list[float]] = defaultdict(list)
        for plain in answered:
            askers[plain.asker].append(plain)
            seconds[plain.order[0]].append(now - plain.began)
            self.let_go(plain, plain.reply)
        for proxy, each in seconds.items():
            proxy.count(codes.NOERROR, *each)
        for asker, plains in askers.items():
            asker.finish(plains)
        if len(answered) < len(inbox):
            for plain in inbox:
                if plain.count < 1:
                    self.give_back(plain)

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


def _read(plain: PlainExchange) -> bool:
    """Read a reply. Whether it has nothing but the addresses that were asked for; if not, their `count` is 0."""
    reply, asked = plain.reply, plain.question
    plain.count = 0
    flags, _, count, authorities, additionals = _COUNTS.unpack_from(reply, 2)
    start, size = HEADER_SIZE + len(asked), TYPES[plain.asked.type]
    end = start + (_FIXED + size) * count
    if flags & _NOT_PLAIN or not count or authorities or not reply.startswith(asked, HEADER_SIZE):
        return False
    if additionals and not (additionals == 1 and plain.opt and _is_bare(reply[end:])):
        return False
    room = end + len(plain.opt)
    if room > SMALLEST and not (plain.opt and room <= int.from_bytes(plain.opt[3:5], "big")):
        return False  # the client does not take it all (RFC 6891 section 6.2.3)
    ttl = skim_records(reply, start, count, _POINTER + asked[-4:], size)
    if ttl < 0:
        return False
    plain.flags = flags & _SHOWN
    plain.count = count
    plain.ttl = ttl
    plain.records = reply[start:end]
    return True


def _is_bare(octets: bytes) -> bool:
    """Whether they begin with an OPT that says no more than a size."""
    return octets.startswith(_OPT) and octets[5:11] == _BARE
