"""Operators of two operands: which types they take, and what they do."""

import operator
from collections.abc import Callable, Mapping
from typing import Final

from kdns.corefile.expression import values
from kdns.corefile.expression.code import Code, constant
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.types import (
    BOOL,
    FLOAT,
    INT,
    NIL,
    STRING,
    UNKNOWN,
    Type,
    array_of,
    assignable,
    comparable,
    compatible,
    map_key,
)
from kdns.corefile.expression.values import Value, is_number, kind_of, wrapped
from kdns.corefile.regexp import Regexp

MAX_RANGE: Final = 1_000_000
"""Elements of a range, expr's memory budget."""

Action = Callable[[Frame, Value, Value], Value]


def binary(symbol: str, left: Code, right: Code, at: int) -> Code:
    """The code of an operation. Raises `Mistake`."""
    result = _result(symbol, left.type, right.type, at)
    if symbol == "matches" and type(right.constant) is str:
        return Code(BOOL, _matching(left, right.constant, at))
    _check(symbol, left.type, right.type, result, at)
    run, other, action = left.run, right.run, ACTIONS[symbol]
    if symbol in _FOLDED and left.is_scalar and right.is_scalar:
        return _folded(action, left, right, at)
    if symbol == "in" and right.is_constant and _all_strings(right.constant):
        return Code(BOOL, _among(left, frozenset(right.constant)))
    if symbol == "==" and left.type is STRING and right.type is STRING:
        return Code(BOOL, lambda frame: run(frame) == other(frame))
    return Code(result or UNKNOWN, lambda frame: action(frame, run(frame), other(frame)))


def within(left: Code, low: int, high: int) -> Code:
    """`x in low..high` for an integer: nothing is made for it, so the range may be of any length."""
    run = left.run
    return Code(BOOL, lambda frame: low <= run(frame) <= high)


def _all_strings(array: Value) -> bool:
    return bool(array) and type(array) is list and all(type(element) is str for element in array)


def _among(left: Code, words: frozenset[str]) -> Callable[[Frame], bool]:
    run = left.run

    def among(frame: Frame) -> bool:
        value = run(frame)
        if type(value) is not str:
            raise Fault(f"cannot use {kind_of(value)} as string")
        return value in words

    return among


def _folded(action: Action, left: Code, right: Code, at: int) -> Code:
    try:
        value = action(Frame(None, 0), left.constant, right.constant)
    except Fault as fault:
        raise Mistake(str(fault), at) from fault
    return constant({str: STRING, int: INT, float: FLOAT, bool: BOOL}[type(value)], value)


def _matching(left: Code, pattern: str, at: int) -> Callable[[Frame], bool]:
    try:
        found = Regexp(pattern).matches
    except ValueError as error:
        raise Mistake(str(error), at) from error
    _check("matches", left.type, STRING, _result("matches", left.type, STRING, at), at)
    run = left.run

    def matching(frame: Frame) -> bool:
        value = run(frame)
        if type(value) is str:
            frame.spend(len(value))
            return found(value)
        if value is None:
            return False
        raise Fault(f"invalid operation: {kind_of(value)} matches string")

    return matching


def _check(symbol: str, left: Type, right: Type, result: Type | None, at: int) -> None:
    if result is None:
        raise Mistake(f"invalid operation: {symbol} (mismatched types {left} and {right})", at)


def _result(symbol: str, left: Type, right: Type, at: int) -> Type | None:
    """The type of a result; None if the operands do not go with the operator."""
    match symbol:
        case "==" | "!=":
            return BOOL if comparable(left, right) else None
        case "in":
            return _membership(left, right, at)
        case "..":
            integers = left.kind == right.kind == "int" or compatible(left, right, "int")
            return array_of(INT) if integers else None
        case "+" | "-" | "*":
            return _arithmetic(symbol, left, right)
    kinds, result = _KINDS[symbol]
    fits = any(left.kind == right.kind == kind for kind in kinds) or (
        "float" in kinds and left.is_number and right.is_number
    )
    return result if fits or compatible(left, right, *kinds) else None


_NUMBERS: Final = ("int", "float")
_KINDS: Final[Mapping[str, tuple[tuple[str, ...], Type]]] = {
    **dict.fromkeys(("<", ">", "<=", ">="), ((*_NUMBERS, "string"), BOOL)),
    **dict.fromkeys(("/", "**", "^"), (_NUMBERS, FLOAT)),
    **dict.fromkeys(("matches", "contains", "startsWith", "endsWith"), (("string",), BOOL)),
    "%": (("int",), INT),
}


def _arithmetic(symbol: str, left: Type, right: Type) -> Type | None:
    if left.is_number and right.is_number:
        return FLOAT if "float" in (left.kind, right.kind) else INT
    if symbol == "+" and left.kind == right.kind == "string":
        return STRING
    kinds = (*_NUMBERS, "string") if symbol == "+" else _NUMBERS
    return UNKNOWN if compatible(left, right, *kinds) else None


