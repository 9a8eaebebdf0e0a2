"""What a CA has to find in the DNS before it signs (DNS-01, RFC 8555 section 8.4), answered in every block.

A record is there while its order is under way. The names are known at setup, so queries for others read nothing here;
one of these reads its key, found or not, and is forgotten everywhere when a record comes or goes: a denial that was
given before, or that an upstream gave, hides nothing.
"""

from collections.abc import Callable, Collection, Coroutine
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.plugins.tls.options import challenge_name
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record

Changed = Callable[[str, str, bool], None]
"""Told of a domain and a value, and whether it is there now."""


class Challenges:
    """The records of all orders of an instance. `forget` is told of keys whose answers have changed.

    In a further process of the server they begin as those of `twin`, and follow what its `changed` is told.
    """

    def __init__(
        self,
        forget: Callable[[Collection[Key]], None],
        changed: Changed = lambda domain, value, present: None,
        twin: "Challenges | None" = None,
    ) -> None:
        self._forget = forget
        self._changed = changed
        self._values: dict[bytes, list[bytes]] = {}
        self._twin = {} if twin is None else twin._values

    def expect(self, domain: str) -> None:
        """Take notice that a domain will be proven. Only before the chains are built."""
        folded = _wire(domain)
        self._values.setdefault(folded, list(self._twin.get(folded, ())))

    @property
    def deepest(self) -> int:
        """Labels of the longest name."""
        return max((len(name.labels(each)) for each in self._values), default=0)

    def present(self, domain: str, value: str) -> None:
        """Have a record, beside those that are there: a domain and its wildcard share a name."""
        self._values[_wire(domain)].append(value.encode())
        self._tell(domain, value, True)

    def withdraw(self, domain: str, value: str) -> None:
        """Have it no more."""
        self._values[_wire(domain)].remove(value.encode())
        self._tell(domain, value, False)

    def _tell(self, domain: str, value: str, present: bool) -> None:
        self._forget([_key(_wire(domain))])
        self._changed(domain, value, present)

    def knows(self, folded: bytes) -> bool:
        """Whether there is a record under a name at times."""
        return folded in self._values

    def values(self, folded: bytes) -> list[bytes]:
        """The values under such a name now, each once and in order."""
        return sorted(set(self._values[folded]))


class Proof:
    """The link that shows them; with TTL 0, as CoreDNS has it."""

    def __init__(self, next_: Handler, challenges: Challenges) -> None:
        self._next = next_
        self._challenges = challenges

    @property
    def deepest(self) -> int:
        """Labels of the longest zone that it tells apart (`chain.handler.ByZone`)."""
        return self._challenges.deepest

    def part(self) -> Part:
        """See `chain.fastpath`: what is plain asks for addresses."""
        return Part()

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The records under a challenge's name, or what the next link says."""
        asked = query.question
        if asked.type != codes.TXT or asked.cls != codes.IN or not self._challenges.knows(asked.folded):
            return self._next.answer(query)
        query.basis.reads.append(_key(asked.folded))
        values = self._challenges.values(asked.folded)
        return _records(values) if values else self._next.answer(query)


async def _records(values: list[bytes]) -> Answer:
    return Answer(flags=codes.AA, answer=tuple([Record(None, codes.TXT, rdata.txt(value), 0) for value in values]))


def _wire(domain: str) -> bytes:
    return name.from_text(challenge_name(domain)).lower()


def _key(folded: bytes) -> Key:
    return ("acme", folded)
