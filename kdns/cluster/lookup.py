"""Many objects under one key: which slices hold an address, which slices make up a Service.

Theory: a key's objects stand in a tuple that is made when one of them changes, so a read is one dict access and what it
returned never changes. The tuple is ordered by (namespace, name): the same objects give the same tuple whatever the
order in which they came. Nearly every address is in one slice only, so all addresses of a slice that are in no other
share one tuple.
"""

from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterable
from operator import attrgetter
from typing import Any, Final, Generic, Protocol, TypeVar, cast

Key = tuple[object, ...]
"""Names one thing that can be read, and whose change is announced: `("service", "shop", "web")`."""

_identity: Final[Callable[[Any], tuple[str, str]]] = attrgetter("namespace", "name")


class Named(Protocol):
    """What has a name in a namespace, unique among the objects of one `Lookup`."""

    @property
    def namespace(self) -> str:
        """The namespace."""
        ...

    @property
    def name(self) -> str:
        """The name in it."""
        ...


K = TypeVar("K", bound=Hashable)
T = TypeVar("T", bound=Named)


class Lookup(Generic[K, T]):
    """The objects of one kind by one property; `keys` gives the keys that an object is found at.

    The read key of a key is `(tag, key)`, or the key itself where there is no tag.
    """

    __slots__ = ("_keys", "_tag", "entries")

    def __init__(self, keys: Callable[[T], Iterable[K]], tag: str = "") -> None:
        self.entries: dict[K, tuple[T, ...]] = {}
        self._keys = keys
        self._tag = tag

    def swap(self, old: T | None, new: T | None, touched: set[Key]) -> None:
        """Put `new` where `old` stood; `old` is the very object that was put. Adds the read keys of both."""
        if old is not None and (before := dict.fromkeys(self._keys(old))):
            for key in before:
                self._remove(key, old)
            self._touch(before, touched)
        if new is not None and (after := dict.fromkeys(self._keys(new), (new,))):
            if self.entries.keys().isdisjoint(after):
                self.entries.update(after)
            else:
                for key, alone in after.items():
                    self._add(key, alone)
            self._touch(after, touched)

    def _touch(self, keys: Iterable[K], touched: set[Key]) -> None:
        tag = self._tag
        touched.update([(tag, key) for key in keys] if tag else cast(Iterable[Key], keys))

    def _remove(self, key: K, old: T | None) -> None:
        there = self.entries.pop(key)
        if len(there) > 1:
            at = bisect_left(there, _identity(old), key=_identity)
            self.entries[key] = there[:at] + there[at + 1 :]

    def _add(self, key: K, alone: tuple[T]) -> None:
        # The old entry is gone, or is taken out: so the dict's key is always the newest object's, not a second copy.
        there = self.entries.pop(key, None)
        if there is None:
            self.entries[key] = alone
        else:
            at = bisect_left(there, _identity(alone[0]), key=_identity)
            self.entries[key] = there[:at] + alone + there[at:]
