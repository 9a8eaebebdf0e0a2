"""Constants of the language, and text quoted as Go does (its `strconv`). All in octets."""

import re
from typing import NamedTuple

_INTEGER = re.compile(
    r"0[xX](?P<hex>(?:_?[0-9a-fA-F])+)|0[oO](?P<oct>(?:_?[0-7])+)|0[bB](?P<bin>(?:_?[01])+)"
    r"|0(?P<old>(?:_?[0-7])+)|(?P<dec>0|[1-9](?:_?[0-9])*)"
)
_REAL = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*\.?(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?")
_HEX_REAL = re.compile(r"[+-]?0[xX][0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+")
_BASES = {"hex": 16, "oct": 8, "bin": 2, "old": 8, "dec": 10}
_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\"}
_NAMED = {code: "\\" + letter for letter, code in _SIMPLE.items()}
_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))|([\"'\\\n])", re.DOTALL
)


class Number(NamedTuple):
    """A constant: what it is as a whole number of 64 bits, if it is one, and as the number that its form says.

    `ideal` is `None` for a whole number that is too large for an `int`.
    """

    integer: int | None
    ideal: int | float | None


def number(text: str) -> Number:
    """A number. Raises ValueError."""
    whole = _whole(text)
    if whole is not None and whole < 1 << 64:
        fits = whole if -(1 << 63) <= whole < 1 << 63 else None
        if fits is None and whole < 0:
            raise ValueError(f"integer overflow: {quote(text)}")
        return Number(fits, fits)
    real = _real(text)
    if real is None:
        raise ValueError(f"illegal number syntax: {quote(text)}")
    if not any(letter in text for letter in ".eEpP"):
        raise ValueError(f"integer overflow: {quote(text)}")
    fits = int(real) if abs(real) < 1 << 63 and real == int(real) else None
    return Number(fits, real)


def _whole(text: str) -> int | None:
    digits = text[1:] if text[:1] in ("+", "-") else text
    match = _INTEGER.fullmatch(digits)
    if match is None or len(digits) > 100:
        return None
    kind = match.lastgroup or "dec"
    value = int(match[kind].replace("_", ""), _BASES[kind])
    return -value if text[0] == "-" else value


def _real(text: str) -> float | None:
    if len(text) > 400:
        return None
    if _HEX_REAL.fullmatch(text):
        try:
            return float.fromhex(text.replace("_", ""))
        except (ValueError, OverflowError):
            return None
    value = float(text.replace("_", "")) if _REAL.fullmatch(text) else None
    return None if value in (float("inf"), float("-inf")) else value


def character(text: str) -> Number:
    """A character constant with its quotes, as its code point. Raises ValueError."""
    body = text[1:-1]
    plain = body if body[:1] == "\\" else body.encode("latin-1").decode("utf-8", "replace")
    if plain[:1] != "\\":
        if not plain or plain == "'":
            raise ValueError("invalid syntax")
        if len(plain) > 1:
            raise ValueError(f"malformed character constant: {text}")
        return Number(ord(plain), ord(plain))
    match = _ESCAPE.match(body)
    if match is None or match[0] == "\\" + '"':
        raise ValueError("invalid syntax")
    if match.end() != len(body):
        raise ValueError(f"malformed character constant: {text}")
    code = _code(match, "'")
    return Number(code, code)


def unquote(text: str) -> str:
    """The text of a string constant with its quotes. Raises ValueError."""
    if text[0] == "`":
        return text[1:-1].replace("\r", "")

    def put(match: re.Match[str]) -> str:
        code = _code(match, '"')
        return chr(code) if match[1] or match[4] or code < 0x80 else chr(code).encode().decode("latin-1")

    return _ESCAPE.sub(put, text[1:-1])


def _code(match: re.Match[str], closing: str) -> int:
    """The code point, or octet, of an escape sequence."""
    octet, short, long, octal, letter, bare = match.groups()
    if letter is not None:
        if letter != closing and letter not in _SIMPLE:
            raise ValueError("invalid syntax")
        return ord(_SIMPLE.get(letter, letter))
    if bare is not None:
        if bare == "'" and closing == '"':
            return ord(bare)
        raise ValueError("invalid syntax")
    code = int(octal, 8) if octal else int(octet or short or long, 16)
    if code > (0xFF if octal else 0x10FFFF) or 0xD800 <= code < 0xE000:
        raise ValueError("invalid syntax")
    return code


def quote(text: str, mark: str = '"', *, ascii_only: bool = False) -> str:
    """Text in quotation marks, with escapes for what does not print (`%q`)."""
    decoded = text if text.isascii() else text.encode("latin-1").decode("utf-8", "surrogateescape")
    return mark + "".join([_quoted(char, mark, ascii_only) for char in decoded]) + mark


def _quoted(char: str, mark: str, ascii_only: bool) -> str:
    code = ord(char)
    if char in (mark, "\\"):
        return "\\" + char
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if char.isprintable() and (code < 0x80 or not ascii_only):
        return char if code < 0x80 else char.encode().decode("latin-1")
    if char in _NAMED:
        return _NAMED[char]
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
