"""The link of the chain that answers cluster zones (`kubernetes.md` sections 1, 2 and 5).

A name is looked up once, whatever the type: it exists or it does not, so A and AAAA can never disagree. Then the type
picks records. Answers without records are made once for each zone and serial and shared by all who get them.
"""

from collections.abc import Awaitable, Callable, Sequence

from kdns.chain import reverse
from kdns.chain.answer import Answer, refuse
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.cluster.index import Index
from kdns.plugins.kubernetes import aliases, pods, records
from kdns.plugins.kubernetes.grammar import Asked, Form, read
from kdns.plugins.kubernetes.identity import Identity
from kdns.plugins.kubernetes.options import Options, Pods
from kdns.plugins.kubernetes.pointers import Pointers
from kdns.plugins.kubernetes.records import Found
from kdns.plugins.kubernetes.services import Services
from kdns.plugins.kubernetes.siblings import absent
from kdns.plugins.kubernetes.zone import Empty, Zone
from kdns.wire import codes, name, rdata
from kdns.wire.reader import Question
from kdns.wire.record import Record

_VERSION_TTL = 28800
_ADDRESSES = (codes.A, codes.AAAA)
_TRANSFERS = (codes.AXFR, codes.IXFR)
_REFUSED = refuse(codes.REFUSED)
_FORWARD = frozenset((Form.SERVICE, Form.ZONAL, Form.POD, Form.NAMESPACE, Form.POD_NAMESPACE))
"""Forms that no name below a reverse zone has."""


