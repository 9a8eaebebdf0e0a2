"""What is known of a value before there is one; names are Go's, which errors are written in.

A type is either known, or *unknown*: an element of a mixed array, a member of a map. What is unknown goes with
everything, and what comes of it shows when the expression is evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Optional


@dataclass(frozen=True, slots=True)
class Type:
    """A type. `element` is what an array or a map holds; functions have `parameters` and a `result`."""

    name: str
    kind: str
    element: Optional["Type"] = None
    parameters: tuple["Type", ...] | None = None
    result: Optional["Type"] = None

    def __str__(self) -> str:
        return self.name

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is known of it."""
        return self.kind == "unknown"

    @property
    def is_number(self) -> bool:
        """Whether it is an integer or a float."""
        return self.kind in ("int", "float")

    @property
    def is_array(self) -> bool:
        """Whether it is an array."""
        return self.kind == "array"

    def of(self) -> "Type":
        """The type of its elements."""
        return self.element or UNKNOWN


UNKNOWN: Final = Type("unknown", "unknown")
ANY: Final = Type("interface {}", "unknown")
NIL: Final = Type("unknown", "nil")
BOOL: Final = Type("bool", "bool")
INT: Final = Type("int", "int")
FLOAT: Final = Type("float64", "float")
STRING: Final = Type("string", "string")
ARRAY: Final = Type("[]interface {}", "array", ANY)
STRINGS: Final = Type("[]string", "array", STRING)
INTS: Final = Type("[]int", "array", INT)
FLOATS: Final = Type("[]float64", "array", FLOAT)
MAP: Final = Type("map[string]interface {}", "map", ANY)
ANY_MAP: Final = Type("map[interface {}]interface {}", "map", ANY)


def array_of(element: Type) -> Type:
    """An array of which the elements are known."""
    return Type(ARRAY.name, "array", element)


def function(parameters: Sequence[Type], result: Type, results: str = "") -> Type:
    """A function; `results` is how its results are written if there is an error among them."""
    name = f"func({', '.join([parameter.name for parameter in parameters])}) {results or result.name}"
    return Type(name, "func", None, tuple(parameters), result)


def assignable(value: Type, target: Type) -> bool:
    """Whether a value may go where one of the target type is wanted."""
    if value.kind == "nil":
        return target is ANY or target.kind in ("array", "map", "func")
    if value is UNKNOWN or target is UNKNOWN:
        return False
    return target is ANY or value.name == target.name


def comparable(left: Type, right: Type) -> bool:
    """Whether the two may be asked to be equal."""
    return (
        left.kind in ("unknown", "nil")
        or right.kind in ("unknown", "nil")
        or (left.is_number and right.is_number)
        or (left.is_array and right.is_array)
        or assignable(left, right)
    )


def compatible(left: Type, right: Type, *kinds: str) -> bool:
    """Whether the two may turn out to be of one of these kinds, one of them being unknown."""
    if left.is_unknown:
        return right.is_unknown or right.kind in kinds
    return right.is_unknown and left.kind in kinds


def map_key(map_: Type) -> Type:
    """What a map is asked with."""
    return STRING if map_.name == MAP.name else ANY
