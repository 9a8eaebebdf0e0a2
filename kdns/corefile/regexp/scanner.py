"""Reading a pattern character by character: escapes and sets of characters, which are the words of RE2's syntax.

Every error is a ValueError with Go's text, which ends in the part of the pattern it is about.
"""

import re
from typing import Final, NoReturn

from kdns.corefile.regexp import charset
from kdns.corefile.regexp.charset import Ranges

_octal: Final = re.compile(r"[1-7][0-7]{1,2}|0[0-7]{0,2}", re.ASCII)
_hex: Final = re.compile(r"x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))", re.ASCII)
_ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class Scanner:
    """A place in a pattern, and the flags (of `imsU`) that are set there."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.flags: frozenset[str] = frozenset()

    def peek(self, count: int = 1) -> str:
        """The next characters; fewer at the end of the pattern."""
        return self.pattern[self.position : self.position + count]

    def take(self, count: int = 1) -> str:
        """The next characters, which are then behind."""
        taken = self.peek(count)
        self.position += count
        return taken

    def since(self, start: int) -> str:
        """What was taken from a place on."""
        return self.pattern[start : self.position]

    def folded(self, ranges: Ranges) -> Ranges:
        """The set as the flag `i` makes it."""
        return charset.fold(ranges) if "i" in self.flags else ranges

    def perl_class(self) -> Ranges | None:
        """Take a set like `\\d`; None if there is none."""
        following = self.peek(2)
        if following in {"\\p", "\\P"}:
            fail("Unicode classes are not supported", following)
        if following[:1] != "\\" or following[1:] not in charset.PERL:
            return None
        self.take(2)
        return charset.PERL[following[1]]

    def escape(self) -> str:
        """Take a backslash and what it makes: one character."""
        start = self.position
        self.take()
        following = self.peek()
        if not following:
            fail("trailing backslash at end of expression", "")
        if (octal := _octal.match(self.pattern, self.position)) is not None:
            self.position = octal.end()
            return chr(int(octal[0], 8))
        if (code := _hex.match(self.pattern, self.position)) is not None:
            digits = (code[1] or code[2]).lstrip("0") or "0"
            if len(digits) <= 6 and int(digits, 16) <= charset.LAST:
                self.position = code.end()
                return chr(int(digits, 16))
        self.take()
        if following in _ESCAPES:
            return _ESCAPES[following]
        if not following.isascii() or following.isalnum():
            fail("invalid escape sequence", self.since(start))
        return following

    def character_class(self) -> Ranges:
        """Take a set in brackets."""
        start = self.position
        self.take()
        negative = self.peek() == "^"
        self.position += negative
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self.peek() != "]":
            first = False
            ranges += self._posix_class() or self.perl_class() or self._range(start)
        self.take()
        folded = self.folded(charset.union(ranges))
        return charset.negate(folded) if negative else folded

    def _posix_class(self) -> Ranges | None:
        if self.peek(2) != "[:":
            return None
        end = self.pattern.find(":]", self.position + 2)
        if end < 0:
            return None
        name = self.pattern[self.position + 2 : end]
        if name.removeprefix("^") not in charset.POSIX:
            fail("invalid character class range", f"[:{name}:]")
        self.position = end + 2
        ranges = charset.POSIX[name.removeprefix("^")]
        return charset.negate(self.folded(ranges)) if name.startswith("^") else ranges

    def _range(self, class_start: int) -> Ranges:
        start = self.position
        low = high = self._class_character(class_start)
        if self.peek() == "-" and self.peek(2) not in {"-", "-]"}:
            self.take()
            high = self._class_character(class_start)
            if high < low:
                fail("invalid character class range", self.since(start))
        return ((ord(low), ord(high)),)

    def _class_character(self, class_start: int) -> str:
        if not self.peek():
            fail("missing closing ]", self.pattern[class_start:])
        return self.escape() if self.peek() == "\\" else self.take()


def fail(what: str, where: str) -> NoReturn:
    """Raise ValueError with Go's text."""
    raise ValueError(f"error parsing regexp: {what}: `{where}`")
