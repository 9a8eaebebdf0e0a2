"""Replies kept by the octets of their query, and the laws that make a kept reply the same as a fresh one.

The key is every octet behind the id: flags, name in its letter case, type, class, EDNS. The value is a small object
with one method, `reply(id)`. What may be kept, and when it is forgotten, follows from the `Basis` alone:

1. every key that was read is recorded, also when nothing stood there;
2. a change forgets the keys of the old and of the new state;
3. the change is applied and its keys are forgotten in one tick;
4. a reply is kept only if nothing was forgotten since its making began (`epoch`);
5. an answer that read the client is never kept;
6. the SOA serial of a negative answer is filled in when it is sent.

Keys that differ by client (EDNS options, mixed letter case) are not kept: they would fill the memo and never be asked
again. But where letter case and cookies show in the question alone (`Basis.uncased`), one reply is kept for all.

What one missing name tells of its siblings, those that differ in the first label alone, is kept at once if the chain
judges all of them alike (`Basis.absent`): each is looked for before it is denied, so random names cost little. Another
denial, and in a full memo any reply, is kept at the second sight of its query, so names that are never asked again
leave the memo as it was. A full one makes room by the clock algorithm: what was hit since the last round stays.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Sequence

from kdns.chain.alike import Respelled, Sibling, is_plain, respelled_of, sibling_of
from kdns.chain.basis import Key
from kdns.chain.kept import Entry, Place, Readers, kept
from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.reader import HEADER_SIZE

MAX_REPLY = 1500
"""Longest reply in octets that is kept."""


class Memo:
    """Kept replies of one listener and address family; at most `capacity` of them."""

    def __init__(self, clock: Callable[[], float], capacity: int = 32768) -> None:
        self.entries: dict[Place, Entry] = {}
        self.epoch = 0
        self._respelled = 0
        self._shapes: Counter[int] = Counter()
        self._clock = clock
        self._capacity = capacity
        self._readers: dict[Key, Readers] = {}
        self._round: deque[Place] = deque()
        self._seen: set[int] = set()
        self._seen_before: set[int] = set()

    def hit(self, packet: bytes) -> bytes | None:
        """The kept reply to a query, or `None`."""
        entry = self.entries.get(packet[2:])
        return self._alike(packet) if entry is None else entry.reply(packet[:2])

    def _alike(self, packet: bytes) -> bytes | None:
        """The reply to a query that differs from a kept one's by what does not matter."""
        size = len(packet)
        if size <= HEADER_SIZE:
            return None
        if self._respelled:
            place, end = respelled_of(packet)
            entry = self.entries.get(place) if place is not None else None
            if isinstance(entry, Respelled):
                return entry.reply_to(packet, end)
        if size << 8 | packet[HEADER_SIZE] not in self._shapes:  # none has this `shape`
            return None
        place, end = sibling_of(packet)
        entry = self.entries.get(place)
        if not isinstance(entry, Sibling) or not self.first_sight(packet[2:]):
            return None
        return entry.reply_to(packet, end)

    def keep(self, packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        """Keep a reply if what it rests on allows it."""
        basis, question, absent = query.basis, query.question, None
        place: Place = packet[2:]
        if question.name != question.folded or (query.edns is not None and query.edns.options):
            found = respelled_of(packet)[0] if basis.uncased and is_plain(packet, question) else None
            if found is None:
                return
            place = found
        if (rcode == codes.NXDOMAIN or len(self.entries) >= self._capacity) and self.first_sight(place):
            absent = basis.absent
            if absent is None or rcode != codes.NXDOMAIN or place != packet[2:]:
                return
        if basis.private or basis.fleeting or basis.epoch != self.epoch or len(reply) > MAX_REPLY:
            return
        if rcode not in (codes.NOERROR, codes.NXDOMAIN):
            return
        entry = kept(packet[2:], basis, reply, self._clock)
        if entry is None:
            return
        if absent is not None:
            entry = Sibling(packet, basis, entry, absent)
        elif place != packet[2:]:
            entry = Respelled(place, basis, entry)
        self._add(entry, basis.reads)

    def first_sight(self, place: Place) -> bool:
        """Whether a query is none of the last ones of which nothing was kept: one to two times the capacity.

        It is one from now on.
        """
        mark = hash(place)
        seen = self._seen
        if mark in seen or mark in self._seen_before:
            return False
        seen.add(mark)
        if len(seen) >= self._capacity:
            self._seen_before, self._seen = seen, set()
        return True

    def _add(self, entry: Entry, reads: Sequence[Key]) -> None:
        if entry.key not in self.entries:
            while len(self.entries) >= self._capacity:
                self._turn()
            if len(self._round) > 2 * self._capacity:
                self._round = deque(self.entries)
            self._round.append(entry.key)
        else:
            self._remove(entry.key)
        self.entries[entry.key] = entry
        self._count(entry, 1)
        entry.reads = tuple([self._readers_of(key) for key in dict.fromkeys(reads)])
        for readers in entry.reads:
            readers.add(entry)

    def _count(self, entry: Entry, change: int) -> None:
        """How many there are that `_alike` has to look for."""
        if isinstance(entry, Respelled):
            self._respelled += change
        elif isinstance(entry, Sibling):
            self._shapes[entry.shape] += change
            if not self._shapes[entry.shape]:
                del self._shapes[entry.shape]

    def _readers_of(self, key: Key) -> Readers:
        readers = self._readers.get(key)
        if readers is None:
            readers = self._readers[key] = Readers(key)
        return readers

    def _turn(self) -> None:
        """One step of the clock: an entry that was hit since the last round stays for another."""
        key = self._round.popleft() if self._round else next(iter(self.entries))
        entry = self.entries.get(key)
        if entry is None:
            return
        if entry.hits == entry.round:
            self._remove(key)
        else:
            entry.round = entry.hits
            self._round.append(key)

    def _remove(self, key: Place) -> None:
        entry = self.entries.pop(key)
        self._count(entry, -1)
        entry.tell()
        for readers in entry.reads:
            readers.entries.remove(entry)
            if not readers.entries:
                del self._readers[readers.key]

    def forget(self, keys: Collection[Key]) -> None:
        """Let go of every reply that read one of these keys (laws 2 to 4)."""
        if not keys:
            return
        self.epoch += 1
        if self._readers.keys().isdisjoint(keys):
            return
        for key in keys:
            readers = self._readers.get(key)
            if readers is not None:
                for entry in tuple(readers.entries):
                    self._remove(entry.key)

    def tell(self) -> None:
        """Bring every tally up to date; before a scrape, and at the end."""
        for entry in self.entries.values():
            entry.tell()