def _membership(left: Type, right: Type, at: int) -> Type | None:
    if right.kind == "map":
        key = map_key(right)
        if not left.is_unknown and not assignable(left, key):
            raise Mistake(f"cannot use {left} as type {key} in map key", at)
        return BOOL
    if right.is_array:
        if not comparable(left, right.of()):
            raise Mistake(f"cannot use {left} as type {right.of()} in array", at)
        return BOOL
    return BOOL if right.is_unknown or (left.is_unknown and right.kind == "string") else None


def coalesced(left: Code, right: Code) -> Code:
    """`left ?? right`."""
    run, other = left.run, right.run

    def either(frame: Frame) -> Value:
        value = run(frame)
        return other(frame) if value is None else value

    return Code(_either(left.type, right.type), either)


def _either(left: Type, right: Type) -> Type:
    if left.kind == "nil":
        return NIL if right.kind == "nil" else right
    return left if right.kind == "nil" or assignable(right, left) else UNKNOWN


def _numbers(name: str, left: Value, right: Value) -> bool:
    """Whether both are integers. Raises `Fault` if one is not even a number."""
    if not is_number(left) or not is_number(right):
        raise Fault(f"invalid operation: {kind_of(left)} {name} {kind_of(right)}")
    return type(left) is int and type(right) is int


def add(frame: Frame, left: Value, right: Value) -> Value:
    """Add numbers, join strings."""
    if type(left) is str and type(right) is str:
        frame.spend(len(left) + len(right))
        return left + right
    return wrapped(left + right) if _numbers("+", left, right) else float(left) + float(right)


def _subtract(frame: Frame, left: Value, right: Value) -> Value:
    return wrapped(left - right) if _numbers("-", left, right) else float(left) - float(right)


def _multiply(frame: Frame, left: Value, right: Value) -> Value:
    return wrapped(left * right) if _numbers("*", left, right) else float(left) * float(right)


def _divide(frame: Frame, left: Value, right: Value) -> float:
    _numbers("/", left, right)
    return values.divide(left, right)


def _power(frame: Frame, left: Value, right: Value) -> float:
    _numbers("**", left, right)
    return values.power(left, right)


def _remainder(frame: Frame, left: Value, right: Value) -> int:
    if not _numbers("%", left, right):
        raise Fault(f"invalid operation: {kind_of(left)} % {kind_of(right)}")
    return values.remainder(left, right)


def _range(frame: Frame, left: Value, right: Value) -> range:
    _numbers("..", left, right)
    low, high = (values.truncated(end) if type(end) is float else end for end in (left, right))
    if high - low + 1 >= MAX_RANGE:
        raise Fault("memory budget exceeded")
    return range(low, high + 1)


def _comparison(name: str, test: Callable[[Value, Value], bool]) -> Action:
    return lambda frame, left, right: test(*values.ordered(left, right, name))


def _in_text(name: str, test: Callable[[str, str], bool]) -> Action:
    def action(frame: Frame, left: Value, right: Value) -> bool:
        if type(left) is str and type(right) is str:
            return test(left, right)
        if left is None or right is None:
            return False
        raise Fault(f"invalid operation: {kind_of(left)} {name} {kind_of(right)}")

    return action


def _matches(frame: Frame, left: Value, right: Value) -> bool:
    if left is None or right is None:
        return False
    if type(left) is not str or type(right) is not str:
        raise Fault(f"invalid operation: {kind_of(left)} matches {kind_of(right)}")
    # The pattern may be a client's; to read one takes longer than to match it.
    frame.spend(len(left) + 32 * len(right))
    try:
        return Regexp(right).matches(left)
    except ValueError as error:
        raise Fault(str(error)) from error


ACTIONS: Final[Mapping[str, Action]] = {
    "==": values.equal,
    "!=": lambda frame, left, right: not values.equal(frame, left, right),
    "<": _comparison("<", operator.lt),
    ">": _comparison(">", operator.gt),
    "<=": _comparison("<=", operator.le),
    ">=": _comparison(">=", operator.ge),
    "+": add,
    "-": _subtract,
    "*": _multiply,
    "/": _divide,
    "%": _remainder,
    "**": _power,
    "^": _power,
    "..": _range,
    "in": lambda frame, left, right: values.holds(frame, right, left),
    "matches": _matches,
    "contains": _in_text("contains", lambda left, right: right in left),
    "startsWith": _in_text("startsWith", str.startswith),
    "endsWith": _in_text("endsWith", str.endswith),
}
_FOLDED: Final = frozenset(("+", "-", "*", "/", "%", "**", "^", "=="))
