"""Host names of load balancers: aliases, whose addresses the whole server is asked for (`kubernetes.md` section 6.1).

A lookup that fails leaves the alias alone: unlike a Service's own `externalName`, such a name is the cloud's.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

from kdns.chain import places
from kdns.chain.answer import Answer
from kdns.chain.places import Found
from kdns.chain.query import Query
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

Lookup = Callable[[Query, bytes, int], Awaitable[Answer | None]]


class Upstream:
    """Looks up names for the queries of one plugin."""

    def __init__(self, lookup: Lookup, ttl: int) -> None:
        self._lookup = lookup
        self._ttl = ttl

    async def aliases(self, query: Query, found: Iterable[Found]) -> tuple[list[Record], bool]:
        """Each alias with what it leads to, of the question's type; whether that was truncated."""
        records: list[Record] = []
        truncated = False
        for target in _aliases(found):
            records.append(Record(None, codes.CNAME, target, self._ttl))
            behind, cut = await self._ask(query, target, query.question.type)
            records += behind
            truncated |= cut
        return records, truncated

    async def targets(self, query: Query, found: Sequence[Found]) -> tuple[list[Record], list[Record]]:
        """SRV records with aliases as targets, and the addresses of these."""
        weight, answer = places.weight_of(found), list[Record]()
        glue: list[Record] = []
        for entry in found:
            for target in _aliases((entry,)) if entry.port else ():
                answer.append(Record(None, codes.SRV, rdata.srv(0, weight, entry.port, target), self._ttl))
        for target in _aliases(found) if answer else ():
            for rtype in (codes.A, codes.AAAA):
                glue += (await self._ask(query, target, rtype))[0]
        return list(dict.fromkeys(answer)), glue

    async def _ask(self, query: Query, target: bytes, rtype: int) -> tuple[list[Record], bool]:
        answer = await self._lookup(query, target, rtype)
        if answer is None or answer.rcode not in (codes.NOERROR, codes.NXDOMAIN):
            return [], False
        records = [record if record.owner is not None else record._replace(owner=target) for record in answer.answer]
        return records, answer.flags & codes.TC != 0


def _aliases(found: Iterable[Found]) -> list[bytes]:
    """The host names among places, each once; those that are no domain names are left out."""
    targets: dict[bytes, None] = {}
    for entry in found:
        try:
            targets.update({name.from_text(entry.alias): None} if entry.alias else {})
        except WireError:
            continue
    return list(targets)
