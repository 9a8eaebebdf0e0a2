"""Templates as items: text between actions, and the words inside them.

A trim marker (`{{- ` and ` -}}`) takes the white space of the text beside it away here, so the parser sees none.
Comments are left out. A fault is an item too, the last one: what is wrong before it is said first.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from kdns.plugins.template.text.literal import quote

LEFT, RIGHT = "{{", "}}"
KEYWORDS = frozenset(("block", "break", "continue", "define", "else", "end", "if", "range", "nil", "template", "with"))
_SPACES = " \t\r\n"
_WORD = re.compile(r"[\w\x80-\xff]+", re.ASCII)
_SPACE = re.compile(r"[ \t\r\n]+")
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?"
    r"|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), "string", "unterminated quoted string"),
    "'": (re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"), "char", "unterminated character constant"),
    "`": (re.compile(r"`[^`]*`"), "string", "unterminated raw quoted string"),
}
_DIGITS = frozenset("0123456789")
_ENDS = frozenset((*_SPACES, ".", ",", "|", ":", ")", "(", ""))


class Item(NamedTuple):
    """A piece of a template.

    `kind` is `text`, `left` and `right` (delimiters), `space`, `(`, `)`, `|`, `:=`, `=`, `dot`, `field`, `variable`,
    `identifier`, `bool`, `number`, `char`, `string`, `mark` (any other character), `error`, `eof`, or a keyword.
    """

    kind: str
    at: int
    text: str
    line: int

    def __str__(self) -> str:
        if self.kind in ("eof", "error"):
            return self.text
        if self.kind in KEYWORDS or self.kind == "dot":
            return f"<{self.text}>"
        return f"{quote(self.text[:10])}..." if len(self.text) > 10 else quote(self.text)


class Fault(Exception):
    """Nothing can be read from here on."""


class Lexer:
    """Reads a template, in octets, from its begin to its end."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._counted, self._line = 0, 1

    def items(self) -> Iterator[Item]:
        """All items; the last one is `eof` or `error`."""
        try:
            while (found := self._source.find(LEFT, self._at)) >= 0:
                marked = self._trims_left(found)
                text = self._source[self._at : found]
                text = text.rstrip(_SPACES) if marked else text
                if text:
                    yield self._item("text", self._at, text)
                self._at = found + len(LEFT)
                inside = self._at + (2 if marked else 0)
                if self._source.startswith("/*", inside):
                    self._comment(inside)
                    continue
                yield self._item("left", found, LEFT)
                self._at = inside
                yield from self._action()
        except Fault as fault:
            yield self._item("error", self._at, str(fault))
            return
        if self._at < len(self._source):
            yield self._item("text", self._at, self._source[self._at :])
        yield self._item("eof", len(self._source), "EOF")

    def _item(self, kind: str, at: int, text: str) -> Item:
        self._line += self._source.count("\n", self._counted, at)
        self._counted = at
        return Item(kind, at, text, self._line)

    def _trims_left(self, delimiter: int) -> bool:
        after = self._source[delimiter + 2 : delimiter + 4]
        return len(after) == 2 and after[0] == "-" and after[1] in _SPACES

    def _right(self, at: int) -> int:
        """Octets that a right delimiter has here, 3 more than 2 with its marker; 0 if there is none."""
        source = self._source
        if source[at : at + 1] in ("", *_SPACES):
            return 4 if source.startswith("-}}", at + 1) else 0
        return 2 if source.startswith(RIGHT, at) else 0

    def _comment(self, at: int) -> None:
        end = self._source.find("*/", at + 2)
        self._at = at
        if end < 0:
            raise Fault("unclosed comment")
        width = self._right(end + 2)
        if not width:
            raise Fault("comment ends before closing delimiter")
        self._at = end + 2 + width
        self._trim(width)

    def _trim(self, width: int) -> None:
        if width == 4 and (match := _SPACE.match(self._source, self._at)):
            self._at = match.end()

    def _action(self) -> Iterator[Item]:
        """What stands between delimiters, and the right one."""
        depth = 0
        while True:
            at = self._at
            if width := self._right(at):
                if depth:
                    raise Fault("unclosed left paren")
                self._at = at + width
                yield self._item("right", self._at - 2, RIGHT)
                self._trim(width)
                return
            kind = self._word(at)
            depth += {"(": 1, ")": -1}.get(kind, 0)
            if depth < 0:
                raise Fault("unexpected right paren")
            yield self._item(kind, at, self._source[at : self._at])

    def _word(self, at: int) -> str:
        """Take one word and tell its kind."""
        source, char = self._source, self._source[at : at + 1]
        if not char:
            raise Fault("unclosed action")
        if char in _SPACES:
            return self._spaces(at)
        if char in _QUOTED:
            return self._quoted(at, *_QUOTED[char])
        if char in "+-0123456789" or (char == "." and source[at + 1 : at + 2] in _DIGITS):
            return self._number(at)
        if _WORD.match(char) or char in ".$":
            return self._name(at, char)
        self._at = at + 1
        if char == ":":
            if not source.startswith("=", at + 1):
                raise Fault("expected :=")
            self._at = at + 2
            return ":="
        if not char.isprintable():
            raise Fault(f"unrecognized character in action: U+{ord(char):04X}")
        return char if char in "=|()" else "mark"

    def _spaces(self, at: int) -> str:
        match = _SPACE.match(self._source, at)
        end = match.end() if match else at + 1
        # The last blank belongs to a delimiter with a trim marker.
        self._at = end - 1 if end - 1 > at and self._right(end - 1) else end
        return "space"

    def _quoted(self, at: int, pattern: re.Pattern[str], kind: str, fault: str) -> str:
        match = pattern.match(self._source, at)
        if match is None:
            raise Fault(fault)
        self._at = match.end()
        return kind

    def _number(self, at: int) -> str:
        match = _NUMBER.match(self._source, at)
        end = match.end() if match else at
        after = self._source[end : end + 1]
        if after in ("+", "-") and (match := _NUMBER.match(self._source, end)):
            # A complex number would go on here.
            end = match.end()
        if after in ("+", "-") or _WORD.match(after):
            end += 1 if _WORD.match(self._source, end) else 0
            raise Fault(f"bad number syntax: {quote(self._source[at:end])}")
        self._at = end
        return "number"

    def _name(self, at: int, char: str) -> str:
        """A name, behind a dot or a dollar or alone."""
        start = at + (1 if char in ".$" else 0)
        match = _WORD.match(self._source, start)
        self._at = end = match.end() if match else start
        after = self._source[end : end + 1]
        if after not in _ENDS and not self._source.startswith(RIGHT, end):
            raise Fault(f"bad character U+{ord(after):04X} '{after}'")
        if char == ".":
            return "field" if match else "dot"
        if char == "$":
            return "variable"
        word = self._source[at:end]
        return word if word in KEYWORDS else "bool" if word in ("true", "false") else "identifier"
