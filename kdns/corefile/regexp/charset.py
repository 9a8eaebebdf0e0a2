"""Sets of characters as ranges of code points, ascending and apart from each other.

Ignoring case is ASCII's affair here, as it is the DNS's (RFC 4343); the classes `\\d`, `\\s`, `\\w` are ASCII in RE2
anyway.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

Ranges = tuple[tuple[int, int], ...]

LAST: Final = 0x10FFFF
_CASE: Final = ord("a") - ord("A")


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The set of all code points in the ranges, which may be in any order and overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def negate(ranges: Ranges) -> Ranges:
    """Every code point that is not in the set."""
    outside, begin = [], 0
    for low, high in ranges:
        if begin < low:
            outside.append((begin, low - 1))
        begin = high + 1
    return (*outside, (begin, LAST)) if begin <= LAST else tuple(outside)


def fold(ranges: Ranges) -> Ranges:
    """The set with the other case of every ASCII letter in it."""
    folded = list(ranges)
    for low, high in ranges:
        for first, last, shift in ((65, 90, _CASE), (97, 122, -_CASE)):
            if low <= last and first <= high:
                folded.append((max(low, first) + shift, min(high, last) + shift))
    return union(folded)


def of(*parts: str) -> Ranges:
    """The set of characters (`"_"`) and ranges (`"az"`)."""
    return union((ord(part[0]), ord(part[-1])) for part in parts)


ANY: Final[Ranges] = ((0, LAST),)
NOT_NEWLINE: Final = negate(of("\n"))
DIGIT: Final = of("09")
SPACE: Final = of("\t\n", "\f\r", " ")
WORD: Final = of("09", "AZ", "az", "_")

PERL: Final[Mapping[str, Ranges]] = MappingProxyType(
    {"d": DIGIT, "s": SPACE, "w": WORD, "D": negate(DIGIT), "S": negate(SPACE), "W": negate(WORD)}
)
"""What stands behind the backslash."""

POSIX: Final[Mapping[str, Ranges]] = MappingProxyType(
    {
        "alnum": of("09", "AZ", "az"),
        "alpha": of("AZ", "az"),
        "ascii": of("\x00\x7f"),
        "blank": of("\t", " "),
        "cntrl": of("\x00\x1f", "\x7f"),
        "digit": DIGIT,
        "graph": of("!~"),
        "lower": of("az"),
        "print": of(" ~"),
        "punct": of("!/", ":@", "[`", "{~"),
        "space": of("\t\r", " "),
        "upper": of("AZ"),
        "word": WORD,
        "xdigit": of("09", "AF", "af"),
    }
)
"""The names in `[[:name:]]`."""
