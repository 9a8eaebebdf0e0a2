"""Whole zones of external addresses for `transfer` (`kubernetes.md` section 6.1): what queries are answered with.

A Service whose load balancer has a host name is a CNAME and nothing beside it (RFC 1034 section 3.6.2). Unlike
CoreDNS's: each record stands there once, with the weight that queries get, and reverse zones have their PTR records.
"""

from collections.abc import Iterator, Mapping

from kdns.chain import places, reverse
from kdns.chain.answer import Records
from kdns.chain.places import Found
from kdns.chain.roles import ExternalServices, Transfer
from kdns.plugins.k8s_external.zone import Zone
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record


class Transfers:
    """The zones of one directive (`chain.roles.Transferer`); PTR records point into `primary`."""

    def __init__(
        self, zones: Mapping[bytes, Zone], source: ExternalServices, *, ttl: int, headless: bool, primary: bytes
    ) -> None:
        self._zones = zones
        self._source = source
        self._ttl = ttl
        self._headless = headless
        self._primary = primary

    def transfer(self, zone: bytes) -> Transfer | None:
        """A zone; nothing before the first sync, as it would take away every name that a secondary has."""
        found = self._zones.get(zone)
        if found is None or not self._source.synced():
            return None
        return Transfer(found.soa(), self._records(found))

    def _records(self, zone: Zone) -> Iterator[Records]:
        own = self._source.own_addresses([], headless=self._headless)
        yield [zone.name_server, *(zone.address(octets) for octets in own)]
        if reverse.is_reverse(name.to_text(zone.wire)):
            yield from self._pointers(zone)
            return
        for service, namespace, ports in self._source.every_service():
            owner = name.from_labels((service.encode(), namespace.encode()), zone.wire)
            yield list(dict.fromkeys(self._service(owner, service, namespace, ports)))

    def _pointers(self, zone: Zone) -> Iterator[Records]:
        for address in sorted(self._source.every_address()):
            owner = reverse.owner_of(address)
            if name.is_below(owner, zone.wire):
                targets = [
                    name.from_labels([label.encode() for label in each], self._primary)
                    for each in self._source.reached_by([], address)
                ]
                yield [Record(owner, codes.PTR, target, self._ttl) for target in targets]

    def _service(
        self, owner: bytes, service: str, namespace: str, ports: tuple[tuple[str, str], ...]
    ) -> Iterator[Record]:
        found = self._source.reached_at([], namespace, service, headless=self._headless) or []
        alias = next((entry.alias for entry in found if entry.alias), "")
        if alias:
            yield from self._alias(owner, alias)
        else:
            for entry in found:
                yield from self._addresses(owner, entry)
            yield from self._srv(owner, owner, found)
        for port in ports:
            at_port = self._source.reached_at([], namespace, service, port=port, headless=self._headless) or []
            labels = (f"_{port[0]}".encode(), f"_{port[1]}".encode())
            yield from self._srv(name.from_labels(labels, owner), owner, at_port)

    def _alias(self, owner: bytes, alias: str) -> Iterator[Record]:
        try:
            yield Record(owner, codes.CNAME, name.from_text(alias), self._ttl)
        except WireError:
            return

    def _addresses(self, owner: bytes, entry: Found) -> Iterator[Record]:
        rtype = codes.A if len(entry.address) == 4 else codes.AAAA
        yield Record(owner, rtype, entry.address, self._ttl)
        if entry.host:
            yield Record(name.from_labels(entry.host, owner), rtype, entry.address, self._ttl)

    def _srv(self, owner: bytes, base: bytes, found: list[Found]) -> Iterator[Record]:
        for record in places.services(found, base, self._ttl)[0]:
            yield record._replace(owner=owner)
        weight = places.weight_of(found)
        for entry in found:
            if entry.alias and entry.port:
                try:
                    target = name.from_text(entry.alias)
                except WireError:
                    continue
                yield Record(owner, codes.SRV, rdata.srv(0, weight, entry.port, target), self._ttl)
