"""Kinds of kept replies: small objects with one method, `reply(id)`.

*Still* is the same octets for ever; *stamped* has a serial filled in when it is sent; *turning* has its address
records take turns in being first; *fading* counts its TTLs down, at most once a second, and ends.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from kdns.chain.basis import Basis, Key, Stamp
from kdns.wire import codes
from kdns.wire.message import Relay
from kdns.wire.reader import RawRecord

_ADDRESSES = (codes.A, codes.AAAA)
_FEW = 8


Place = bytes | tuple[bytes, ...]
"""Where an entry is kept: all octets of the query behind the id, or those that matter."""


class Readers:
    """The kept replies that read a key. Most keys are read by few, and by nobody else than these."""

    __slots__ = ("entries", "key")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.entries: list[Entry] | set[Entry] = []

    def add(self, entry: "Entry") -> None:
        """One more; a list while there are few."""
        if isinstance(self.entries, set):
            self.entries.add(entry)
        elif len(self.entries) < _FEW:
            self.entries.append(entry)
        else:
            self.entries = {*self.entries, entry}


class Entry:
    """A kept reply. `hits` counts how often it was sent, `told` how many of these the tallies know of."""

    __slots__ = ("hits", "key", "reads", "round", "tallies", "told")

    def __init__(self, key: Place, basis: Basis) -> None:
        self.key = key
        self.reads: tuple[Readers, ...] = ()
        self.tallies = tuple(basis.tallies)
        self.hits = 0
        self.told = 0
        self.round = 0

    def reply(self, ident: bytes) -> bytes | None:
        """The reply to a query with this id, or `None` when it has come to its end."""
        raise NotImplementedError

    def tell(self) -> None:
        """Let the tallies know of hits they have not heard of."""
        news = self.hits - self.told
        if news:
            self.told = self.hits
            for tally in self.tallies:
                tally(news)


class Still(Entry):
    """A reply that is the same for everybody and at all times."""

    __slots__ = ("tail",)

    def __init__(self, key: bytes, basis: Basis, tail: bytes) -> None:
        super().__init__(key, basis)
        self.tail = tail

    def reply(self, ident: bytes) -> bytes:
        """The id and the same octets as ever."""
        self.hits += 1
        return ident + self.tail


class Stamped(Entry):
    """A reply with an SOA whose serial is filled in when it is sent (law 6)."""

    __slots__ = ("after", "before", "serial", "stamp", "tail")

    def __init__(self, key: bytes, basis: Basis, tail: bytes, at: int, stamp: Stamp) -> None:
        super().__init__(key, basis)
        self.before = tail[:at]
        self.after = tail[at + 4 :]
        self.stamp = stamp
        self.serial = -1
        self.tail = tail

    def reply(self, ident: bytes) -> bytes:
        """With the serial of this moment."""
        self.hits += 1
        serial = self.stamp.serial
        if serial != self.serial:
            self.serial = serial
            self.tail = self.before + serial.to_bytes(4, "big") + self.after
        return ident + self.tail


class Turning(Entry):
    """A reply whose address records take turns in being first, for `loadbalance`."""

    __slots__ = ("after", "before", "records", "turn")

    def __init__(self, key: bytes, basis: Basis, tail: bytes, run: tuple[int, ...]) -> None:
        super().__init__(key, basis)
        self.turn = 0
        self.cut(tail, run)

    def cut(self, tail: bytes, run: tuple[int, ...]) -> None:
        """Take the records at these borders for the ones that turn."""
        self.before = tail[: run[0]]
        self.after = tail[run[-1] :]
        self.records = [tail[a:b] for a, b in pairwise(run)]

    def reply(self, ident: bytes) -> bytes | None:
        """With the next record in front."""
        self.hits += 1
        records = self.records
        turn = self.turn = (self.turn + 1) % len(records)
        return b"".join([ident, self.before, *records[turn:], *records[:turn], self.after])


class Fading(Entry):
    """A reply that ends at a time; if its TTLs fade they are counted down, at most once a second."""

    __slots__ = ("age", "clock", "expires", "first", "places", "tail")

    def __init__(
        self, key: bytes, basis: Basis, tail: bytes, expires: float, places: tuple[int, ...], clock: Callable[[], float]
    ) -> None:
        super().__init__(key, basis)
        self.tail = tail
        self.expires = expires
        self.places = places
        self.clock = clock
        self.first = int(expires - clock())

    def reply(self, ident: bytes) -> bytes | None:
        """With the seconds left; `None` when none are."""
        left = int(self.expires - self.clock())
        if left != self.first:
            if left <= 0:
                return None
            self._fade(self.first - left)
            self.first = left
        self.hits += 1
        return ident + self.tail

    def _fade(self, seconds: int) -> None:
        tail = bytearray(self.tail)
        for at in self.places:
            ttl = int.from_bytes(tail[at : at + 4], "big")
            tail[at : at + 4] = max(ttl - seconds, 0).to_bytes(4, "big")
        self.tail = bytes(tail)


class FadingTurning(Turning):
    """Both: a cached reply with several addresses."""

    __slots__ = ("fading", "run")

    def __init__(self, key: bytes, basis: Basis, fading: Fading, run: tuple[int, ...]) -> None:
        super().__init__(key, basis, fading.tail, run)
        self.fading = fading
        self.run = run

    def reply(self, ident: bytes) -> bytes | None:
        """With the seconds left and the next record in front."""
        tail = self.fading.tail
        if self.fading.reply(ident) is None:
            return None
        if self.fading.tail is not tail:
            self.cut(self.fading.tail, self.run)
        return super().reply(ident)


def kept(key: bytes, basis: Basis, reply: bytes, clock: Callable[[], float]) -> Entry | None:
    """The kind of entry that what a reply rests on asks for; `None` if there is none that stays right."""
    tail = reply[2:]
    if basis.stamp is None and not basis.shuffled and basis.expires is None:
        return Still(key, basis, tail)
    records = Relay(reply).records
    run = _run(reply, records) if basis.shuffled and not reply[2] & (codes.TC >> 8) else ()
    if basis.shuffled and not run:
        return None
    if basis.stamp is not None:
        serials = [raw.end - 20 - 2 for raw in records if raw.type == codes.SOA]
        alone = len(serials) == 1 and not run and basis.expires is None
        return Stamped(key, basis, tail, serials[0], basis.stamp) if alone else None
    if basis.expires is None:
        return Turning(key, basis, tail, run)
    if basis.expires - clock() < 1:
        return None
    places = tuple([raw.ttl_at - 2 for raw in records]) if basis.fades else ()
    fading = Fading(key, basis, tail, basis.expires, places, clock)
    return FadingTurning(key, basis, fading, run) if run else fading


def _run(reply: bytes, records: Sequence[RawRecord]) -> tuple[int, ...]:
    """Borders, behind the id, of the address records that stand together in the one section that has several.

    None if an owner is not a pointer to what stands before them: one that is written out may be pointed at by others.
    """
    runs = []
    for section in range(3):
        found = [raw for raw in records if raw.section == section and raw.type in _ADDRESSES]
        if len(found) > 1:
            runs.append(found)
    if len(runs) != 1 or any(a.end != b.start for a, b in pairwise(runs[0])):
        return ()
    first = runs[0][0].start
    for raw in runs[0]:
        owner = int.from_bytes(reply[raw.start : raw.ttl_at - 4], "big")
        if not 0xC000 <= owner < 0xC000 + first:
            return ()
    return (*[raw.start - 2 for raw in runs[0]], runs[0][-1].end - 2)
