"""The tree of a regular expression. Flags are gone: they are in the character sets, the assertions and the laziness."""

from dataclasses import dataclass
from enum import Enum

from kdns.corefile.regexp.charset import Ranges


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    ranges: Ranges


class Assertion(Enum):
    """A condition on a place between two characters."""

    TEXT_BEGIN = "begin of the text"
    TEXT_END = "end of the text"
    LINE_BEGIN = "begin of a line"
    LINE_END = "end of a line"
    BORDER = "begin or end of a word"
    NO_BORDER = "neither begin nor end of a word"


@dataclass(frozen=True, slots=True)
class Concat:
    """One part after the other; no part is the empty text."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Alternate:
    """The first branch that leads to a match."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times, `high` None for ever; as often as possible, or as seldom if `lazy`."""

    body: "Node"
    low: int
    high: int | None
    lazy: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A part whose text is kept under a number from 1."""

    body: "Node"
    number: int


Node = Chars | Assertion | Concat | Alternate | Repeat | Group


def nullable(node: Node) -> bool:
    """True if the node can match the empty text."""
    match node:
        case Chars():
            return False
        case Assertion():
            return True
        case Concat(parts):
            return all(map(nullable, parts))
        case Alternate(branches):
            return any(map(nullable, branches))
        case Repeat(body, low):
            return low == 0 or nullable(body)
        case Group(body):
            return nullable(body)
