"""A compiled regular expression, whichever of the two matchers runs it."""

import re
from collections.abc import Callable
from typing import Final

from kdns.corefile.regexp.ambiguity import begins_line, ways
from kdns.corefile.regexp.machine import Machine
from kdns.corefile.regexp.node import Node
from kdns.corefile.regexp.source import python_source
from kdns.corefile.regexp.syntax import Syntax

Groups = tuple[str, ...]


class Regexp:
    """A pattern that is searched for in a text, anywhere unless it is anchored."""

    MAX_LENGTH: Final = 10_000
    """Octets of a pattern, CoreDNS's own limit."""
    MAX_WAYS: Final = 1 << 17
    """Up to here `re` does the matching: two open loops after each other, or an alternative of some hundred names."""

    __slots__ = ("backtracks", "groups", "names", "pattern")

    def __init__(self, pattern: str) -> None:
        """Raises ValueError, with Go's text, for what is no pattern or too long."""
        if (length := len(pattern.encode("utf-8", "surrogatepass"))) > self.MAX_LENGTH:
            raise ValueError(f"regex pattern too long: {length} > {self.MAX_LENGTH}")
        syntax = Syntax(pattern)
        node = syntax.read()
        self.pattern: Final = pattern
        self.names: Final = tuple(syntax.names)
        """The names of the groups from 1, empty for those without."""
        self.backtracks: Final = ways(node) <= self.MAX_WAYS
        """True if `re` does the matching."""
        self.groups: Final[Callable[[str], Groups | None]] = (
            _backtracker(node) if self.backtracks else Machine(node, len(self.names)).groups
        )
        """The text of the first match and of its groups, empty for a group that has none; None without a match."""

    def matches(self, text: str) -> bool:
        """True if the pattern occurs in the text."""
        return self.groups(text) is not None


def _backtracker(node: Node) -> Callable[[str], Groups | None]:
    compiled = re.compile(python_source(node), re.ASCII)

    def search(text: str) -> Groups | None:
        found = compiled.search(text)
        return None if found is None else (found[0], *found.groups(""))

    def search_lines(text: str) -> Groups | None:
        """Try the begins of lines only: one try for a name."""
        start = 0
        while (found := compiled.match(text, start)) is None:
            if not (start := text.find("\n", start) + 1):
                return None
        return (found[0], *found.groups(""))

    return search_lines if begins_line(node) else search
