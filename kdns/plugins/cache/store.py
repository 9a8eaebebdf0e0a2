"""A bounded number of entries, and of octets in them.

Where there is no room the next one of a round makes way. One that was asked for since the last round stays, if another
turns up in a few steps: names that come once push out each other, not what clients live on. A round goes through memory
in the order in which it was filled; victims drawn at random, as in CoreDNS, cost twice the time and leave holes.
"""

from collections.abc import Collection

from kdns.chain import basis
from kdns.plugins.cache.entry import Entry, Key

OCTETS_FOR_EACH = 1024
_STEPS = range(8)
"""How far a round goes on for one that was not asked for."""


class Store:
    """Entries by key."""

    __slots__ = ("_capacity", "_hand", "_octets", "_octets_allowed", "_order", "_readers", "entries")

    def __init__(self, capacity: int) -> None:
        self.entries: dict[Key, Entry] = {}
        self._capacity = capacity
        self._order: list[Entry] = []
        self._octets = 0
        self._hand = -1
        self._octets_allowed = capacity * OCTETS_FOR_EACH
        self._readers: dict[basis.Key, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def put(self, entry: Entry) -> int:
        """Keep an entry in place of the one with its key; how many others made way."""
        key, entries, order = entry.key, self.entries, self._order
        if key in entries:
            self.remove(key)
        weight = entry.weight = entry.weigh()
        evicted = self._make_room(weight) if self._octets + weight > self._octets_allowed else 0
        if len(order) < self._capacity:
            entry.place = len(order)
            order.append(entry)
            self._octets += weight
        else:
            victim = self._victim()
            entry.place = victim.place
            order[victim.place] = entry
            del entries[victim.key]
            self._octets += weight - victim.weight
            if victim.reads:
                self._forget_reads(victim)
            evicted += 1
        entries[key] = entry
        for read in entry.reads:
            self._readers.setdefault(read, set()).add(key)
        return evicted

    def _make_room(self, weight: int) -> int:
        """Have entries make way until so many octets are free; how many did."""
        evicted = 0
        while self._order and self._octets + weight > self._octets_allowed:
            self.remove(self._victim().key)
            evicted += 1
        return evicted

    def remove(self, key: Key) -> None:
        """Let go of an entry, if there is one."""
        entry = self.entries.pop(key, None)
        if entry is None:
            return
        self._octets -= entry.weight
        last = self._order.pop()
        if last is not entry:
            self._order[entry.place] = last
            last.place = entry.place
        self._forget_reads(entry)

    def _forget_reads(self, entry: Entry) -> None:
        for read in entry.reads:
            readers = self._readers.get(read)
            if readers is not None:
                readers.discard(entry.key)
                if not readers:
                    del self._readers[read]

    def forget(self, keys: Collection[basis.Key]) -> None:
        """Let go of every entry that read one of these."""
        if self._readers:
            for read in keys:
                for key in tuple(self._readers.get(read, ())):
                    self.remove(key)

    def _victim(self) -> Entry:
        order = self._order
        for _ in _STEPS:
            self._hand = hand = (self._hand + 1) % len(order)
            entry = order[hand]
            if not entry.used:
                break
            entry.used = False
        return entry
