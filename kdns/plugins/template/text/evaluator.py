"""Carries a template out: text and printed values become the output, and every fault an error with its place."""

from collections.abc import Iterator, Mapping
from contextlib import suppress

from kdns.plugins.template.text.calls import Calls
from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.node import Action, Branch, Call, Jump, Node, Pipeline, Range, Text, Tree
from kdns.plugins.template.text.printf import MAX_TEXT
from kdns.plugins.template.text.printing import show
from kdns.plugins.template.text.state import Slot
from kdns.plugins.template.text.value import Nil, Sequence, Table, Value, is_integer, truth

MAX_DEPTH = 100
"""Controls around the calls of templates by each other."""


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


class Evaluator(Calls):
    """One execution of a template."""

    def __init__(self, trees: Mapping[str, Tree], tree: Tree, data: Value) -> None:
        super().__init__(tree, data)
        self._trees = trees
        self._data = data
        self._out: list[str] = []
        self._size = 0
        self._depth = 0

    def run(self) -> str:
        """The output, in octets. Raises `TemplateError`."""
        self._walk(self._tree.nodes, self._data)
        return "".join(self._out)

    def _walk(self, nodes: list[Node], dot: Value) -> None:
        for node in nodes:
            match node:
                case Text():
                    self._write(node.text)
                case Action():
                    self._on(node)
                    value = self._pipeline(node.pipeline, dot)
                    if not node.pipeline.variables:
                        self._node, self._at = node, node.at
                        self._write(_printed(value))
                case Branch():
                    self._branch(node, dot)
                case Range():
                    self._range(node, dot)
                case Call():
                    self._call_template(node, dot)
                case Jump():
                    raise _Break if node.word == "break" else _Continue

    def _branch(self, node: Branch, dot: Value) -> None:
        known = len(self._variables)
        for pipeline, body in node.clauses:
            value = self._pipeline(pipeline, dot)
            if truth(value):
                self._walk(body, value if node.word == "with" else dot)
                break
        else:
            if node.otherwise is not None:
                self._walk(node.otherwise, dot)
        del self._variables[known:]

    def _range(self, node: Range, dot: Value) -> None:
        known = len(self._variables)
        value = self._pipeline(node.pipeline, dot)
        inside = len(self._variables)
        ran = False
        try:
            for key, element in self._elements(node, value):
                ran = True
                self._spend(1)
                self._bind(node.pipeline, key, element)
                with suppress(_Continue):
                    self._walk(node.body, element)
                del self._variables[inside:]
        except _Break:
            pass
        if not ran and node.otherwise is not None:
            self._walk(node.otherwise, dot)
        del self._variables[known:]

    def _elements(self, node: Range, value: Value) -> Iterator[tuple[Value, Value]]:
        match value:
            case Sequence():
                yield from enumerate(value.items)
            case Table():
                yield from sorted(value.items.items())
            case None | Nil():
                return
            case _ if is_integer(value):
                if len(node.pipeline.variables) > 1:
                    raise self._error(f"can't use {show(value)} to iterate over more than one variable")
                yield from ((None, type(value)(number)) for number in range(value))
            case _:
                raise self._error(f"range can't iterate over {show(value)}")

    def _bind(self, pipeline: Pipeline, key: Value, element: Value) -> None:
        """Give the variables of a loop, one or two, their values of this turn."""
        values = (key, element) if len(pipeline.variables) > 1 else (element,)
        if pipeline.assigns:
            for variable, value in zip(pipeline.variables, values, strict=False):
                self._assign(variable.name, value)
        elif pipeline.variables:
            for slot, value in zip(reversed(self._variables), reversed(values), strict=False):
                slot.value = value

    def _call_template(self, node: Call, dot: Value) -> None:
        self._on(node)
        tree = self._trees.get(node.name)
        if tree is None:
            raise self._error(f"template {quote(node.name)} not defined")
        if self._depth + node.nesting >= MAX_DEPTH:
            raise self._error(f"exceeded maximum template depth ({MAX_DEPTH})")
        given = self._pipeline(node.pipeline, dot) if node.pipeline is not None else None
        outer = self._tree, self._variables
        self._tree, self._variables = tree, [Slot("$", given)]
        self._depth += node.nesting + 1
        self._walk(tree.nodes, given)
        self._depth -= node.nesting + 1
        self._tree, self._variables = outer

    def _write(self, text: str) -> None:
        self._size += len(text)
        if self._size > MAX_TEXT:
            raise self._error(f"output longer than {MAX_TEXT} octets")
        self._out.append(text)


def _printed(value: Value) -> str:
    return value if isinstance(value, str) else "<no value>" if value is None else show(value)
