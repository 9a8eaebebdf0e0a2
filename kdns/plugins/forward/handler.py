"""Which queries are forwarded, how many at a time, and which of them share an exchange."""

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from kdns.chain.answer import Answer, refuse
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.metrics import Counter
from kdns.plugins.forward import message
from kdns.plugins.forward.flights import Flights
from kdns.plugins.forward.group import PASSED, Group
from kdns.plugins.forward.options import Options
from kdns.plugins.forward.plain import PlainForward, Running
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.reader import Question


class Scope:
    """The names that are forwarded: those in `zone`, but for those in `excepted`; the zone itself in any case."""

    def __init__(self, zone: str, excepted: tuple[str, ...]) -> None:
        self._apex = name.from_text(zone)
        self._zone = Zones((zone,))
        self._excepted = Zones(excepted)
        self.is_everything = self._apex == name.ROOT and not excepted

    def holds(self, question: Question) -> bool:
        """Whether a question is forwarded."""
        if question.folded == self._apex:
            return True
        return self._zone.match(question) is not None and self._excepted.match(question) is None


class Forward:
    """Asks upstreams, or the next handler for what is out of scope."""

    def __init__(
        self, next_: Handler, scope: Scope, options: Options, group: Group, clock: Callable[[], float], full: Counter
    ) -> None:
        self._next = next_
        self._scope = scope
        self._is_everything = scope.is_everything
        self._group = group
        self._clock = clock
        self._rejected = full
        self._running = Running(options.max_concurrent or inf)
        self._refusal = refuse(codes.REFUSED, f"concurrent queries exceeded maximum {options.max_concurrent}")
        self._tcp = True if options.force_tcp else False if options.prefer_udp else None
        self._flights = Flights(), Flights()
        self._plain = PlainForward(group, self._flights[False], self._running, clock)

    def part(self) -> Part | None:
        """See `chain.fastpath`."""
        if not self._is_everything or self._tcp or not self._group.settles(codes.NOERROR):
            return None
        return Part(begin=self._plain.begin)

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """An upstream's answer."""
        if self._is_everything or self._scope.holds(query.question):
            return self._forward(query, self._group)
        return self._next.answer(query)

    async def _forward(self, query: Query, group: Group) -> Answer:
        query.basis.fleeting = True
        running = self._running
        if running.queries >= running.limit:
            self._rejected.value += 1
            return self._refusal
        running.queries += 1
        try:
            try:
                asked = message.question(query)
            except WireError as error:
                return refuse(codes.FORMERR, str(error))
            tcp = query.transport.proto == "tcp" if self._tcp is None else self._tcp
            flights, now = self._flights[tcp], self._clock()
            begun = self._plain.take_up(asked)
            if begun is not None:
                now = begun.began
            answer = None
            while answer is None:
                # HINFO is what `loop` asks itself: one that comes back must go out again to be seen once more.
                shared = begun is None and query.question.type != codes.HINFO
                passage = flights.board(asked, now) if shared else None
                if passage is None:
                    answer = await group.ask(asked, query.question, tcp, now, flights, begun)
                else:
                    answer = await passage
            return answer if answer is not PASSED else await self._next.answer(query)
        finally:
            running.queries -= 1
