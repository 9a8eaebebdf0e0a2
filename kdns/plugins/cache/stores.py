"""The two stores of one cache, and which of their entries a question gets (`plugins.md`, cache, Lookups).

Denials are looked at first. A failure yields to any usable success, and with `prefer_positive` so does every denial.
"""

import math
from collections.abc import Callable, Collection

from kdns.chain import basis
from kdns.plugins.cache.entry import Entry, Key
from kdns.plugins.cache.options import Options
from kdns.plugins.cache.store import Store
from kdns.wire import codes


class Stores:
    """Successes and denials. `epoch` counts how often something was forgotten (`chain.memo`, law 4).

    `forgotten` is when that was the last time, in monotonic seconds.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        self.success = Store(options.success.places)
        self.denial = Store(options.denial.places)
        self.epoch = 0
        self.forgotten = -math.inf
        self._clock = clock
        self._stale = int(options.stale.duration)
        self._prefer_positive = options.prefer_positive and options.stale.duration > 0

    def choose(self, denial: Entry | None, success: Entry | None, now: float) -> Entry | None:
        """Which of the entries found is served: fresh, or stale for no longer than allowed."""
        usable = self._usable
        if self._prefer_positive and success is not None and (good := success.good) and usable(good, now):
            return good
        if denial is None or not usable(denial, now):
            return success if success is not None and usable(success, now) else None
        if denial.rcode == codes.SERVFAIL and success is not None and usable(success, now):
            return success
        return denial

    def _usable(self, entry: Entry, now: float) -> bool:
        return now < entry.end + self._stale

    def find(self, key: Key, now: float) -> Entry | None:
        """The entry that is served for a key."""
        return self.choose(self.denial.entries.get(key), self.success.entries.get(key), now)

    def keep(self, entry: Entry) -> int:
        """Keep an entry; how many others of its store made way."""
        if entry.denial:
            return self.denial.put(entry)
        if self._prefer_positive and not entry.answering:
            previous = self.success.entries.get(entry.key)
            entry.known_good = previous.good if previous is not None else None
            return self.success.put(entry)
        # The newest state of the key; CoreDNS leaves the denial there after a verification and so asks for ever.
        if entry.key in self.denial.entries:
            self.denial.remove(entry.key)
        return self.success.put(entry)

    def inherit(self, entry: Entry, now: float) -> None:
        """Let what took an entry's place be as popular as that was."""
        kept = self.denial.entries.get(entry.key) or self.success.entries.get(entry.key)
        if kept is not None:
            kept.hits, kept.last_hit = entry.hits, now

    def remove(self, key: Key) -> None:
        """Let go of what is kept under a key."""
        self.success.remove(key)
        self.denial.remove(key)

    def forget(self, keys: Collection[basis.Key]) -> None:
        """Let go of every entry that read one of these; to be called in the tick in which they change."""
        if keys:
            self.epoch += 1
            self.forgotten = self._clock()
            self.success.forget(keys)
            self.denial.forget(keys)
