"""What a node is compiled to: its type, and a closure that has its value."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.types import Type
from kdns.corefile.expression.values import Value, is_list, kind_of

Run = Callable[[Frame], Value]

NOT_CONSTANT: Final = object()


@dataclass(frozen=True, slots=True)
class Code:
    """`constant` is the value if it is the same at every evaluation: a literal, or an array of literals."""

    type: Type
    run: Run
    constant: Any = NOT_CONSTANT

    @property
    def is_constant(self) -> bool:
        """Whether the value is known now."""
        return self.constant is not NOT_CONSTANT

    @property
    def is_scalar(self) -> bool:
        """Whether it is known now and can be reckoned with."""
        return type(self.constant) in (str, int, float, bool)


def constant(type_: Type, value: Value) -> Code:
    """The code of what is known now."""
    return Code(type_, lambda frame: value, value)


_PYTHON: Final[dict[str, type]] = {"string": str, "int": int, "bool": bool, "float": float, "map": dict}


def admits(wanted: Type, value: Value) -> bool:
    """Whether a value is of a type."""
    return wanted.is_unknown or type(value) is _PYTHON.get(wanted.kind) or (wanted.is_array and is_list(value))


def argument(code: Code, wanted: Type) -> Run:
    """The value of an argument where one of a type is wanted. What is not known yet is looked at when it is there."""
    run = code.run
    if wanted.kind == "float" and code.type.kind == "int":
        return lambda frame: float(run(frame))
    if wanted.is_unknown or (not code.type.is_unknown and code.type.kind != "nil"):
        return run

    def checked(frame: Frame) -> Value:
        value = run(frame)
        if not admits(wanted, value):
            raise Fault(f"cannot use {kind_of(value)} as {wanted}")
        return value

    return checked
