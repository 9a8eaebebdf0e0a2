"""What templates compute with: Go's types as far as they can be told apart.

A string has one octet in each character (its UTF-8), as the language counts, cuts and compares octets: `octets` and
`readable` lead in and out. `None` is Go's invalid value: a key that a map does not have, or the constant `nil`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple

Value = Any
"""`None`, bool, int and the unsigned ones below, float, str, `Sequence`, `Table`, `Pointer` or `Nil`."""


class Unsigned(int):
    """An integer without sign."""

    __slots__ = ()


class Uint8(Unsigned):
    """One octet, as an index into a string gives."""

    __slots__ = ()


class Uint16(Unsigned):
    """16 bits, as types, classes and ids of messages have."""

    __slots__ = ()


class Uint64(Unsigned):
    """64 bits, as `parseInt` gives."""

    __slots__ = ()


class Nil(NamedTuple):
    """A pointer to nothing; `type` is Go's name of its type."""

    type: str


class Sequence(NamedTuple):
    """A slice of values of one type; `type` is Go's name for the slice."""

    type: str
    items: tuple[Value, ...]


class Table(NamedTuple):
    """A map with strings for keys; `type` is Go's name for it, `zero` what an index gives for a key that is not there.

    A field gives `None` for one.
    """

    items: Mapping[str, Value]
    type: str = "map[string]string"
    zero: Value = ""


class Function(NamedTuple):
    """A function: the types of its parameters, that of any number of further ones, and what it does.

    `call` takes the arguments and raises `CallError`.
    """

    fixed: tuple[str, ...]
    rest: str | None
    call: Callable[..., Value]


class Pointer(ABC):
    """A pointer to a struct: what fields and methods it has, each by its name."""

    __slots__ = ()
    TYPE: ClassVar[str]
    """Go's name of the type, with the star."""
    FIELDS: ClassVar[Mapping[str, Callable[[Any], Value]]] = {}
    """How to read each field."""
    METHODS: ClassVar[Mapping[str, Function]] = {}
    """Methods; `call` takes the pointer before the arguments."""

    @abstractmethod
    def show(self) -> str:
        """What is printed for it: the result of its method `String`, if it has one."""


ANY, VALUE, STRING, INT = "interface {}", "reflect.Value", "string", "int"
"""Types of parameters: the first two take everything, and differ in what they see for a value that is not there."""

_NAMES = {
    bool: "bool", int: "int", Uint8: "uint8", Uint16: "uint16", Uint64: "uint64", float: "float64", str: "string",
}  # fmt: skip


def octets(text: str) -> str:
    """A string as templates have it."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def readable(text: str) -> str:
    """A template's string as text again; what is no UTF-8 becomes a replacement character."""
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")


def type_name(value: Value) -> str:
    """Go's name for the type of a value."""
    if isinstance(value, Nil | Sequence | Table):
        return value.type
    return value.TYPE if isinstance(value, Pointer) else _NAMES.get(type(value), "<nil>")


def truth(value: Value) -> bool:
    """Whether a value is anything but the zero of its type."""
    if isinstance(value, Sequence | Table):
        return bool(value.items)
    return not isinstance(value, Nil) and (isinstance(value, Pointer) or bool(value))


def is_integer(value: Value) -> bool:
    """Whether a value is a whole number; a bool is none."""
    return isinstance(value, int) and not isinstance(value, bool)
