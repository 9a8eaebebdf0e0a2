"""Whole zones of the cluster for `transfer` (`kubernetes.md` section 6.3): what queries are answered with, and no more.

Services come sorted by name; those with cluster IPs without their endpoints, headless ones with them. Reverse zones
have the PTR records that fall into them. Everything but the SOA is read when it is asked for, so a change meanwhile may
show or not; the serial has moved then, and the next transfer brings it.

Unlike CoreDNS's: only zones of the directive are transferred, addresses of name servers have the zone's TTL and stand
there once, and endpoints in multicluster zones have their cluster's id, as they are asked for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from kdns.chain import reverse
from kdns.chain.answer import Records
from kdns.chain.roles import Transfer
from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.cluster.values import EndpointSlice, ImportedSlice, Port, Service, ServiceImport
from kdns.plugins.kubernetes import aliases, records
from kdns.plugins.kubernetes.identity import Identity
from kdns.plugins.kubernetes.options import Options
from kdns.plugins.kubernetes.pointers import Pointers
from kdns.plugins.kubernetes.services import Services
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

_WHOLE = 100
"""Weight of an SRV record that has no others beside it."""


@dataclass(frozen=True, slots=True)
class World:
    """What the zones of one directive are made of."""

    index: Index
    services: Services
    identity: Identity
    pointers: Pointers


class Transfers:
    """The zones of one directive (`chain.roles.Transferer`)."""

    def __init__(self, options: Options, world: World, synced: Callable[[], bool]) -> None:
        self._world = world
        self._synced = synced
        self._ttl = options.ttl
        self._pod_names = options.endpoint_pod_names
        self._zones = frozenset(map(name.from_text, options.zones))
        self._imported = frozenset(map(name.from_text, options.multicluster))
        self._primary = name.from_text(options.primary)

    def transfer(self, zone: bytes) -> Transfer | None:
        """A zone; nothing before the first sync, as it would take away every name that a secondary has."""
        if zone not in self._zones or not self._synced():
            return None
        serials = self._world.index.serials
        serial = serials.multicluster if zone in self._imported else serials.cluster
        soa = records.soa(zone, self._ttl, serial & 0xFFFFFFFF)
        is_reverse = reverse.is_reverse(name.to_text(zone))
        return Transfer(soa, self._reverse(zone) if is_reverse else self._forward(zone))

    def _forward(self, zone: bytes) -> Iterator[Records]:
        index = self._world.index
        servers = self._servers(zone, zone)
        yield servers
        there = frozenset(servers)
        found: list[Service | ServiceImport] = []
        found += index.service_imports([]) if zone in self._imported else index.services([])
        for service in sorted(found, key=attrgetter("name", "namespace")):
            if self._world.services.exposed([], service.namespace):
                yield [record for record in dict.fromkeys(self._service(service, zone)) if record not in there]

    def _reverse(self, zone: bytes) -> Iterator[Records]:
        yield [record for record in self._servers(zone, self._primary) if record.type == codes.NS]
        for address in sorted(self._world.index.addresses()):
            owner = reverse.owner_of(address)
            if name.is_below(owner, zone):
                targets = self._world.pointers.targets([], address)
                yield [Record(owner, codes.PTR, target, self._ttl) for target in targets]

    def _servers(self, zone: bytes, base: bytes) -> list[Record]:
        found, glue = [], []
        for labels, addresses in self._world.identity.names([]).items():
            target = name.from_labels(labels, base)
            found.append(Record(zone, codes.NS, target, self._ttl))
            glue += [self._address(target, octets) for octets in addresses]
        return found + glue

    def _service(self, service: Service | ServiceImport, zone: bytes) -> Iterator[Record]:
        owner = name.from_labels((service.name.encode(), service.namespace.encode(), b"svc"), zone)
        if isinstance(service, ServiceImport):
            if service.type == "Headless":
                yield from self._endpoints(
                    self._world.index.imported_slices([], service.namespace, service.name), owner
                )
                return
        elif service.type == "ExternalName":
            alias = None if pack(service.external_name) else aliases.cname(service.external_name, owner, self._ttl)
            yield from () if alias is None else (alias,)
            return
        elif service.headless:
            yield from self._endpoints(self._world.index.slices([], service.namespace, service.name), owner)
            return
        for octets in service.packed:
            yield self._address(owner, octets)
        for port in service.ports if service.packed else ():
            yield self._srv(owner, _WHOLE, port, owner)
            yield from self._named(port, owner, _WHOLE, owner)

    def _endpoints(self, slices: Sequence[EndpointSlice], owner: bytes) -> Iterator[Record]:
        for piece in slices:
            weight = max(1, _WHOLE // max(1, len(piece.endpoints)))
            cluster = piece.source_cluster if isinstance(piece, ImportedSlice) else ""
            behind = (cluster.lower().encode(),) if cluster else ()
            for endpoint in piece.endpoints:
                label = records.endpoint_name(endpoint, pod_names=self._pod_names).lower()
                try:
                    target = name.from_labels((label.encode(), *behind), owner)
                except WireError:
                    continue
                if not endpoint.packed:
                    continue
                yield self._address(owner, endpoint.packed)
                yield self._address(target, endpoint.packed)
                for port in piece.ports:
                    yield from self._named(port, owner, weight, target)

    def _named(self, port: Port, owner: bytes, weight: int, target: bytes) -> Iterator[Record]:
        """The SRV of a port with a name; one without has none (discovery specification, section 2.3)."""
        if port.name and port.port:
            labels = (f"_{port.name}".lower().encode(), f"_{port.protocol}".encode())
            yield self._srv(name.from_labels(labels, owner), weight, port, target)

    def _srv(self, owner: bytes, weight: int, port: Port, target: bytes) -> Record:
        return Record(owner, codes.SRV, rdata.srv(0, weight, port.port, target), self._ttl)

    def _address(self, owner: bytes, octets: bytes) -> Record:
        return Record(owner, codes.A if len(octets) == 4 else codes.AAAA, octets, self._ttl)
