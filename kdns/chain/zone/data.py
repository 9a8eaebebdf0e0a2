"""The records of a zone by name and type.

Names are folded. Empty non-terminals have nodes too, empty ones, so the closest encloser of a name (RFC 4592 section
2.2.1) is the deepest node above it. Where the zone has NSEC records its names are also kept in canonical order (RFC
4034 section 6.1), to find the record that covers a name that is not there.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kdns.chain.answer import Records
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

Node = dict[int, list[Record]]
"""The records of one name by type."""

_FOLDED = frozenset((codes.NS, codes.CNAME, codes.SOA, codes.MX))
_SERVICES = frozenset((codes.SVCB, codes.HTTPS))
_NSEC3 = frozenset((50, 51))
_NUMBERS = 20

MAX_NAMES = 2_000_000
"""Names of a zone, empty non-terminals among them: a name of 255 octets can make 126 of these."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone that is loaded. `outside` counts records that were left out because they are not in it."""

    origin: bytes
    soa: Record
    nodes: dict[bytes, Node]
    outside: int = 0
    order: list[tuple[tuple[bytes, ...], bytes]] = field(default_factory=list)

    @property
    def serial(self) -> int:
        """Serial of the SOA."""
        return int.from_bytes(self.soa.data[-_NUMBERS:][:4], "big")

    @property
    def apex(self) -> Node:
        """The records of the zone's own name."""
        return self.nodes[self.origin]

    def covering(self, folded: bytes) -> bytes | None:
        """The name whose NSEC covers a name that is not there; `None` if the zone has no NSEC records."""
        if not self.order:
            return None
        return self.order[bisect_left(self.order, (_canonical(folded), b"")) - 1][1]

    def records(self) -> Iterator[Records]:
        """Everything but the SOA, name by name."""
        for node in self.nodes.values():
            batch = [record for records in node.values() for record in records if record is not self.soa]
            if batch:
                yield batch


def build(origin: bytes, records: Iterable[Record]) -> Zone | None:
    """The zone of these records, `None` without an SOA for the origin.

    Raises `WireError` for NSEC3 records, services without a target, and too many names.
    """
    nodes: dict[bytes, Node] = {origin: {}}
    outside = 0
    for record in records:
        if record.type in _NSEC3:
            zone = name.to_text(origin)
            raise WireError(f"NSEC3 zone is not supported, dropping RR: {record.to_text()} for zone: {zone}")
        folded = (record.owner or origin).lower()
        if not name.is_below(folded, origin):
            outside += 1
            continue
        if record.type == codes.SOA and folded != origin:
            continue
        _insert(nodes, origin, folded, _stored(record, folded))
        if len(nodes) > MAX_NAMES:
            raise WireError(f"more than {MAX_NAMES} names")
    if codes.SOA not in nodes[origin]:
        return None
    signed = any(codes.NSEC in node for node in nodes.values())
    order = sorted((_canonical(each), each) for each, node in nodes.items() if codes.NSEC in node) if signed else []
    return Zone(origin, nodes[origin][codes.SOA][0], nodes, outside, order)


def _insert(nodes: dict[bytes, Node], origin: bytes, folded: bytes, record: Record) -> None:
    node = nodes.get(folded)
    if node is None:
        node = nodes[folded] = {}
        above = folded[folded[0] + 1 :]
        while above != origin and above not in nodes:
            nodes[above] = {}
            above = above[above[0] + 1 :]
    if record.type == codes.SOA:
        node[codes.SOA] = [record]
        return
    records = node.setdefault(record.type, [])
    if not records or record not in records[-64:]:
        records.append(record)


def _stored(record: Record, folded: bytes) -> Record:
    """Owners lower case, but those of SRV records as written; and the names that CoreDNS has so in the data too."""
    if record.type == codes.SRV:
        return record
    data = record.data
    if record.type in _FOLDED:
        parts = rdata.fields(record.type, data)
        data = b"".join([octets.lower() if is_name else octets for is_name, octets in parts])
    elif record.type in _SERVICES:
        end = rdata.service_end(data)
        data = data[:2] + data[2:end].lower() + data[end:]
    return record._replace(owner=folded, data=data)


def _canonical(folded: bytes) -> tuple[bytes, ...]:
    return tuple(name.labels(folded)[::-1])
