"""The data of LOC records as a master file has it (RFC 1876 section 3)."""

import re
from collections.abc import Iterator
from struct import pack

from kdns.wire.fields import whole, word

_METRES = re.compile(r"(-?\d{1,8})(?:\.(\d{1,2}))?m?", re.ASCII)


def location(words: Iterator[str], origin: bytes) -> bytes:
    """Where something is; raises ValueError."""
    latitude, longitude = _angle(words, "N", "S", 90), _angle(words, "E", "W", 180)
    altitude = 10_000_000 + _centimetres(word(words))
    sizes = [_size(_centimetres(next(words, default))) for default in ("1m", "10000m", "10m")]
    return pack(">BBBBIII", 0, *sizes, latitude, longitude, altitude)


def _angle(words: Iterator[str], above: str, below: str, most: int) -> int:
    """Degrees, and minutes and seconds that may be left out, in thousandths of a second."""
    parts: list[str] = []
    while (text := word(words)).upper() not in (above, below):
        parts.append(text)
    degrees, minutes, seconds = (*parts, *("0", "0", "0")[len(parts) :])
    second, _, thousandths = seconds.partition(".")
    total = (whole(degrees, 8) * 60 + whole(minutes, 6)) * 60_000 + whole(second, 6) * 1000
    total += whole((thousandths + "000")[:3], 10)
    if not parts or whole(minutes, 6) > 59 or whole(second, 6) > 59 or total > most * 3_600_000:
        raise ValueError("no place on earth")
    return (1 << 31) + (total if text.upper() == above else -total)


def _centimetres(text: str) -> int:
    match = _METRES.fullmatch(text)
    if match is None:
        raise ValueError(f"bad length {text[:40]!r}")
    cents = int(((match[2] or "") + "00")[:2])
    return int(match[1]) * 100 + (-cents if text.startswith("-") else cents)


def _size(centimetres: int) -> int:
    """A digit and a power of ten."""
    digit, power = centimetres, 0
    while digit > 9:
        digit, power = digit // 10, power + 1
    if digit < 0 or power > 9:
        raise ValueError("bad size")
    return digit << 4 | power
