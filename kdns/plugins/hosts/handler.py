"""What is answered from the tables (`plugins.md`, the table of queries of hosts)."""

from kdns.chain.answer import Answer, refuse
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.plugins.hosts.source import Source
from kdns.plugins.hosts.table import address_of
from kdns.wire import codes, name
from kdns.wire.reader import Question
from kdns.wire.record import Record

MOST = 5000
"""Records of one name from one table: more than any message holds, so that what is left out is cut off anyway."""

_SERVFAIL = refuse(codes.SERVFAIL)


class Hosts:
    """Answers from the tables what is in them.

    `through` are the zones whose unknown names fall through; with `unsupported` all types but A, AAAA and PTR do.
    """

    def __init__(
        self, next_: Handler, source: Source, zones: Zones, ttl: int, through: Zones | None, unsupported: bool
    ) -> None:
        self._next = next_
        self._source = source
        self._zones = None if name.ROOT in zones else zones
        self._ttl = ttl
        self._through = through
        self._through_all = through is not None and name.ROOT in through
        self._unsupported = unsupported

    def part(self) -> Part | None:
        """See `chain.fastpath`."""
        if self._zones is not None or not self._through_all:
            return None
        return Part(declines=self._knows, reads=(self._source.key,))

    def _knows(self, question: Question) -> bool:
        return any(addresses for table in self._source.tables for addresses in table.find(question.folded))

    async def answer(self, query: Query) -> Answer:
        """Addresses, names, nothing, SERVFAIL, or what the next handler says."""
        question = query.question
        rtype = question.type
        if self._zones is not None and rtype != codes.PTR and self._zones.match(question) is None:
            return await self._next.answer(query)
        query.basis.reads.append(self._source.key)
        if rtype == codes.PTR:
            data = self._names(question)
            return self._answer(question, data) if data else await self._next.answer(query)
        if self._unsupported and rtype not in (codes.A, codes.AAAA) and self._falls(question):
            return await self._next.answer(query)
        file, inline = self._source.tables
        (a, aaaa), (more_a, more_aaaa) = file.find(question.folded), inline.find(question.folded)
        if not (a or aaaa or more_a or more_aaaa):
            return await self._next.answer(query) if self._falls(question) else _SERVFAIL
        if rtype == codes.A:
            return self._answer(question, a[:MOST] + more_a[:MOST])
        if rtype == codes.AAAA:
            return self._answer(question, aaaa[:MOST] + more_aaaa[:MOST])
        return self._answer(question, [])

    def _falls(self, question: Question) -> bool:
        return self._through_all or (self._through is not None and self._through.match(question) is not None)

    def _names(self, question: Question) -> list[bytes]:
        address = address_of(question.folded)
        if address is None:
            return []
        file, inline = self._source.tables
        return [*file.names.get(address, ())[:MOST], *inline.names.get(address, ())[:MOST]]

    def _answer(self, question: Question, data: list[bytes]) -> Answer:
        owner = None if question.name == question.folded else question.folded
        records = [Record(owner, question.type, each, self._ttl) for each in data]
        return Answer(flags=codes.AA, answer=tuple(records))
