"""One zone of the directive, where its serial stands, and what it answers where there are no records.

Such answers are made once for each serial and spelling, and shared by all who get them (`kubernetes.md` section 5).
"""

from typing import NamedTuple

from kdns.chain import reverse
from kdns.chain.answer import Answer, Shared
from kdns.cluster.index import Index
from kdns.plugins.kubernetes import records
from kdns.wire import codes, name
from kdns.wire.reader import Question


class Serial:
    """Where a zone's serial stands (`chain.basis.Stamp`)."""

    __slots__ = ("_multicluster", "_serials")

    def __init__(self, index: Index, *, multicluster: bool) -> None:
        self._serials = index.serials
        self._multicluster = multicluster

    @property
    def serial(self) -> int:
        """Seconds of Unix time of the last relevant change, 32 bits."""
        serials = self._serials
        return (serials.multicluster if self._multicluster else serials.cluster) & 0xFFFFFFFF


class Empty(NamedTuple):
    """The answers without records of one zone at one serial."""

    serial: int
    denied: Answer
    nodata: Answer
    unsynced: Answer
    soa: Answer


class Zone:
    """A zone in folded wire form, with the number of its labels; `reverse` for one below in-addr.arpa or ip6.arpa.

    `forward` for one that has no reverse name in it at all, as the root has.
    """

    __slots__ = ("_empty", "_ttl", "forward", "labels", "multicluster", "reverse", "stamp", "wire")

    def __init__(self, wire: bytes, ttl: int, index: Index, *, multicluster: bool) -> None:
        self.wire = wire
        self.labels = len(name.labels(wire))
        self.stamp = Serial(index, multicluster=multicluster)
        self.multicluster = multicluster
        self.reverse = reverse.is_reverse(name.to_text(wire))
        self.forward = not self.reverse and not any(name.is_below(origin, wire) for origin in reverse.ORIGINS)
        self._ttl = ttl
        self._empty: Empty | None = None

    def as_sent(self, question: Question) -> bytes:
        """The zone in the client's spelling (section 1.10)."""
        return question.name[-len(self.wire) :]

    def empty(self, sent: bytes) -> Empty:
        """The answers without records in a spelling of the zone, at the serial of this moment."""
        serial = self.stamp.serial
        if sent != self.wire:
            return self._made(sent, serial)
        empty = self._empty
        if empty is None or empty.serial != serial:
            empty = self._empty = self._made(sent, serial)
        return empty

    def _made(self, sent: bytes, serial: int) -> Empty:
        soa, shared = (records.soa(sent, self._ttl, serial),), Shared(sent)
        return Empty(
            serial,
            Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=soa, shared=shared),
            Answer(flags=codes.AA, authority=soa, shared=shared),
            Answer(rcode=codes.SERVFAIL, flags=codes.AA, authority=soa, shared=shared),
            Answer(flags=codes.AA, answer=soa),
        )
