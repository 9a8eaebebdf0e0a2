"""What is answered from the tables (`plugins.md`, the table of queries of hosts)."""

from kdns.chain.answer import Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.plugins.hosts.source import Source
from kdns.plugins.hosts.table import address_of
from kdns.wire import codes
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
        self._zones = zones
        self._ttl = ttl
        self._through = through
        self._unsupported = unsupported

    async def answer(self, query: Query) -> Answer:
        """Addresses, names, nothing, SERVFAIL, or what the next handler says."""
        question = query.question
        rtype = question.type
        if rtype != codes.PTR and self._zones.match(question) is None:
            return await self._next.answer(query)
        query.basis.reads.append(self._source.key)
        if rtype == codes.PTR:
            data = self._names(question)
            if not data:
                return await self._next.answer(query)
        elif rtype in (codes.A, codes.AAAA):
            data = self._addresses(question, rtype)
        elif self._unsupported and self._falls(question):
            return await self._next.answer(query)
        else:
            data = []
        if not data and not self._is_known(question):
            return await self._next.answer(query) if self._falls(question) else _SERVFAIL
        owner = None if question.name == question.folded else question.folded
        return Answer(flags=codes.AA, answer=tuple([Record(owner, rtype, each, self._ttl) for each in data]))

    def _falls(self, question: Question) -> bool:
        return self._through is not None and self._through.match(question) is not None

    def _names(self, question: Question) -> list[bytes]:
        address = address_of(question.folded)
        return (
            [] if address is None else [each for table in self._source.tables for each in table.names.get(address, ())]
        )

    def _addresses(self, question: Question, rtype: int) -> list[bytes]:
        file, inline = self._source.tables
        folded = question.folded
        if rtype == codes.A:
            return [*file.ipv4.find(folded)[:MOST], *inline.ipv4.find(folded)[:MOST]]
        return [*file.ipv6.find(folded)[:MOST], *inline.ipv6.find(folded)[:MOST]]

    def _is_known(self, question: Question) -> bool:
        return bool(self._addresses(question, codes.A) or self._addresses(question, codes.AAAA))
