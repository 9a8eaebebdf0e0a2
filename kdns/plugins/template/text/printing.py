"""Values as text, the way Go's `fmt` prints them: `print`, `println`, and one value under one verb of `printf`.

Widths count characters, not octets. A verb that does not fit a value gives `%!verb(type=value)`, never an error.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite

from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.value import Nil, Pointer, Sequence, Table, Unsigned, Value, type_name

_RADIX = {"b": "b", "d": "d", "o": "o", "O": "o", "v": "d", "x": "x", "X": "X"}
_PREFIX = {"b": "0b", "x": "0x", "X": "0X"}
_MAX_RUNE = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Form:
    """The flags of a verb, its width and precision."""

    minus: bool = False
    plus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    go: bool = False

    def pad(self, text: str, *, zeros: bool = True) -> str:
        """Text filled up to the width."""
        missing = (self.width or 0) - _length(text)
        if missing <= 0:
            return text
        if self.minus:
            return text + " " * missing
        return ("0" if self.zero and zeros else " ") * missing + text


_PLAIN = Form()


def show(value: Value) -> str:
    """A value as `%v` prints it."""
    return value if isinstance(value, str) else verb(value, "v", _PLAIN)


def sprint(*values: Value) -> str:
    """Values in a row, with a blank between two that are no strings."""
    parts: list[str] = []
    for i, value in enumerate(values):
        if i and not isinstance(value, str) and not isinstance(values[i - 1], str):
            parts.append(" ")
        parts.append(show(value))
    return "".join(parts)


def sprintln(*values: Value) -> str:
    """Values with blanks between them, and the end of a line."""
    return " ".join([show(value) for value in values]) + "\n"


def verb(value: Value, letter: str, form: Form) -> str:
    """A value under a verb."""
    if letter == "T":
        return form.pad(_cut(type_name(value), form))
    if value is None:
        return form.pad("<nil>") if letter == "v" else f"%!{letter}(<nil>)"
    shown: str | None = None
    match value:
        case str():
            shown = _string(value, letter, form)
        case bool():
            shown = form.pad("true" if value else "false") if letter in "tv" else None
        case int():
            shown = _integer(value, letter, form)
        case float():
            shown = _real(value, letter, form)
        case Sequence():
            return "[" + " ".join([verb(item, letter, form) for item in value.items]) + "]"
        case Table():
            pairs = [f"{verb(k, letter, form)}:{verb(v, letter, form)}" for k, v in sorted(value.items.items())]
            return "map[" + " ".join(pairs) + "]"
        case Pointer():
            shown = _string(value.show(), letter, form)
        case Nil():
            shown = form.pad("<nil>") if letter in "vs" else None
    return bad(value, letter) if shown is None else shown


def bad(value: Value, letter: str) -> str:
    """What stands for a value that a verb does not fit."""
    return f"%!{letter}(<nil>)" if value is None else f"%!{letter}({type_name(value)}={show(value)})"


def _length(text: str) -> int:
    """Characters that a string of octets has: octets that do not continue one."""
    return len(text) if text.isascii() else sum(1 for octet in text if not "\x80" <= octet < "\xc0")


def _cut(text: str, form: Form) -> str:
    """At most as many characters as the precision says."""
    if form.precision is None:
        return text
    decoded = text.encode("latin-1").decode("utf-8", "surrogateescape")[: form.precision]
    return decoded.encode("utf-8", "surrogateescape").decode("latin-1")


def _string(text: str, letter: str, form: Form) -> str | None:
    if letter in "xX":
        return _hex(text[: form.precision] if form.precision is not None else text, letter, form)
    text = _cut(text, form)
    if letter == "q" or (letter == "v" and form.go):
        if form.sharp and "`" not in text and all(char == "\t" or 0x20 <= ord(char) != 0x7F for char in text):
            return form.pad(f"`{text}`")
        return form.pad(quote(text, ascii_only=form.plus))
    return form.pad(text) if letter in "sv" else None


def _hex(text: str, letter: str, form: Form) -> str:
    prefix = "0" + letter if form.sharp and text else ""
    between = (" " if form.space else "") + (prefix if form.space else "")
    return form.pad(prefix + between.join([format(ord(octet), "02" + letter) for octet in text]))


def _integer(value: int, letter: str, form: Form) -> str | None:
    if letter in "cq":
        point = value if 0 <= value <= _MAX_RUNE and not 0xD800 <= value < 0xE000 else 0xFFFD
        char = chr(point).encode().decode("latin-1")
        return form.pad(char if letter == "c" else quote(char, "'", ascii_only=form.plus))
    if letter == "U":
        return _code_point(value & (1 << 64) - 1, form)
    if letter == "v" and form.go and isinstance(value, Unsigned):
        letter, form = "x", replace(form, sharp=True)
    if letter not in _RADIX:
        return None
    if form.precision == 0 and value == 0:
        return " " * (form.width or 0)
    sign = "-" if value < 0 else "+" if form.plus else " " if form.space else ""
    least = form.precision or 0
    if form.precision is None and form.zero and not form.minus and form.width is not None:
        least = form.width - len(sign)
    digits = format(abs(value), _RADIX[letter]).rjust(least, "0")
    if letter == "O":
        digits = "0o" + digits
    elif form.sharp:
        digits = _PREFIX.get(letter, "0" if letter == "o" and digits[0] != "0" else "") + digits
    return form.pad(sign + digits, zeros=False)


def _code_point(value: int, form: Form) -> str:
    text = "U+" + format(value, "X").rjust(max(form.precision or 4, 4), "0")
    if form.sharp and value <= _MAX_RUNE and chr(value).isprintable():
        text += f" '{chr(value).encode().decode('latin-1')}'"
    return form.pad(text, zeros=False)


def _real(value: float, letter: str, form: Form) -> str | None:
    if letter not in "eEfFgGv":
        return None
    if not isfinite(value):
        return form.pad("NaN" if value != value else "+Inf" if value > 0 else "-Inf", zeros=False)
    text = _digits(abs(value), letter, form)
    negative = str(value)[0] == "-"
    sign = "-" if negative else "+" if form.plus else " " if form.space else ""
    if form.zero and not form.minus and form.width is not None:
        return sign + text.rjust(form.width - len(sign), "0")
    return form.pad(sign + text)


def _digits(value: float, letter: str, form: Form) -> str:
    sharp = "#" if form.sharp else ""
    if letter in "eEfF":
        return format(value, f"{sharp}.{6 if form.precision is None else form.precision}{letter}")
    kind = "G" if letter == "G" else "g"
    if form.precision is not None or sharp:
        return format(value, f"{sharp}.{6 if form.precision is None else form.precision}{kind}")
    return _shortest(value, kind)


def _shortest(value: float, kind: str) -> str:
    """As few digits as tell the number from all others, with an exponent below -4 and from 6 on."""
    _, numbers, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, numbers))
    point = len(digits) + int(exponent)
    if value and not -4 <= point - 1 < 6:
        rest = "." + digits[1:] if len(digits) > 1 else ""
        return f"{digits[0]}{rest}{'E' if kind == 'G' else 'e'}{point - 1:+03d}"
    if point <= 0:
        return "0." + "0" * -point + digits
    return digits.ljust(point, "0") if point >= len(digits) else f"{digits[:point]}.{digits[point:]}"
