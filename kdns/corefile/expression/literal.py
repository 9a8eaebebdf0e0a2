"""What literals stand for: the text of strings and the values of numbers."""

import re
from typing import Final

_ESCAPES: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", "'": "'", '"': '"',
}  # fmt: skip
_escape: Final = re.compile(
    r"\\(?:([abfnrtv\\'\"])|([0-7]{3})|(?:x([0-9a-fA-F]{2})|u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})))"
)
_digits: Final = re.compile(
    r"\\(?:x[0-9a-fA-F]{0,2}|u\{[0-9a-fA-F]{0,6}|u[0-9a-fA-F]{0,4}|U[0-9a-fA-F]{0,8}|[0-7]{1,3})?"
)
_MAX_RUNE: Final = 0x10FFFF
_REPLACEMENT: Final = "�"
_BASES: Final = {"0x": ("hex", 16), "0b": ("binary", 2), "0o": ("octal", 8)}
_hex_float: Final = re.compile(r"[eE]|\.")


class BadEscape(ValueError):
    """An escape that there is not; `offset` is where in the text it goes wrong."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def escape(text: str, at: int, quote: str) -> tuple[str, int]:
    """The character that the backslash at a place begins, and where the text goes on. Raises `BadEscape`."""
    found = _escape.match(text, at)
    if found is None or (found[1] in ("'", '"') and found[1] != quote):
        begun = _digits.match(text, at)
        raise BadEscape("invalid char escape", begun.end() if begun else at + 1)
    simple, octal, *digits = found.groups()
    if simple:
        return _ESCAPES[simple], found.end()
    if octal:
        if octal[0] > "3":
            raise BadEscape("unable to unescape string", found.end() - 1)
        return chr(int(octal, 8)), found.end()
    rune = int(next(filter(None, digits)), 16)
    if rune > _MAX_RUNE:
        raise BadEscape("unable to unescape string", found.end() - 1)
    # Go writes half of a surrogate pair as U+FFFD.
    return _REPLACEMENT if 0xD800 <= rune < 0xE000 else chr(rune), found.end()


def number(text: str) -> int | float:
    """The value of a number. Raises ValueError with the text of Go's strconv."""
    plain = text.replace("_", "")
    prefix = plain[:2].lower()
    if prefix == "0x" or (prefix in _BASES and not _hex_float.search(plain)):
        return _integer(plain, *_BASES[prefix], plain[2:])
    if _hex_float.search(plain):
        return _float(plain)
    return _integer(plain, "integer", 10, plain)


def _integer(text: str, name: str, base: int, digits: str) -> int:
    try:
        value = int(digits, base) if len(digits) <= 64 else 1 << 63
    except ValueError:
        raise ValueError(f'invalid {name} literal: strconv.ParseInt: parsing "{text}": invalid syntax') from None
    if value >= 1 << 63:
        raise ValueError(f'invalid {name} literal: strconv.ParseInt: parsing "{text}": value out of range')
    return value


def _float(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f'invalid float literal: strconv.ParseFloat: parsing "{text}": invalid syntax') from None
    if value == float("inf"):
        raise ValueError(f'invalid float literal: strconv.ParseFloat: parsing "{text}": value out of range')
    return value
