"""Values as Go has them: integers of 64 bits, strings that are cut by octet, numbers that are equal across their types.

A value is None, bool, int, float, str, list, range (what `..` makes; it is never written out), dict, or a function.
Python's bool is an int and its lists are equal to nothing else, so nothing here is compared with `==` alone.
"""

import math
from typing import Any, Final

from kdns.corefile.expression.frame import Fault, Frame

Value = Any

SPACE: Final = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {
    chr(c) for c in range(0x2000, 0x200B)
}
"""White space in Go's sense."""

_SPECIAL: Final = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}
_SIGN: Final = 1 << 63
_MASK: Final = (1 << 64) - 1


def quoted(text: str) -> str:
    """A string as Go's `%q` writes it."""
    return (
        '"'
        + "".join([_SPECIAL.get(char) or (char if char.isprintable() else _unprintable(char)) for char in text])
        + '"'
    )


def _unprintable(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def wrapped(value: int) -> int:
    """An integer as 64 bits hold it, in two's complement."""
    return ((value + _SIGN) & _MASK) - _SIGN


def is_number(value: Value) -> bool:
    """Whether it is an integer or a float."""
    return type(value) is int or type(value) is float


def is_list(value: Value) -> bool:
    """Whether it is an array."""
    return type(value) is list or type(value) is range


def kind_of(value: Value) -> str:
    """Go's type of a value, as faults name it."""
    if value is None:
        return "<nil>"
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "[]interface {}", range: "[]int"}
    return names.get(type(value), "map[string]interface {}" if type(value) is dict else "func")


def equal(frame: Frame, left: Value, right: Value) -> bool:
    """Whether two values are equal: numbers by value, arrays and maps by their elements."""
    a, b = type(left), type(right)
    if a is b and a in (str, int, bool):
        return bool(left == right)
    if is_number(left) and is_number(right):
        return float(left) == float(right)
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(_equal(frame, x, y) for x, y in zip(left, right, strict=True))
    if a is dict and b is dict:
        return left.keys() == right.keys() and all(_equal(frame, item, right[name]) for name, item in left.items())
    return left is None and right is None


def _equal(frame: Frame, left: Value, right: Value) -> bool:
    frame.spend(1)
    return equal(frame, left, right)


def holds(frame: Frame, array: Value, value: Value) -> bool:
    """`in`."""
    if array is None:
        return False
    if type(array) is range:
        return is_number(value) and value in array
    if type(array) is list:
        return any(_equal(frame, element, value) for element in array)
    if type(array) is dict:
        return key(value) in array
    raise Fault(f'operator "in" not defined on {kind_of(array)}')


def key(value: Value) -> Value:
    """A value that is looked up in a map: what Python can look up, and 1 is not true."""
    if value is None or type(value) in (str, float):
        return value
    if type(value) in (bool, int):
        return (type(value), value)
    raise Fault(f"cannot use {kind_of(value)} as a map key")


def ordered(left: Value, right: Value, operator: str = "<") -> tuple[Value, Value]:
    """Two values that come one before the other, or are equal. Raises `Fault` for what has no order."""
    if (is_number(left) and is_number(right)) or (type(left) is str and type(right) is str):
        return left, right
    raise Fault(f"invalid operation: {kind_of(left)} {operator} {kind_of(right)}")


def order(left: Value, right: Value) -> int:
    """Below zero if the left one comes first, above if the right one does."""
    left, right = ordered(left, right)
    return int(left > right) - int(left < right)


def divide(left: float, right: float) -> float:
    """Division as IEEE 754 has it, for any two numbers."""
    try:
        return float(left) / float(right)
    except ZeroDivisionError:
        if left == 0 or math.isnan(left):
            return math.nan
        return math.copysign(math.inf, left) * math.copysign(1.0, right)


def remainder(left: int, right: int) -> int:
    """The rest of a division towards zero. Raises `Fault` for a division by zero."""
    if right == 0:
        raise Fault("integer divide by zero")
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def power(left: float, right: float) -> float:
    """An exponentiation of floats, infinite or not a number where it has to be."""
    try:
        return math.pow(left, right)
    except OverflowError:
        return -math.inf if left < 0 and right % 2 == 1 else math.inf
    except ValueError:
        return math.inf if left == 0 else math.nan


def truncated(value: float) -> int:
    """A float as an integer; one out of bounds is the least of them, as on amd64."""
    return int(value) if math.isfinite(value) and -_SIGN <= value < _SIGN else -_SIGN


def cut(whole: Value, start: int, end: int | None) -> Value:
    """Elements of an array, or octets of a string; places below zero count from the end."""
    if type(whole) is str and not whole.isascii():
        return cut(whole.encode("utf-8", "surrogateescape"), start, end).decode("utf-8", "surrogateescape")
    size = len(whole)
    first = max(start + size if start < 0 else start, 0)
    last = size if end is None else min(max(end + size if end < 0 else end, 0), size)
    return whole[min(first, last) : last]


def octets_before(text: str, index: int) -> int:
    """The octets in front of a character; -1 for -1."""
    return index if index < 0 or text.isascii() else len(text[:index].encode("utf-8", "surrogateescape"))


def text_of(frame: Frame, value: Value) -> str:
    """A value as Go's `%v` writes it."""
    frame.spend(1)
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case float():
            return float_text(value)
        case list() | range():
            return f"[{' '.join([text_of(frame, item) for item in value])}]"
        case dict():
            pairs = sorted([(text_of(frame, shown_key(name)), text_of(frame, item)) for name, item in value.items()])
            return f"map[{' '.join([f'{name}:{item}' for name, item in pairs])}]"
    return str(value)


def shown_key(name: Value) -> Value:
    """The value that a key of a map stands for; see `key`."""
    return name[1] if type(name) is tuple else name


def float_text(value: float) -> str:
    """The fewest digits that read back the same, with an exponent below 1e-4 and from 1e6 on."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value and not 1e-4 <= abs(value) < 1e6:
        return next(text for text in (f"{value:.{places}e}" for places in range(17)) if float(text) == value)
    return repr(value).removesuffix(".0")
