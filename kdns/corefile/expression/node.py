"""The tree of an expression. `at` is the character that an error about a node is shown at."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Node:
    """Any node."""

    at: int


@dataclass(slots=True)
class Literal(Node):
    """A string, a number, true, false or nil (None)."""

    value: str | int | float | bool | None


@dataclass(slots=True)
class Name(Node):
    """A variable, a function, or a variable of `let`."""

    name: str


@dataclass(slots=True)
class Unary(Node):
    """`not x`, `!x`, `-x`, `+x`."""

    operator: str
    operand: Node


@dataclass(slots=True)
class Binary(Node):
    """Two operands."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Logical(Node):
    """A chain of `and`, or of `or`: as long as it may be, it is one level of the tree. `links` are its operators."""

    operator: str
    operands: list[Node]
    links: list[tuple[str, int]]


@dataclass(slots=True)
class Conditional(Node):
    """`condition ? yes : no`, and `if condition { yes } else { no }`."""

    condition: Node
    yes: Node
    no: Node


@dataclass(slots=True)
class Member(Node):
    """`base.name`, `base[key]`, and with `?.` only if the base is not nil."""

    base: Node
    key: Node
    optional: bool = False
    called: bool = False


@dataclass(slots=True)
class Chain(Node):
    """What ends with nil where a `?.` in it meets one."""

    node: Node


@dataclass(slots=True)
class Slice(Node):
    """`base[start:end]`."""

    base: Node
    start: Node | None
    end: Node | None


@dataclass(slots=True)
class Call(Node):
    """A call of something that was given a name, or of a member."""

    callee: Node
    arguments: list[Node]


@dataclass(slots=True)
class BuiltinCall(Node):
    """A call of a function of the language; `arguments` may hold one `Predicate`."""

    name: str
    arguments: list[Node]


@dataclass(slots=True)
class Predicate(Node):
    """What is asked of every element of a list."""

    node: Node


@dataclass(slots=True)
class Pointer(Node):
    """`#`, the element that a predicate is asked of; `#index` and `#acc`."""

    name: str


@dataclass(slots=True)
class Let(Node):
    """`let name = value; then`."""

    name: str
    value: Node
    then: Node


@dataclass(slots=True)
class Sequence(Node):
    """`a; b`: the last one's value."""

    nodes: list[Node]


@dataclass(slots=True)
class Array(Node):
    """`[a, b]`."""

    nodes: list[Node]


@dataclass(slots=True)
class Map(Node):
    """`{a: b}`."""

    pairs: list[tuple[Node, Node]] = field(default_factory=list)