class Kubernetes:
    """Answers the zones of one directive; everything else, and what falls through, goes to the next link."""

    def __init__(
        self,
        next_: Handler,
        options: Options,
        index: Index,
        *,
        lookup: aliases.Lookup,
        local: tuple[str, ...] = (),
        synced: Callable[[], bool] = lambda: True,
        settled: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`settled` waits for the first load, as long as that may take; `synced` tells whether it is done."""
        self._next = next_
        self._options = options
        self._index = index
        self._lookup = lookup
        self._is_synced = synced
        self._synced = False
        self._settled = settled
        self._services = Services(index, options)
        self._pointers = Pointers(index, self._services, options)
        self._identity = Identity(index, local, pod_names=options.endpoint_pod_names)
        self._zones = Zones(options.zones)
        self._fallthrough = None if options.fallthrough is None else Zones(options.fallthrough or (".",))
        self._ttl = options.ttl
        self._primary = name.from_text(options.primary)
        imported = {name.from_text(zone) for zone in options.multicluster}
        self._by_wire = {wire: Zone(wire, options.ttl, index, multicluster=wire in imported) for wire in self._zones}
        self.siblings = 0

    @property
    def deepest(self) -> int:
        """See `ByZone`."""
        return max(self._zones.deepest, self._fallthrough.deepest if self._fallthrough else 0)

    def part(self) -> Part:
        """See `chain.fastpath`: names of the zones are not for upstreams."""
        return Part(zones=self._zones.texts)

    async def answer(self, query: Query) -> Answer:
        """The cluster's answer, or the next link's."""
        question = query.question
        wire = self._zones.match(question)
        if wire is None:
            return await self._next.answer(query)
        if question.cls != codes.IN or question.type in _TRANSFERS:
            return _REFUSED
        if not self._synced:
            await self._wait_for_load()
        zone = self._by_wire[wire]
        labels = _labels(question, zone.labels)
        asked = read(labels, multicluster=zone.multicluster, zonal=self._options.zonal)
        if asked.form is Form.SERVICE and not zone.reverse:
            found = self._find_service(query, zone, asked)
            if found and question.type in _ADDRESSES and any(entry.alias for entry in found):
                return await self._aliases(query, zone, found)
            answer = self._missing(query, zone) if found is None else self._service(query, zone, asked, found)
        else:
            answer = self._other(query, zone, asked)
        if answer is None:
            return await self._next.answer(query)
        if self.siblings:
            query.basis.uncased = answer.shared is not None or _only_addresses(question, answer)
        if answer.rcode == codes.NXDOMAIN and 0 < self.siblings <= len(labels) + zone.labels and zone.forward:
            query.basis.absent = absent(self._index, labels, asked, multicluster=zone.multicluster)
        return answer

    async def _wait_for_load(self) -> None:
        if not self._is_synced() and self._settled is not None:
            await self._settled()
        self._synced = self._is_synced()

    def _other(self, query: Query, zone: Zone, asked: Asked) -> Answer | None:
        """Names that are not a Service's; `None` is for the next link."""
        form = asked.form
        if zone.reverse and form in _FORWARD:
            return self._missing(query, zone)
        if form is Form.ZONAL:
            found = self._find_service(query, zone, asked)
            return self._missing(query, zone) if found is None else self._service(query, zone, asked, found)
        if form is Form.POD:
            return self._pod(query, zone, asked)
        if form is Form.INVALID:
            return self._reverse(query, zone)
        if form in (Form.NAMESPACE, Form.POD_NAMESPACE):
            return self._namespace(query, zone, asked)
        return self._special(query, zone, form)

    # What is there

    def _find_service(self, query: Query, zone: Zone, asked: Asked) -> list[Found] | None:
        find = self._services.find_imported if zone.multicluster else self._services.find
        return find(query.basis.reads, asked)

    def _find_name(self, query: Query, zone: Zone, folded: bytes) -> Sequence[Found] | None:
        """What any name inside a zone stands for, as the target of an alias."""
        labels = [label.decode("latin-1") for label in name.labels(folded)]
        asked = read(labels[: len(labels) - zone.labels], multicluster=zone.multicluster, zonal=self._options.zonal)
        if asked.form in (Form.SERVICE, Form.ZONAL):
            return self._find_service(query, zone, asked)
        if asked.form is Form.POD and self._services.exposed(query.basis.reads, asked.namespace):
            address = pods.find(self._index, query.basis.reads, asked, self._options.pods)
            return None if address is None else [Found((), address)]
        if asked.form is Form.NAME_SERVER:
            return [Found((), address) for address in self._own_addresses(query)]
        return None

    def _own_addresses(self, query: Query) -> list[bytes]:
        names = self._identity.names(query.basis.reads)
        return list(dict.fromkeys(address for addresses in names.values() for address in addresses))

    # What is answered

    def _service(self, query: Query, zone: Zone, asked: Asked, found: list[Found]) -> Answer:
        rtype = query.question.type
        if rtype in _ADDRESSES:
            return self._records(query, zone, records.addresses(found, rtype, self._ttl))
        if rtype == codes.SRV:
            base = name.from_labels(
                (asked.service.encode(), asked.namespace.encode(), b"svc"), zone.as_sent(query.question)
            )
            answer, glue = records.services([entry for entry in found if not entry.alias], base, self._ttl)
            return self._records(query, zone, answer, glue)
        if rtype == codes.CNAME and found and found[0].alias:
            record = aliases.cname(found[0].alias, None, self._ttl)
            return self._records(query, zone, [record] if record else [])
        return self.empty(query, zone).nodata

    async def _aliases(self, query: Query, zone: Zone, found: list[Found]) -> Answer:
        walk = aliases.Walk(
            query, zone.wire, self._ttl, lambda folded: self._find_name(query, zone, folded), self._lookup
        )
        answer = await walk.follow(found, query.question.folded, None)
        reply = self._records(query, zone, answer)
        if walk.failed:
            return reply.replace(rcode=codes.SERVFAIL)
        return reply.replace(flags=reply.flags | codes.TC) if walk.truncated else reply

    def _pod(self, query: Query, zone: Zone, asked: Asked) -> Answer | None:
        reads = query.basis.reads
        if not self._services.exposed(reads, asked.namespace):
            return self._missing(query, zone)
        address = pods.find(self._index, reads, asked, self._options.pods)
        if address is None:
            return self._missing(query, zone)
        rtype = query.question.type
        found = [Found((), address)]
        return self._records(query, zone, records.addresses(found, rtype, self._ttl) if rtype in _ADDRESSES else [])

    def _namespace(self, query: Query, zone: Zone, asked: Asked) -> Answer | None:
        disabled = asked.form is Form.POD_NAMESPACE and self._options.pods is Pods.DISABLED
        if disabled or not self._services.exposed(query.basis.reads, asked.namespace):
            return self._missing(query, zone)
        return self.empty(query, zone).nodata

    def _reverse(self, query: Query, zone: Zone) -> Answer | None:
        """A reverse name, or one that fits no form. NODATA there falls through as NXDOMAIN does (section 9)."""
        spelled = reverse.read(_labels(query.question, 0))
        if spelled is None or not (spelled.address or spelled.partial):
            return self._missing(query, zone)
        if spelled.partial:
            return self._missing(query, zone, nodata=True)
        targets = self._pointers.targets(query.basis.reads, spelled.address)
        if not targets or query.question.type != codes.PTR:
            return self._missing(query, zone, nodata=bool(targets))
        return self._records(query, zone, [Record(None, codes.PTR, target, self._ttl) for target in targets])

    def _special(self, query: Query, zone: Zone, form: Form) -> Answer:
        """Names that exist whatever the cluster holds; none of them is ever NXDOMAIN."""
        rtype = query.question.type
        if form is Form.APEX and rtype == codes.SOA:
            return self.empty(query, zone).soa
        if form is Form.APEX and rtype == codes.NS:
            return self._name_servers(query, zone)
        if form is Form.VERSION and rtype == codes.TXT:
            text = rdata.txt(records.DNS_VERSION.encode())
            return Answer(flags=codes.AA, answer=(Record(None, codes.TXT, text, _VERSION_TTL),))
        if form is Form.NAME_SERVER and rtype in _ADDRESSES:
            own = [Found((), address) for address in self._own_addresses(query)]
            return self._records(query, zone, records.addresses(own, rtype, self._ttl))
        return self.empty(query, zone).nodata

    def _name_servers(self, query: Query, zone: Zone) -> Answer:
        base = self._primary if zone.reverse else zone.as_sent(query.question)
        answer, glue = [], []
        for labels, addresses in self._identity.names(query.basis.reads).items():
            target = name.from_labels(labels, base)
            answer.append(Record(None, codes.NS, target, self._ttl))
            for address in addresses:
                rtype = codes.A if len(address) == 4 else codes.AAAA
                glue.append(Record(target, rtype, address, self._ttl))
        return self._records(query, zone, answer, glue)

    # Shapes of answers

    def _records(self, query: Query, zone: Zone, answer: list[Record], additional: Sequence[Record] = ()) -> Answer:
        if not answer:
            return self.empty(query, zone).nodata
        return Answer(flags=codes.AA, answer=answer, additional=additional)

    def _missing(self, query: Query, zone: Zone, *, nodata: bool = False) -> Answer | None:
        """What a name gets that is not there: the next link if it may, and never a denial before the first sync."""
        if self._fallthrough is not None and self._fallthrough.match(query.question) is not None:
            return None
        empty = self.empty(query, zone)
        if not self._synced:
            return empty.unsynced
        return empty.nodata if nodata else empty.denied

    def empty(self, query: Query, zone: Zone) -> Empty:
        """The zone's answers without records, at the serial of this moment (law 6), in the client's spelling."""
        query.basis.stamp = zone.stamp
        return zone.empty(zone.as_sent(query.question))


def _only_addresses(question: Question, answer: Answer) -> bool:
    """Whether an answer has no name in it but the question's."""
    return (
        question.type in _ADDRESSES
        and not answer.additional
        and all(record.owner is None and record.type == question.type for record in answer.answer)
    )


def _labels(question: Question, without: int) -> list[str]:
    """Folded labels of a question, without the last so many."""
    labels = name.labels(question.folded)
    return [label.decode("latin-1") for label in (labels[:-without] if without else labels)]
