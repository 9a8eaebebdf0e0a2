"""The tree of a template. `str` of a node is its source in a normal form, as errors and metrics show it.

`at` is the place of a node in the source, in octets.
"""

from dataclasses import dataclass

from kdns.plugins.template.text.literal import Number


@dataclass(slots=True)
class Text:
    """Plain text."""

    at: int
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(slots=True)
class Constant:
    """A string or bool; `source` is how it is written."""

    at: int
    value: str | bool
    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(slots=True)
class Numeric:
    """A number or a character."""

    at: int
    value: Number
    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(slots=True)
class NilConstant:
    """`nil`."""

    at: int

    def __str__(self) -> str:
        return "nil"


@dataclass(slots=True)
class Dot:
    """The dot."""

    at: int

    def __str__(self) -> str:
        return "."


@dataclass(slots=True)
class Field:
    """Fields of the dot: `.A.B`."""

    at: int
    names: tuple[str, ...]

    def __str__(self) -> str:
        return "".join(["." + name for name in self.names])


@dataclass(slots=True)
class Variable:
    """A variable, its dollar in the name, and fields of it: `$x.A`."""

    at: int
    name: str
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((self.name, *self.names))


@dataclass(slots=True)
class Identifier:
    """A function."""

    at: int
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(slots=True)
class Chain:
    """Fields of what a pipeline, a function or `nil` gives: `(pipeline).A.B`."""

    at: int
    operand: "Operand"
    names: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((_inner(self.operand), *self.names))


@dataclass(slots=True)
class Command:
    """An operand alone, or a function or method with its arguments."""

    at: int
    words: list["Operand"]

    def __str__(self) -> str:
        return " ".join([_inner(word) for word in self.words])


@dataclass(slots=True)
class Pipeline:
    """Commands, each of which gets the result of the one before; maybe variables that get the last one's."""

    at: int
    variables: list[Variable]
    assigns: bool
    commands: list[Command]

    def __str__(self) -> str:
        sign = " = " if self.assigns else " := "
        left = ", ".join([str(variable) for variable in self.variables]) + sign if self.variables else ""
        return left + " | ".join([str(command) for command in self.commands])


@dataclass(slots=True)
class Action:
    """A pipeline whose result is printed."""

    at: int
    pipeline: Pipeline

    def __str__(self) -> str:
        return "{{" + str(self.pipeline) + "}}"


@dataclass(slots=True)
class Branch:
    """`if` or `with`, whatever `else if` or `else with` stands behind it, and the last `else`."""

    at: int
    word: str
    clauses: list[tuple[Pipeline, list["Node"]]]
    otherwise: list["Node"] | None

    def __str__(self) -> str:
        heads = [f"{{{{{self.word} {pipeline}}}}}{source(body)}" for pipeline, body in self.clauses]
        return "{{else}}".join(heads) + _otherwise(self.otherwise) + "{{end}}" * len(heads)


@dataclass(slots=True)
class Range:
    """A loop; `otherwise` is for nothing to go through."""

    at: int
    pipeline: Pipeline
    body: list["Node"]
    otherwise: list["Node"] | None

    def __str__(self) -> str:
        head = "{{range " + str(self.pipeline) + "}}"
        return f"{head}{source(self.body)}{_otherwise(self.otherwise)}{{{{end}}}}"


@dataclass(slots=True)
class Jump:
    """`break` or `continue`."""

    at: int
    word: str

    def __str__(self) -> str:
        return "{{" + self.word + "}}"


@dataclass(slots=True)
class Call:
    """`template`, or `block` where it stands; `nesting` is in how many controls it stands."""

    at: int
    name: str
    quoted: str
    pipeline: Pipeline | None
    nesting: int

    def __str__(self) -> str:
        return f"{{{{template {self.quoted}{f' {self.pipeline}' if self.pipeline else ''}}}}}"


Operand = Constant | Numeric | NilConstant | Dot | Field | Variable | Identifier | Chain | Pipeline
Node = Text | Action | Branch | Range | Jump | Call


@dataclass(slots=True)
class Tree:
    """A template by its name; `file` is the name, and `source` the text, of what it was found in."""

    name: str
    file: str
    source: str
    nodes: list[Node]

    def is_empty(self) -> bool:
        """Whether there is nothing but white space."""
        return all(isinstance(node, Text) and not node.text.strip() for node in self.nodes)


def source(nodes: list[Node]) -> str:
    """Nodes in a row, in normal form."""
    return "".join([str(node) for node in nodes])


def _inner(operand: Operand) -> str:
    return f"({operand})" if isinstance(operand, Pipeline) else str(operand)


def _otherwise(nodes: list[Node] | None) -> str:
    return "" if nodes is None else "{{else}}" + source(nodes)
