"""Durations as Go writes and reads them: `1h20m`, `0.5s`, `5m0s` (spec corefile.md §14).

A duration is a whole number of nanoseconds within 64 bits, which is some 292 years; here it is a float of seconds.
"""

import re
from typing import Final

_UNITS: Final = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,  # the micro sign
    "\u03bcs": 10**3,  # the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_MAX: Final = 2**63 - 1
_part: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?([^0-9.]*)", re.DOTALL)


def parse_duration(text: str) -> float:
    """Seconds. A bare 0 needs no unit. Raises ValueError with Go's text."""
    digits = text[1:] if text[:1] in {"+", "-"} else text
    if digits == "0":
        return 0.0
    total, position = 0, 0
    while position < len(digits) and (part := _part.match(digits, position)) is not None:
        whole, fraction, unit = part[1], part[2] or "", part[3]
        if not whole and not fraction:
            break
        if not unit:
            raise ValueError(f'time: missing unit in duration "{text}"')
        if unit not in _UNITS:
            raise ValueError(f'time: unknown unit "{unit}" in duration "{text}"')
        if len(whole.lstrip("0")) > 19:
            break
        total += int(whole or "0") * _UNITS[unit] + int(fraction[:18] or "0") * _UNITS[unit] // 10 ** len(fraction[:18])
        position = part.end()
    if not digits or position < len(digits) or total > _MAX:
        raise ValueError(f'time: invalid duration "{text}"')
    return (-total if text[0] == "-" else total) / 10**9


def format_duration(seconds: float) -> str:
    """As Go prints it: `1h0m0s`, `1.5s`, `500ms`, `0s`; to the nanosecond."""
    nanoseconds = round(seconds * 10**9)
    if nanoseconds < 0:
        return "-" + format_duration(-seconds)
    for unit, size in (("ns", 1), ("\u00b5s", 10**3), ("ms", 10**6)):
        if 0 < nanoseconds < size * 1000:
            return _decimal(nanoseconds, size) + unit
    minutes, rest = divmod(nanoseconds, 60 * 10**9)
    text = _decimal(rest, 10**9) + "s"
    if minutes:
        text = f"{minutes % 60}m{text}"
    if minutes >= 60:
        text = f"{minutes // 60}h{text}"
    return text


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0") if rest else str(whole)
