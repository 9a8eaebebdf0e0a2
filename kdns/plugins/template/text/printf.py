"""`printf`: a format with its flags, widths, precisions and argument numbers, as in Go's `fmt`.

Whatever is wrong with a format shows in the text (`%!d(MISSING)`, `%!(EXTRA ...)`); only too long a text is an error.
"""

import re

from kdns.plugins.template.text.errors import CallError
from kdns.plugins.template.text.printing import Form, bad, show, verb
from kdns.plugins.template.text.value import Value, is_integer, type_name

MAX_TEXT = 1 << 18
"""Octets of a text: four for each that the data of a record may have (`\\\\DDD`)."""
MAX_WIDTH = 10_000
"""Width and precision; Go has a million."""

_DIGITS = re.compile(r"[0-9]+")
_INDEX = re.compile(r"\[([^\]]*)\]")
_FLAGS = {"-": "minus", "+": "plus", "#": "sharp", " ": "space", "0": "zero"}


def sprintf(form: str, *values: Value) -> str:
    """The text of a format and its values. Raises `CallError` for more than `MAX_TEXT` octets."""
    return _Formatting(form, values).text()


class _Formatting:
    def __init__(self, form: str, values: tuple[Value, ...]) -> None:
        self._form = form
        self._values = values
        self._at = 0
        self._next = 0
        self._reordered = False
        self._good = True
        self._out: list[str] = []

    def text(self) -> str:
        form, size = self._form, 0
        while self._at < len(form):
            found = form.find("%", self._at)
            stop = len(form) if found < 0 else found
            self._out.append(form[self._at : stop])
            self._at = stop + 1
            if found >= 0:
                self._verb()
            size += len(self._out[-1])
            if size > MAX_TEXT:
                raise CallError(f"text longer than {MAX_TEXT} octets")
        if not self._reordered and self._next < len(self._values):
            left = [f"{type_name(v)}={show(v)}" if v is not None else "<nil>" for v in self._values[self._next :]]
            self._out.append(f"%!(EXTRA {', '.join(left)})")
        return "".join(self._out)

    def _verb(self) -> None:
        """What stands behind a percent sign."""
        form, self._good = self._form, True
        flags: dict[str, bool] = {}
        while (char := form[self._at : self._at + 1]) in _FLAGS:
            flags[_FLAGS[char]] = True
            self._at += 1
        indexed = self._index()
        width, indexed = self._width(flags, indexed)
        precision, indexed = self._precision(indexed)
        if not indexed:
            self._index()
        letter = form[self._at : self._at + 1]
        if not letter:
            self._out.append("%!(NOVERB)")
            return
        if letter >= "\x80":
            letter = form[self._at :].encode("latin-1").decode("utf-8", "replace")[0].encode().decode("latin-1")
        self._at += len(letter)
        go = letter == "v" and flags.pop("sharp", False)
        if letter == "v":
            flags.pop("plus", None)
        self._out.append(self._shown(letter, Form(**flags, width=width, precision=precision, go=go)))

    def _shown(self, letter: str, form: Form) -> str:
        if letter == "%":
            return "%"
        if not self._good:
            return f"%!{letter}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{letter}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return bad(value, letter) if letter == "w" else verb(value, letter, form)

    def _index(self) -> bool:
        """An argument's number in brackets, if one stands here."""
        if self._form[self._at : self._at + 1] != "[":
            return False
        self._reordered = True
        match = _INDEX.match(self._form, self._at)
        self._at = match.end() if match else self._at + 1
        digits = match[1] if match else ""
        known = digits.isdigit() and len(digits) < 7
        if known and 0 < int(digits) <= len(self._values):
            self._next = int(digits) - 1
            return True
        self._good = False
        return known

    def _number(self) -> int | None:
        match = _DIGITS.match(self._form, self._at)
        if match is None:
            return None
        self._at = match.end()
        if len(match[0]) > 7 or int(match[0]) > MAX_WIDTH:
            self._at = len(self._form)
            return None
        return int(match[0])

    def _star(self) -> int | None:
        self._at += 1
        if self._next >= len(self._values):
            return None
        value = self._values[self._next]
        self._next += 1
        return value if is_integer(value) and abs(value) <= MAX_WIDTH else None

    def _width(self, flags: dict[str, bool], indexed: bool) -> tuple[int | None, bool]:
        if self._form[self._at : self._at + 1] == "*":
            width = self._star()
            if width is None:
                self._out.append("%!(BADWIDTH)")
            elif width < 0:
                flags["minus"], flags["zero"] = True, False
            return None if width is None else abs(width), False
        width = self._number()
        if indexed and width is not None:
            self._good = False
        return width, indexed

    def _precision(self, indexed: bool) -> tuple[int | None, bool]:
        if self._form[self._at : self._at + 1] != "." or self._at + 1 >= len(self._form):
            return None, indexed
        self._at += 1
        if indexed:
            self._good = False
        indexed = self._index()
        if self._form[self._at : self._at + 1] != "*":
            return self._number() or 0, indexed
        precision = self._star()
        if precision is None or precision < 0:
            self._out.append("%!(BADPREC)")
            return None, False
        return precision, False
