"""The link of the chain that answers zones of external addresses (`kubernetes.md` section 6.1)."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from kdns.chain import places, reverse
from kdns.chain.answer import Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.places import Found
from kdns.chain.query import Query
from kdns.chain.roles import ExternalServices
from kdns.chain.zones import Zones
from kdns.plugins.k8s_external.transfer import Transfers
from kdns.plugins.k8s_external.upstream import Upstream
from kdns.plugins.k8s_external.zone import Zone
from kdns.wire import codes, name
from kdns.wire.record import Record

Lookup = Callable[[Query, bytes, int], Awaitable[Answer | None]]

_ADDRESSES = (codes.A, codes.AAAA)
_REFUSED = refuse(codes.REFUSED)


class K8sExternal:
    """Answers its zones; everything else, and what falls through, goes to the next link."""

    def __init__(
        self,
        next_: Handler,
        source: ExternalServices,
        zones: Sequence[Zone],
        *,
        lookup: Lookup,
        ttl: int,
        headless: bool,
        fallthrough: Zones | None,
    ) -> None:
        self._next = next_
        self._source = source
        self._by_wire = {zone.wire: zone for zone in zones}
        self._zones = Zones(map(name.to_text, self._by_wire))
        self._upstream = Upstream(lookup, ttl)
        self._ttl = ttl
        self._headless = headless
        self._fallthrough = fallthrough
        forward = [zone.wire for zone in zones if not reverse.is_reverse(name.to_text(zone.wire))]
        self._primary = forward[0] if forward else name.ROOT

    def transfers(self) -> Transfers:
        """The same zones as a whole."""
        return Transfers(self._by_wire, self._source, ttl=self._ttl, headless=self._headless, primary=self._primary)

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The answer from outside, or the next link's."""
        wire = self._zones.match(query.question)
        return self._next.answer(query) if wire is None else self._answer(query, self._by_wire[wire])

    async def _answer(self, query: Query, zone: Zone) -> Answer:
        question = query.question
        if question.cls != codes.IN:
            return _REFUSED
        labels = [label.decode("latin-1") for label in name.labels(question.folded)]
        below = labels[: len(labels) - zone.labels]
        if not below or name.is_below(question.folded, zone.apex):
            return self._own(query, zone)
        spelled = reverse.read(labels)
        if spelled is not None:
            answer = self._reverse(query, zone, spelled)
        elif len(below) == 1:
            exists = self._source.has_namespace(query.basis.reads, below[0])
            answer = zone.empty(query).nodata if exists else None
        else:
            found = self._find(query, below)
            answer = None if found is None else await self._records(query, zone, below, found)
        return await self._missing(query, zone) if answer is None else answer

    def _own(self, query: Query, zone: Zone) -> Answer:
        """The zone itself and its name server; nothing here falls through."""
        asked, rtype = query.question.folded, query.question.type
        if asked == zone.wire and rtype == codes.SOA:
            return zone.empty(query).soa
        if asked == zone.wire and rtype == codes.NS:
            glue = [zone.address(octets) for octets in self._own_addresses(query)]
            return Answer(flags=codes.AA, answer=(zone.name_server,), additional=glue)
        if asked == zone.server and rtype in _ADDRESSES:
            own = [Found((), octets) for octets in self._own_addresses(query)]
            if records := places.addresses(own, rtype, self._ttl):
                return Answer(flags=codes.AA, answer=records)
        empty = zone.empty(query)
        return empty.nodata if asked in (zone.wire, zone.apex, zone.server) else empty.denied

    def _own_addresses(self, query: Query) -> list[bytes]:
        return self._source.own_addresses(query.basis.reads, headless=self._headless)

    def _find(self, query: Query, below: list[str]) -> list[Found] | None:
        """What a name of two labels or more stands for: a Service, an endpoint or a port of it."""
        *front, service, namespace = below
        endpoint, port = "", None
        if len(front) == 1:
            endpoint = front[0]
        elif len(front) == 2:
            port = (front[0].removeprefix("_"), front[1].removeprefix("_"))
        if len(front) > 2 or (port and not all(port)):
            return None
        reads = query.basis.reads
        return self._source.reached_at(reads, namespace, service, endpoint=endpoint, port=port, headless=self._headless)

    async def _records(self, query: Query, zone: Zone, below: list[str], found: list[Found]) -> Answer:
        rtype = query.question.type
        answer: list[Record] = []
        glue: list[Record] = []
        truncated = False
        if rtype in _ADDRESSES:
            answer = places.addresses(found, rtype, self._ttl)
            behind, truncated = await self._upstream.aliases(query, found)
            answer += behind
        elif rtype == codes.SRV:
            base = name.from_labels([label.encode("latin-1") for label in below[-2:]], zone.wire)
            answer, glue = places.services(found, base, self._ttl)
            targets, more = await self._upstream.targets(query, found)
            answer, glue = answer + targets, glue + more
        if not answer:
            return zone.empty(query).nodata
        return Answer(flags=codes.AA | (codes.TC if truncated else 0), answer=answer, additional=glue)

    def _reverse(self, query: Query, zone: Zone, spelled: reverse.Reverse) -> Answer | None:
        targets = self._source.reached_by(query.basis.reads, spelled.address) if spelled.address else []
        if not targets:
            return None
        if query.question.type != codes.PTR:
            return zone.empty(query).nodata
        names = [name.from_labels([label.encode() for label in target], self._primary) for target in targets]
        return Answer(flags=codes.AA, answer=[Record(None, codes.PTR, target, self._ttl) for target in names])

    async def _missing(self, query: Query, zone: Zone) -> Answer:
        """What a name gets that is not there: before the first sync neither a denial nor what another plugin says."""
        if not self._source.synced():
            return zone.empty(query).unsynced
        if self._fallthrough is not None and self._fallthrough.match(query.question) is not None:
            return await self._next.answer(query)
        return zone.empty(query).denied
