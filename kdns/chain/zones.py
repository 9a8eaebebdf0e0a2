"""Which zone a name belongs to: the longest suffix on a label border, compared without case."""

from collections.abc import Iterable, Iterator

from kdns.wire import name
from kdns.wire.reader import Question

FEW = 8
"""So many zones are compared with the end of a name one by one, which is how most names are told to be in none."""


class Zones:
    """A set of zones. `texts` keeps them as configured: lower case, absolute, in order."""

    __slots__ = ("_root", "_sizes", "_tails", "_wires", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        """Raises `WireError` for what is not a domain name."""
        self.texts = tuple(dict.fromkeys(text.lower().removesuffix(".") + "." for text in texts))
        self._wires = {name.from_text(text): text for text in self.texts}
        self._root = name.ROOT in self._wires
        sizes = {len(name.labels(wire)) for wire in self._wires} - {0}
        self._sizes = tuple(sorted(sizes, reverse=True))
        self._tails = tuple(self._wires) if len(self._wires) <= FEW else (b"",)

    def match(self, question: Question) -> bytes | None:
        """The longest zone that holds the question, in folded wire form."""
        folded = question.folded
        if folded.endswith(self._tails):  # perhaps in the middle of a label
            offsets = question.offsets
            labels = len(offsets)
            for size in self._sizes:
                if size <= labels:
                    suffix = folded[offsets[labels - size] :]
                    if suffix in self._wires:
                        return suffix
        return name.ROOT if self._root else None

    def match_name(self, folded: bytes) -> bytes | None:
        """The longest zone that holds a folded name."""
        return next((suffix for suffix in name.suffixes(folded) if suffix in self._wires), None)

    @property
    def deepest(self) -> int:
        """Number of labels of the longest zone."""
        return max(self._sizes, default=0)

    def text(self, zone: bytes) -> str:
        """A zone of the set as text with its final dot."""
        return self._wires[zone]

    def __bool__(self) -> bool:
        return bool(self._wires)

    def __contains__(self, zone: bytes) -> bool:
        return zone in self._wires

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._wires)
