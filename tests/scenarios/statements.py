"""A scenario file as statements: words at the beginning of a line, each with the indented block under it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

COUNTS = {
    "apply": (0, 0),
    "delete": (2, 2),
    "upstream": (0, 1),
    "file": (1, 1),
    "remove": (1, 1),
    "reload": (0, 0),
    "api": (1, 2),
    "wait": (1, 1),
}
"""Statements that change something, with the least and the most words after them."""

BODIES = frozenset({"corefile", "apply", "upstream", "file", "ask", "raw"})
WORDS = BODIES | COUNTS.keys() | {"asked", "only", "$ORIGIN", "$TTL"}


class ScenarioError(Exception):
    """Something in a scenario file that cannot be understood; the text begins with file and line."""


class Place(NamedTuple):
    """A line of a file, counted from 1."""

    file: str
    line: int

    def error(self, message: str) -> ScenarioError:
        return ScenarioError(f"{self.file}:{self.line}: {message}")

    def at(self, line: int) -> "Place":
        return Place(self.file, line)


class Line(NamedTuple):
    """A line of a block, with its indentation."""

    number: int
    text: str

    @property
    def depth(self) -> int:
        return len(self.text) - len(self.text.lstrip())


@dataclass(frozen=True, slots=True)
class Statement:
    """A word at the beginning of a line, what follows it, and the indented block under it."""

    place: Place
    word: str
    args: tuple[str, ...] = ()
    body: tuple[Line, ...] = ()

    @property
    def text(self) -> str:
        """The block without the indentation of its first line."""
        depth = self.body[0].depth
        return "".join(line.text[min(depth, line.depth) :] + "\n" for line in self.body)


def statements(text: str, file: str) -> Iterator[Statement]:
    head: tuple[Place, list[str]] | None = None
    body: list[Line] = []
    for number, line in enumerate([*text.splitlines(), "$"], 1):
        place = Place(file, number)
        if "\t" in line[: len(line) - len(line.lstrip())]:
            raise place.error("indent with spaces")
        if line.startswith("#"):
            continue
        if not line.strip() or line.startswith(" "):
            if head is None and line.strip():
                raise place.error("a block without a statement above it")
            body.append(Line(number, line.rstrip()))
            continue
        if head is not None:
            yield _statement(*head, body)
        head, body = (place, line.split()), []


def _statement(place: Place, words: list[str], body: list[Line]) -> Statement:
    while body and not body[-1].text:
        body.pop()
    while body and not body[0].text:
        body.pop(0)
    if words[0] not in WORDS:
        raise place.error(f"unknown statement {words[0]!r}")
    if body and words[0] not in BODIES:
        raise place.at(body[0].number).error(f"{words[0]!r} takes no block")
    if not body and words[0] in BODIES - {"upstream"}:
        raise place.error(f"{words[0]!r} needs an indented block under it")
    return Statement(place, words[0], tuple(words[1:]), tuple(body))
