"""Words of a master file as octets: names, numbers, texts, types and algorithms. ValueError says what is wrong."""

import re
from collections.abc import Iterator

from kdns.wire import codes, name

_ALGORITHMS = {
    "RSAMD5": 1, "DH": 2, "DSA": 3, "RSASHA1": 5, "DSA-NSEC3-SHA1": 6, "RSASHA1-NSEC3-SHA1": 7, "RSASHA256": 8,
    "RSASHA512": 10, "ECC-GOST": 12, "ECDSAP256SHA256": 13, "ECDSAP384SHA384": 14, "ED25519": 15, "ED448": 16,
    "INDIRECT": 252, "PRIVATEDNS": 253, "PRIVATEOID": 254,
}  # fmt: skip
_STRAY = re.compile("[\udc80-\udcff]")
"""An octet that was not UTF-8."""
_ESCAPE = re.compile(rb"\\(\d\d\d|.)", re.DOTALL)


def absolute(text: str, origin: bytes) -> bytes:
    """A name as written, completed by the origin unless it ends in a dot; raises `WireError`."""
    if text == "@":
        return origin
    wire = name.from_text(_STRAY.sub(_decimal, text))
    if text.endswith(".") and (len(text) - len(text[:-1].rstrip("\\"))) % 2:
        return wire
    return name.from_labels((), wire[:-1] + origin)


def _decimal(match: re.Match[str]) -> str:
    return f"\\{ord(match[0]) - 0xDC00}"


def word(words: Iterator[str]) -> str:
    """The next word."""
    text = next(words, None)
    if text is None:
        raise ValueError("too few words")
    return text


def whole(text: str, bits: int) -> int:
    """A number of so many bits."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) < 1 << bits):
        raise ValueError(f"bad number {text[:40]!r}")
    return int(text)


def octets(text: str) -> bytes:
    """The octets of a word, its escapes resolved."""
    return _ESCAPE.sub(_unescaped, text.encode(errors="surrogateescape"))


def _unescaped(match: re.Match[bytes]) -> bytes:
    body = match[1]
    return bytes((int(body),)) if len(body) == 3 else body  # ValueError above 255


def strings(texts: Iterator[str]) -> bytes:
    """Character strings; longer ones than 255 octets are split, as CoreDNS's parser does."""
    out = b""
    for text in texts:
        every = octets(text)
        parts = [every[i : i + 255] for i in range(0, len(every), 255)] or [b""]
        out += b"".join(bytes((len(part),)) + part for part in parts)
    if not out:
        raise ValueError("no text")
    return out


def type_number(text: str) -> int:
    """The number of a type, by mnemonic or as `TYPEn`."""
    text = text.upper()
    return codes.TYPE_NUMBERS.get(text) or whole(text.removeprefix("TYPE"), 16)


def bitmap(types: Iterator[str]) -> bytes:
    """Type bit maps (RFC 4034 section 4.1.2)."""
    windows: dict[int, int] = {}
    for number in (type_number(text) for text in types):
        windows[number >> 8] = windows.get(number >> 8, 0) | 1 << (255 - (number & 255))
    out = b""
    for window, bits in sorted(windows.items()):
        every = bits.to_bytes(32, "big").rstrip(b"\0")
        out += bytes((window, len(every))) + every
    return out


def algorithm(text: str) -> int:
    """An algorithm of DNSSEC, by mnemonic or number."""
    found = _ALGORITHMS.get(text.upper())
    return whole(text, 8) if found is None else found
