"""How many ways a backtracking matcher may try before it gives up.

A matcher has a choice where a loop may go on or end, and where an alternative has several branches. It is no choice if
the next character decides it: if no character both begins what one way leads to and what the other does. Of a loop that
is left open, a text of n characters has n ends to try; two of them one after the other have n², and one inside another
loop has a number that doubles with every character. The estimate multiplies the choices that remain open; it errs on
the side of too many, for it looks one character ahead and no further.
"""

from functools import reduce
from typing import Final

from kdns.corefile.regexp.charset import ANY, NOT_NEWLINE, Ranges
from kdns.corefile.regexp.node import Alternate, Assertion, Chars, Concat, Group, Node, Repeat, nullable

ENDLESS: Final = 1 << 40
"""The estimate for what grows exponentially."""

_LENGTH: Final = 256
"""Characters of a text: a name has 253 without escapes."""
_OTHERS: Final = 1 << 256
"""The bit for all characters beyond the first 256, which are not told apart."""


def ways(node: Node) -> int:
    """An upper bound for the ways to try at all starts, for a text as long as a name; `ENDLESS` at most."""
    starts = 1 if begins_line(node) else _LENGTH
    return min(ENDLESS, starts * _ways(node, 0, looped=False))


def begins_line(node: Node) -> bool:
    """True if the first match, if there is one, begins where a line does: a name is one line."""
    match node:
        case Assertion():
            return node is Assertion.TEXT_BEGIN
        case Concat(parts):
            return bool(parts) and begins_line(parts[0])
        case Alternate(branches):
            return all(map(begins_line, branches))
        case Group(body):
            return begins_line(body)
        case Repeat(Chars(ranges), _, None):
            return ranges in {ANY, NOT_NEWLINE}
        case _:
            return False


def _ways(node: Node, follow: int, *, looped: bool) -> int:
    """The ways through a node behind which one of the characters `follow` comes; `looped` if it is inside a loop."""
    match node:
        case Concat(parts):
            total = 1
            for part in reversed(parts):
                total = min(ENDLESS, total * _ways(part, follow, looped=looped))
                follow = _first(part) | (follow if nullable(part) else 0)
            return total
        case Alternate(branches):
            each = [_ways(branch, follow, looped=looped) for branch in branches]
            if not _overlap([_first(branch) | (follow if nullable(branch) else 0) for branch in branches]):
                return max(each)
            return ENDLESS if looped else min(ENDLESS, sum(each))
        case Repeat():
            return _ways_to_repeat(node, follow, looped=looped)
        case Group(body):
            return _ways(body, follow, looped=looped)
        case _:
            return 1


def _ways_to_repeat(node: Repeat, follow: int, *, looped: bool) -> int:
    first = _first(node.body)
    often = node.high is None or node.high > 1
    if often and nullable(node.body):
        return ENDLESS
    inside = _ways(node.body, follow | first if often else follow, looped=looped or often)
    if node.high == node.low or not first & follow:
        return inside
    if looped:
        return ENDLESS
    ends = _LENGTH if node.high is None else node.high - node.low + 1
    return min(ENDLESS, ends * inside)


def _first(node: Node) -> int:
    """The characters that a match of the node can begin with, as bits."""
    match node:
        case Chars(ranges):
            return _bits(ranges)
        case Concat(parts):
            bits = 0
            for part in parts:
                bits |= _first(part)
                if not nullable(part):
                    break
            return bits
        case Alternate(branches):
            return reduce(int.__or__, map(_first, branches), 0)
        case Repeat(body) | Group(body):
            return _first(body)
        case _:
            return 0


def _bits(ranges: Ranges) -> int:
    bits = 0
    for low, high in ranges:
        if low < 256:
            bits |= (1 << min(high, 255) + 1) - (1 << low)
        if high > 255:
            bits |= _OTHERS
    return bits


def _overlap(sets: list[int]) -> bool:
    seen = 0
    for each in sets:
        if seen & each:
            return True
        seen |= each
    return False
