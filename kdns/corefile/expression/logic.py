"""`and`, `or`, `not`, signs and conditions. What is known now decides now, as expr's optimizer does."""

from collections.abc import Sequence

from kdns.corefile.expression.code import Code, Run, constant
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.types import ARRAY, BOOL, NIL, UNKNOWN, Type, assignable, compatible
from kdns.corefile.expression.values import Value, is_number, kind_of, wrapped


def check_link(written: str, left: Type, right: Type, at: int) -> None:
    """Raise `Mistake` if two operands cannot be linked by `and` or `or`, however that is written."""
    if not left.kind == right.kind == "bool" and not compatible(left, right, "bool"):
        raise Mistake(f"invalid operation: {written} (mismatched types {left} and {right})", at)


def linked(operator: str, operands: Sequence[Code]) -> Code:
    """A chain of `and`, or of `or`."""
    decides = operator == "or"
    if any(operand.constant is decides for operand in operands):
        return constant(BOOL, decides)
    left = [operand.run for operand in operands if operand.constant is not (not decides)]
    if not left:
        return constant(BOOL, not decides)
    *first, last = left
    return Code(BOOL, _chain(first, last, decides))


def _chain(first: Sequence[Run], last: Run, decides: bool) -> Run:
    def chain(frame: Frame) -> Value:
        for run in first:
            if _truth(run(frame)) is decides:
                return decides
        return last(frame)

    return chain


def _truth(value: Value) -> bool:
    if type(value) is not bool:
        raise Fault(f"{kind_of(value)} is not bool")
    return value


def negated(operator: str, operand: Code, at: int) -> Code:
    """`not x`. Raises `Mistake`."""
    if operand.type is not BOOL and not operand.type.is_unknown:
        raise Mistake(f"invalid operation: {operator} (mismatched type {operand.type})", at)
    if type(operand.constant) is bool:
        return constant(BOOL, not operand.constant)
    run = operand.run
    return Code(BOOL, lambda frame: not _truth(run(frame)))


def signed(operator: str, operand: Code, at: int) -> Code:
    """`-x` and `+x`. Raises `Mistake`."""
    if not operand.type.is_number and not operand.type.is_unknown:
        raise Mistake(f"invalid operation: {operator} (mismatched type {operand.type})", at)
    type_ = operand.type if operand.type.is_number else UNKNOWN
    if operator == "+":
        return Code(type_, operand.run, operand.constant)
    if is_number(operand.constant):
        return constant(type_, _minus(operand.constant))
    run = operand.run
    return Code(type_, lambda frame: _minus(run(frame)))


def _minus(value: Value) -> Value:
    if not is_number(value):
        raise Fault(f"invalid operation: - {kind_of(value)}")
    return wrapped(-value) if type(value) is int else -value


def conditional(condition: Code, yes: Code, no: Code) -> Code:
    """`condition ? yes : no`."""
    test, first, second = condition.run, yes.run, no.run
    return Code(_common(yes.type, no.type), lambda frame: first(frame) if _truth(test(frame)) else second(frame))


def _common(yes: Type, no: Type) -> Type:
    if yes.kind == "nil":
        return NIL if no.kind == "nil" else no
    if no.kind == "nil":
        return yes
    if not assignable(yes, no):
        return UNKNOWN
    if yes.is_array and no.is_array and not (assignable(yes.of(), no.of()) and assignable(no.of(), yes.of())):
        return ARRAY
    return yes
