"""Functions of the language that work on numbers."""

import math
import statistics
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from kdns.corefile.errors import MAX_MESSAGE
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.signature import Builtin, Overload, aggregate, one_of
from kdns.corefile.expression.types import FLOAT, INT
from kdns.corefile.expression.values import Value, is_list, is_number, kind_of, truncated, wrapped
from kdns.corefile.values import parse_integer, parse_number

_SHIFT: Final = 64


def _int(frame: Frame, value: Value) -> int:
    match value:
        case float():
            return truncated(value)
        case int() if type(value) is int:
            return value
        case str():
            try:
                return parse_integer(value)
            except ValueError:
                raise Fault(f"invalid operation: int({value[:MAX_MESSAGE]})") from None
    raise Fault(f"invalid operation: int({kind_of(value)})")


def _float(frame: Frame, value: Value) -> float:
    if is_number(value):
        return float(value)
    try:
        if type(value) is str:
            return parse_number(value)
    except ValueError:
        raise Fault(f"invalid operation: float({value[:MAX_MESSAGE]})") from None
    raise Fault(f"invalid operation: float({kind_of(value)})")


def _number(name: str, value: Value) -> Value:
    if is_number(value):
        return value
    raise Fault(f"invalid argument for {name} (type {kind_of(value)})")


def _abs(frame: Frame, value: Value) -> Value:
    size = abs(_number("abs", value))
    return wrapped(size) if type(size) is int else size


def _rounded(name: str, how: Callable[[float], int]) -> Callable[[Frame, Value], float]:
    def call(frame: Frame, value: Value) -> float:
        number = float(_number(name, value))
        return float(how(number)) if math.isfinite(number) else number

    return call


def _half_away(number: float) -> int:
    nearest = math.floor(abs(number))
    if abs(number) - nearest >= 0.5:
        nearest += 1
    return nearest if number >= 0 else -nearest


def _flat(frame: Frame, name: str, value: Value) -> Iterator[Value]:
    """The numbers of arrays in arrays."""
    frame.spend(1)
    if is_list(value):
        for element in value:
            yield from _flat(frame, name, element)
    else:
        yield _number(name, value)


def _aggregate(name: str, how: Callable[[list[Value]], Value], empty: Value) -> Builtin:
    def call(frame: Frame, *arguments: Value) -> Value:
        numbers = [number for each in arguments for number in _flat(frame, name, each)]
        return how(numbers) if numbers else empty

    return Builtin(call, accepts=aggregate(name))


def _bits(name: str, how: Callable[[int, int], int], *, shifts: bool = False) -> Builtin:
    def call(frame: Frame, left: int, right: int) -> int:
        if shifts and right < 0:
            raise Fault(f"invalid operation: negative shift count {right} (type int)")
        return wrapped(how(left, min(right, _SHIFT) if shifts else right))

    return Builtin(call, (_TWO_INTEGERS,))


_TWO_INTEGERS: Final[Overload] = ((INT, INT), INT)
_NUMERIC: Final = ("int", "float", "unknown")

NUMBER_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "int": Builtin(_int, accepts=one_of("int", (*_NUMERIC, "string"), INT)),
    "float": Builtin(_float, accepts=one_of("float", (*_NUMERIC, "string"), FLOAT)),
    "abs": Builtin(_abs, accepts=one_of("abs", _NUMERIC)),
    "ceil": Builtin(_rounded("ceil", math.ceil), accepts=one_of("ceil", _NUMERIC, FLOAT)),
    "floor": Builtin(_rounded("floor", math.floor), accepts=one_of("floor", _NUMERIC, FLOAT)),
    "round": Builtin(_rounded("round", _half_away), accepts=one_of("round", _NUMERIC, FLOAT)),
    "max": _aggregate("max", max, None),
    "min": _aggregate("min", min, None),
    "mean": _aggregate("mean", lambda numbers: sum(map(float, numbers)) / len(numbers), 0.0),
    "median": _aggregate("median", lambda numbers: float(statistics.median(map(float, numbers))), 0.0),
    "bitand": _bits("bitand", lambda left, right: left & right),
    "bitor": _bits("bitor", lambda left, right: left | right),
    "bitxor": _bits("bitxor", lambda left, right: left ^ right),
    "bitnand": _bits("bitnand", lambda left, right: left & ~right),
    "bitshl": _bits("bitshl", lambda left, right: left << right, shifts=True),
    "bitshr": _bits("bitshr", lambda left, right: left >> right, shifts=True),
    "bitushr": _bits("bitushr", lambda left, right: (left % (1 << 64)) >> right, shifts=True),
    "bitnot": Builtin(lambda frame, value: ~value, (((INT,), INT),)),
}
