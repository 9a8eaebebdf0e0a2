"""What the names of an expression stand for, given by whoever reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kdns.corefile.expression.code import admits
from kdns.corefile.expression.frame import Fault
from kdns.corefile.expression.types import Type, function


@dataclass(frozen=True, slots=True)
class Function:
    """A function. `call` is given the subject of the evaluation, and values of the types of the parameters.

    It may raise `Fault`. `results` is how Go writes its results if an error is one of them.
    """

    parameters: tuple[Type, ...]
    result: Type
    call: Callable[..., Any]
    results: str = ""

    @property
    def type(self) -> Type:
        """The type of the function itself."""
        return function(self.parameters, self.result, self.results)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that depends on the subject of the evaluation."""

    type: Type
    read: Callable[[Any], Any]


Names = Mapping[str, Function | Variable]


class Bound:
    """A function that is a value: it was given a name, or put into an array."""

    __slots__ = ("_function", "_subject")

    def __init__(self, function_: Function, subject: Any) -> None:
        self._function = function_
        self._subject = subject

    def apply(self, arguments: Sequence[Any]) -> Any:
        """Call it. Raises `Fault` for arguments that it does not take."""
        parameters = self._function.parameters
        if len(arguments) != len(parameters):
            raise Fault(f"invalid number of arguments: expected {len(parameters)}, got {len(arguments)}")
        if not all(map(admits, parameters, arguments)):
            raise Fault("cannot use an argument")
        return self._function.call(self._subject, *arguments)


def apply(callee: Any, arguments: Sequence[Any]) -> Any:
    """Call a value. Raises `Fault` if it is no function."""
    if not isinstance(callee, Bound):
        raise Fault("invalid operation: cannot call what is no function")
    return callee.apply(arguments)
