"""The index kept equal to the cluster: every change enters through here, in one tick with the forgetting it causes.

`apply` is called between two awaits and does all there is to do, so nobody ever sees a changed index next to an old
answer (design law 3). A re-list is a difference, never a replacement: what is alike touches nothing, what is new or
other is put, and what the list did not have is taken away last. Nothing is flushed and no name goes away for a moment.

There is one writer for each kind: while it loads one anew, its changes go through the `Resync`.

A mirror may be the copy of one in another process: it learns each change from that one's `listeners`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final

from kdns.cluster import transcript
from kdns.cluster.index import Index, Touched
from kdns.cluster.kinds import Kind
from kdns.cluster.lookup import Key
from kdns.cluster.objects import ObjectError
from kdns.cluster.values import Change, EndpointSlice, Gone, ImportedSlice, Object, Put

STEP: Final = 400
"""Work between two yields to the loop, in endpoints decoded and applied: about 2 ms. An object is as much as three."""


class Mirror:
    """Writes an index and tells what has to be forgotten.

    `clock` gives Unix time in seconds; `forget` is told every key whose answers differ; `kinds` are those that have to
    be loaded before the mirror is in sync. `observers` are called with each slice that a watch changed, and the time;
    `completed` whenever a kind was loaded. `listeners` are told all that touches anything, for `learn` of a copy.
    """

    def __init__(
        self,
        index: Index,
        clock: Callable[[], float],
        forget: Callable[[Collection[Key]], None],
        kinds: Iterable[Kind],
        loaded: Iterable[Kind] = (),
    ) -> None:
        self.index = index
        self.kinds = tuple(kinds)
        self.observers: list[Callable[[EndpointSlice, float], None]] = []
        self.completed: list[Callable[[], None]] = []
        self.listeners: list[Callable[[bytes], None]] = []
        self._clock = clock
        self._forget = forget
        self._loaded = set(loaded)

    def copy(self, forget: Callable[[Collection[Key]], None]) -> "Mirror":
        """A mirror that goes on writing the same index, for a process that was forked off."""
        return Mirror(self.index, self._clock, forget, self.kinds, self._loaded)

    @property
    def synced(self) -> bool:
        """Whether every kind was loaded once; it stays so (kubernetes.md section 4.5)."""
        return self._loaded.issuperset(self.kinds)

    def loaded(self, kind: Kind) -> bool:
        """Whether a kind was loaded once."""
        return kind in self._loaded

    def apply(self, change: Change) -> Touched:
        """Take over a change, and forget in the same tick what it touched."""
        now = self._clock()
        touched = self._apply(change, int(now))
        if touched and self.observers and isinstance(change, Put) and isinstance(change.object, EndpointSlice):
            self._observe(change.object, now)
        return touched

    def _apply(self, change: Change, now: int) -> Touched:
        touched = self.index.apply(change, now)
        if touched:
            self._forget(touched)
            if self.listeners:
                self._tell(transcript.of_change(change, now))
        return touched

    def learn(self, told: bytes) -> None:
        """Take over what a listener of another mirror was told, and forget in the same tick what it touched."""
        step = transcript.read(told)
        if isinstance(step, Kind):
            self._complete(step)
        else:
            self._apply(*step)

    def _tell(self, told: bytes) -> None:
        for tell in self.listeners:
            tell(told)

    def resync(self, kind: Kind) -> "Resync":
        """Begin to load a kind anew. A load that ends early has only added, and the next one begins afresh."""
        return Resync(self, kind)

    def _observe(self, piece: EndpointSlice, now: float) -> None:
        """Not on the first load: what it brings may have happened long before this process."""
        if piece.kind in self._loaded and not isinstance(piece, ImportedSlice):
            for observer in self.observers:
                observer(piece, now)

    def _complete(self, kind: Kind) -> None:
        if kind not in self._loaded and self.listeners:
            self._tell(transcript.of_load(kind))
        self._loaded.add(kind)
        for tell in self.completed:
            tell()


class Resync:
    """One load of all objects of a kind: pages or events in any number, then `commit`.

    `load` and `commit` are iterators, each step of which takes a few milliseconds: yield to the loop between them.
    """

    def __init__(self, mirror: Mirror, kind: Kind) -> None:
        self._mirror = mirror
        self._kind = kind
        self._unseen = mirror.index.places(kind)

    def apply(self, change: Change) -> None:
        """Take over one change of a list that comes as a stream of events."""
        if self._unseen:
            place = change.object if isinstance(change, Put) else change
            self._unseen.discard((self._kind.tag, place.namespace, place.name))
        self._mirror.apply(change)

    def keep(self, error: ObjectError) -> None:
        """Leave in place what stands where the list has an object that cannot be used."""
        self._unseen.discard((self._kind.tag, error.namespace, error.name))

    def load(self, items: Iterable[Object | ObjectError]) -> Iterator[list[ObjectError]]:
        """Take over objects of the list; each step gives the errors that were among them."""
        work, errors = 0, list[ObjectError]()
        for item in items:
            if isinstance(item, ObjectError):
                self.keep(item)
                errors.append(item)
                work += 1
            else:
                self.apply(Put(item))
                work += 3 + (len(item.endpoints) if isinstance(item, EndpointSlice) else 0)
            if work >= STEP:
                yield errors
                work, errors = 0, []
        yield errors

    def commit(self) -> Iterator[None]:
        """Take away what the list did not have. After the last step the kind counts as loaded."""
        while self._unseen:
            for _ in range(min(STEP, len(self._unseen))):
                _, namespace, name = self._unseen.pop()
                self._mirror.apply(Gone(self._kind, namespace, name))
            yield
        self._mirror._complete(self._kind)
