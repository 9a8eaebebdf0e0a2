"""RE2 syntax, in Go's Perl flavour, to a tree: what CoreDNS accepts is accepted, what it refuses gets Go's text.

There are no back-references and no look-around in it, and a counted repeat, with those inside it multiplied, is at most
1000. Unlike Go's library this one knows no Unicode classes (`\\p{Greek}`) and takes no more than `MAX_DEPTH` nested
groups.
"""

import re
from typing import Final

from kdns.corefile.regexp import charset
from kdns.corefile.regexp.node import Alternate, Assertion, Chars, Concat, Group, Node, Repeat
from kdns.corefile.regexp.scanner import Scanner, fail

MAX_DEPTH: Final = 60
"""Groups inside each other."""
MAX_COUNT: Final = 1000
"""Copies that counted repeats may make of what is inside."""

_counted: Final = re.compile(r"\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}", re.ASCII)
_named: Final = re.compile(r"\(\?P?<(\w+)>", re.ASCII)
_ASSERTIONS: Final = {
    "A": Assertion.TEXT_BEGIN,
    "z": Assertion.TEXT_END,
    "b": Assertion.BORDER,
    "B": Assertion.NO_BORDER,
}


class Syntax(Scanner):
    """One pattern being read; `names` are those of the groups from 1, an empty one for each without."""

    def __init__(self, pattern: str) -> None:
        super().__init__(pattern)
        self._depth = 0
        self.names: list[str] = []

    def read(self) -> Node:
        """The tree. Raises ValueError with Go's text."""
        node = self._alternatives()
        if self.peek() == ")":
            fail("unexpected )", self.pattern)
        return node

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self.peek() == "|":
            self.take()
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Alternate(tuple(branches))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        repeated = -1  # where the repeat stands that was read last: another may not follow at once
        while (character := self.peek()) and character not in "|)":
            start = self.position
            if character in "*+?{" and (times := self._times()) is not None:
                self._repeat(parts, times, start, repeated)
                repeated = start if repeated < 0 else repeated
            else:
                self._atom(parts)
                repeated = -1
        return parts[0] if len(parts) == 1 else Concat(tuple(parts))

    def _times(self) -> tuple[int, int | None] | None:
        """Take a repetition operator: the least and the greatest number. None for a brace that is a literal one."""
        if (simple := {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.peek())) is not None:
            self.take()
            return simple
        counts = _counted.match(self.pattern, self.position)
        if counts is None:
            return None
        self.position = counts.end()
        low, comma, high = counts.groups()
        least = _bounded(low)
        most = least if comma is None else None if high is None else _bounded(high)
        if least > MAX_COUNT or (most is not None and (most > MAX_COUNT or least > most)):
            fail("invalid repeat count", counts[0])
        return least, most

    def _repeat(self, parts: list[Node], times: tuple[int, int | None], start: int, repeated: int) -> None:
        lazy = self.peek() == "?"
        self.position += lazy
        if repeated >= 0:
            fail("invalid nested repetition operator", self.since(repeated))
        if not parts:
            fail("missing argument to repetition operator", self.since(start))
        low, high = times
        parts[-1] = Repeat(parts[-1], low, high, lazy != ("U" in self.flags))
        if self.pattern[start] == "{" and max(low, high or 0) >= 2 and _copies(parts[-1]) > MAX_COUNT:
            fail("invalid repeat count", self.since(start))

    def _atom(self, parts: list[Node]) -> None:
        match self.peek():
            case "(":
                self._group(parts)
            case "[":
                parts.append(Chars(self.character_class()))
            case "\\":
                self._escaped(parts)
            case ".":
                self.take()
                parts.append(Chars(charset.ANY if "s" in self.flags else charset.NOT_NEWLINE))
            case "^":
                self.take()
                parts.append(Assertion.LINE_BEGIN if "m" in self.flags else Assertion.TEXT_BEGIN)
            case "$":
                self.take()
                parts.append(Assertion.LINE_END if "m" in self.flags else Assertion.TEXT_END)
            case _:
                parts.append(self._literal(self.take()))

    def _literal(self, character: str) -> Chars:
        return Chars(self.folded(charset.of(character)))

    def _group(self, parts: list[Node]) -> None:
        flags = self.flags
        number = 0
        if self.peek(2) != "(?":
            self.take()
            self.names.append("")
            number = len(self.names)
        elif self.peek(3) == "(?<" or self.peek(4) == "(?P<":
            self._name()
            number = len(self.names)
        elif self._set_flags() == ")":
            return
        self._depth += 1
        if self._depth > MAX_DEPTH:
            fail("expression nests too deeply", self.pattern)
        body = self._alternatives()
        if self.take() != ")":
            fail("missing closing )", self.pattern)
        self._depth -= 1
        self.flags = flags
        parts.append(Group(body, number) if number else body)

    def _name(self) -> None:
        named = _named.match(self.pattern, self.position)
        if named is None:
            end = self.pattern.find(">", self.position)
            fail("invalid named capture", self.pattern[self.position : end + 1 if end >= 0 else None])
        self.position = named.end()
        self.names.append(named[1])

    def _set_flags(self) -> str:
        """Take `(?flags` and what ends it: a colon, or the parenthesis of a group that is only flags."""
        start = self.position
        self.take(2)
        flags = set(self.flags)
        negative = seen = False
        while character := self.take():
            if character in "imsU":
                (flags.discard if negative else flags.add)(character)
                seen = True
            elif character == "-" and not negative:
                negative, seen = True, False
            elif character in ":)" and (seen or not negative):
                self.flags = frozenset(flags)
                return character
            else:
                break
        return fail("invalid or unsupported Perl syntax", self.since(start))

    def _escaped(self, parts: list[Node]) -> None:
        following = self.peek(2)[1:]
        if following in _ASSERTIONS:
            self.take(2)
            parts.append(_ASSERTIONS[following])
        elif following == "Q":
            self.take(2)
            quoted, _, _ = self.pattern[self.position :].partition("\\E")
            parts += map(self._literal, quoted)
            self.position = min(len(self.pattern), self.position + len(quoted) + 2)
        elif (ranges := self.perl_class()) is not None:
            parts.append(Chars(self.folded(ranges)))
        else:
            parts.append(self._literal(self.escape()))


def _copies(node: Node) -> int:
    """The copies that counted repeats make of the innermost part."""
    match node:
        case Concat(parts):
            return max(map(_copies, parts), default=1)
        case Alternate(branches):
            return max(map(_copies, branches))
        case Group(body):
            return _copies(body)
        case Repeat(body, low, high):
            return max(1, low if high is None else high) * _copies(body)
        case _:
            return 1


def _bounded(digits: str) -> int:
    return int(digits) if len(digits) <= 4 else MAX_COUNT + 1
