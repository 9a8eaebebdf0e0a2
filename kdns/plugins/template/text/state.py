"""What one execution of a template knows: where it is, its variables, and how much it may still do.

What a query can make a template do is bounded: steps, octets of output and of every string on the way, and how deep
templates call each other. Go has a bound for the last only.
"""

from dataclasses import dataclass

from kdns.plugins.template.text.errors import TemplateError
from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.node import Command, Node, Operand, Tree
from kdns.plugins.template.text.printf import MAX_TEXT
from kdns.plugins.template.text.value import Value

MAX_STEPS = 10_000
"""Nodes evaluated, and each 64 octets made, in one execution: some milliseconds."""


@dataclass(slots=True)
class Slot:
    """A variable that is in scope."""

    name: str
    value: Value


class State:
    """One execution so far."""

    def __init__(self, tree: Tree, data: Value) -> None:
        self._tree = tree
        self._node: object = tree
        self._at = 0
        self._variables = [Slot("$", data)]
        self._steps = MAX_STEPS

    def _error(self, message: str) -> TemplateError:
        source, name = self._tree.source[: self._at], self._tree.name
        line, column = source.count("\n") + 1, self._at - (source.rfind("\n") + 1)
        place = f"{self._tree.file}:{line}:{column}"
        return TemplateError(f"template: {place}: executing {quote(name)} at <{self._node}>: {message}")

    def _on(self, node: Operand | Node | Command) -> None:
        """Note where we are, and that a step is taken."""
        self._node, self._at = node, node.at
        self._spend(1)

    def _spend(self, steps: int) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise self._error(f"exceeded the {MAX_STEPS} steps of an execution")

    def _made(self, value: Value) -> Value:
        """What a function made, if it is not too long."""
        if isinstance(value, str):
            if len(value) > MAX_TEXT:
                raise self._error(f"text longer than {MAX_TEXT} octets")
            self._spend(len(value) >> 6)
        return value

    def _assign(self, name: str, value: Value) -> None:
        self._slot(name).value = value

    def _slot(self, name: str) -> Slot:
        for slot in reversed(self._variables):
            if slot.name == name:
                return slot
        raise self._error(f"undefined variable: {name}")
