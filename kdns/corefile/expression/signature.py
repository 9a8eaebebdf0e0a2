"""Which arguments a function of the language takes, and what of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from kdns.corefile.expression.code import Code, Run, argument
from kdns.corefile.expression.frame import Frame
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.types import ANY, STRING, STRINGS, Type, assignable
from kdns.corefile.expression.types import function as function_type
from kdns.corefile.expression.values import Value

Call = Callable[..., Value]
"""Is given the frame, and the values of the arguments."""

Overload = tuple[tuple[Type, ...], Type]


class Refusal(Exception):
    """Why arguments do not do, and which of them if it is one."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.argument = argument


@dataclass(frozen=True, slots=True)
class Builtin:
    """A function of the language: with overloads, or with one rule for what it `accepts` that gives its result."""

    call: Call
    overloads: tuple[Overload, ...] = ()
    accepts: Callable[[Sequence[Type]], Type] | None = None

    @property
    def type(self) -> Type:
        """Its type, for who uses its name without a call."""
        if self.overloads:
            return function_type(*self.overloads[0])
        return Type("func(...interface {}) (interface {}, error)", "func", None, (), ANY)

    def code(self, name: str, arguments: Sequence[Code], places: Sequence[int], at: int) -> Code:
        """The code of a call. Raises `Mistake`."""
        if self.accepts is not None:
            try:
                result = self.accepts([each.type for each in arguments])
            except Refusal as refusal:
                place = at if refusal.argument is None else places[refusal.argument]
                raise Mistake(str(refusal), place) from refusal
            return Code(result, called(self.call, [each.run for each in arguments]))
        for overload in self.overloads:
            try:
                runs = check(name, overload[0], arguments, places, at)
            except Mistake as mistake:
                last = mistake
            else:
                return Code(overload[1], called(self.call, runs))
        raise last


def check(
    name: str, parameters: Sequence[Type], arguments: Sequence[Code], places: Sequence[int], at: int
) -> list[Run]:
    """The arguments as they are given to a function with these parameters. Raises `Mistake`."""
    if len(arguments) != len(parameters):
        raise Mistake(
            f"{'too many' if len(arguments) > len(parameters) else 'not enough'} arguments to call {name}", at
        )
    for code, wanted, place in zip(arguments, parameters, places, strict=True):
        if wanted.kind == "float" and code.type.kind == "int":
            continue
        if code.type.kind == "nil":
            if wanted is not ANY:
                raise Mistake(f"cannot use nil as argument (type {wanted}) to call {name}", place)
        elif not code.type.is_unknown and not assignable(code.type, wanted):
            # The space at the end is expr's.
            raise Mistake(f"cannot use {code.type} as argument (type {wanted}) to call {name} ", place)
    return [argument(code, wanted) for code, wanted in zip(arguments, parameters, strict=True)]


def called(call: Call, runs: Sequence[Run]) -> Run:
    """What calls a function with the values of its arguments."""
    if len(runs) == 1:
        (only,) = runs
        return lambda frame: call(frame, only(frame))
    return lambda frame: call(frame, *[run(frame) for run in runs])


_NUMERIC: Final = ("int", "float", "unknown")


def exactly(count: int, arguments: Sequence[Type]) -> None:
    """Raise `Refusal` for another number of arguments."""
    if len(arguments) != count:
        raise Refusal(f"invalid number of arguments (expected {count}, got {len(arguments)})")


def one_of(name: str, kinds: Sequence[str], result: Type | None = None) -> Callable[[Sequence[Type]], Type]:
    """Takes one argument of these kinds; without a result, the argument's type is the result's."""

    def accepts(arguments: Sequence[Type]) -> Type:
        exactly(1, arguments)
        if arguments[0].kind not in kinds:
            raise Refusal(f"invalid argument for {name} (type {shown(arguments[0])})")
        return result or arguments[0]

    return accepts


def container(deed: str, kinds: Sequence[str], result: Type | None = None) -> Callable[[Sequence[Type]], Type]:
    """Takes one array or map; without a result, that is an element. `deed` is for the error."""

    def accepts(arguments: Sequence[Type]) -> Type:
        exactly(1, arguments)
        if arguments[0].kind not in (*kinds, "unknown"):
            raise Refusal(f"cannot {deed} {shown(arguments[0])}")
        return result or (STRING if arguments[0] is STRINGS else ANY)

    return accepts


def aggregate(name: str) -> Callable[[Sequence[Type]], Type]:
    """Takes numbers, and arrays of them."""

    def accepts(arguments: Sequence[Type]) -> Type:
        if not arguments:
            raise Refusal(f"not enough arguments to call {name}")
        for each in arguments:
            if each.kind in ("array", "unknown"):
                return ANY
            if each.kind not in _NUMERIC:
                raise Refusal(f"invalid argument for {name} (type {shown(each)})")
        return arguments[0]

    return accepts


def shown(type_: Type) -> str:
    """A type where Go prints one that it may not have."""
    return "<nil>" if type_.kind == "nil" else "interface {}" if type_.is_unknown else type_.name


def plain(function: Callable[..., Value]) -> Call:
    """A function that makes nothing of any size."""

    def call(frame: Frame, *arguments: Value) -> Value:
        return function(*arguments)

    return call
