"""One evaluation: whom it is about, what is known by name in it, and how much work is left."""

from typing import Any, Final

MAX_WORK: Final = 50_000
"""Steps of one evaluation: elements looked at by predicates, and elements and characters of what is made."""


class Fault(Exception):
    """Why an expression has no value."""


class Scope:
    """A predicate at work: the element it is asked of, its index, and what `reduce` has come to."""

    __slots__ = ("acc", "index", "item")

    def __init__(self) -> None:
        self.item: Any = None
        self.index = 0
        self.acc: Any = None


class Frame:
    """`subject` is what the functions of the environment are asked about."""

    __slots__ = ("left", "scope", "subject", "variables")

    def __init__(self, subject: Any, variables: int) -> None:
        self.subject = subject
        self.variables: list[Any] = [None] * variables
        self.scope = Scope()
        self.left = MAX_WORK

    def spend(self, steps: int) -> None:
        """Count steps. Raises `Fault` when there have been too many."""
        self.left -= steps
        if self.left < 0:
            raise Fault("memory budget exceeded")
