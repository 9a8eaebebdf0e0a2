"""One zone's own records: its SOA, its name server, and the answers without records.

Owner names are the zone's as configured, not the client's spelling of it (`kubernetes.md` section 1.10).
"""

from typing import NamedTuple

from kdns.chain.answer import Answer
from kdns.chain.query import Query
from kdns.chain.roles import ExternalServices
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record


class Empty(NamedTuple):
    """The answers without records at one serial."""

    serial: int
    denied: Answer
    nodata: Answer
    unsynced: Answer
    soa: Answer


class Zone:
    """A zone in folded wire form, with the name `apex` below it and the server's name, `ns1`, below that."""

    def __init__(self, wire: bytes, apex: bytes, ttl: int, source: ExternalServices) -> None:
        """Raises `WireError` when there is no room for its names."""
        self.wire = wire
        self.labels = len(name.labels(wire))
        self.apex = name.from_labels(name.labels(apex), wire)
        self.server = name.from_labels((b"ns1",), self.apex)
        self.name_server = Record(wire, codes.NS, self.server, ttl)
        self._hostmaster = name.from_labels((b"hostmaster",), self.apex)
        self._ttl = ttl
        self._source = source
        self._empty: Empty | None = None

    def address(self, octets: bytes) -> Record:
        """An address of the name server."""
        return Record(self.server, codes.A if len(octets) == 4 else codes.AAAA, octets, self._ttl)

    def soa(self) -> Record:
        """The SOA at the serial of this moment; its TTL is not capped."""
        data = rdata.soa(self.server, self._hostmaster, self._source.serial, 7200, 1800, 86400, self._ttl)
        return Record(self.wire, codes.SOA, data, self._ttl)

    def empty(self, query: Query) -> Empty:
        """The answers without records, at the serial of this moment."""
        query.basis.stamp = self._source
        empty = self._empty
        if empty is None or empty.serial != self._source.serial:
            soa = (self.soa(),)
            empty = self._empty = Empty(
                self._source.serial,
                Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=soa),
                Answer(flags=codes.AA, authority=soa),
                Answer(rcode=codes.SERVFAIL, flags=codes.AA, authority=soa),
                Answer(flags=codes.AA, answer=soa),
            )
        return empty
