"""Which zone a name belongs to: the longest suffix on a label border, compared without case."""

from collections.abc import Iterable, Iterator

from kdns.wire import name
from kdns.wire.reader import Question

FEW = 8
"""So many zones are compared with the end of a name one by one, which is how most names are told to be in none."""
_ANY = (b"",)
"""What every name ends with."""


class Zones:
    """A set of zones. `texts` keeps them as configured: lower case, absolute, in order."""

    __slots__ = ("_root", "_tails", "_wires", "deepest", "texts")

    def __init__(self, texts: Iterable[str]) -> None:
        """Raises `WireError` for what is not a domain name."""
        self.texts = tuple(dict.fromkeys(text.lower().removesuffix(".") + "." for text in texts))
        self._wires = {name.from_text(text): text for text in self.texts}
        self._root = name.ROOT if name.ROOT in self._wires else None
        below = sorted(self._wires.keys() - {name.ROOT}, key=len, reverse=True)
        self._tails = tuple(below) if len(below) <= FEW else _ANY
        self.deepest = max([len(name.labels(wire)) for wire in self._wires], default=0)
        """Number of labels of the longest zone."""

    def match(self, question: Question) -> bytes | None:
        """The longest zone that holds the question, in folded wire form."""
        folded = question.folded
        return self.match_name(folded) if folded.endswith(self._tails) else self._root

    def match_name(self, folded: bytes) -> bytes | None:
        """The longest zone that holds a folded name."""
        if self._tails == _ANY:
            return next((suffix for suffix in name.suffixes(folded) if suffix in self._wires), None)
        for zone in self._tails:
            if name.is_below(folded, zone):
                return zone
        return self._root

    def text(self, zone: bytes) -> str:
        """A zone of the set as text with its final dot."""
        return self._wires[zone]

    def __bool__(self) -> bool:
        return bool(self._wires)

    def __contains__(self, zone: bytes) -> bool:
        return zone in self._wires

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._wires)
