"""Reading tokens, one ahead."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.node import Node
from kdns.corefile.expression.token import Kind, Token

N = TypeVar("N", bound=Node)
T = TypeVar("T")

MAX_NODES: Final = 10_000
"""Nodes of an expression, expr's own limit."""


class Reader:
    """The token that comes next, and how many nodes were made of those before."""

    def __init__(self, source: Iterator[Token]) -> None:
        self._source = source
        self._token = next(source)
        self._nodes = 0

    def _next(self) -> Token:
        """The token, which is then behind."""
        token = self._token
        if token.kind is not Kind.END:
            self._token = next(self._source)
        return token

    def expect(self, kind: Kind, *texts: str) -> Token:
        """Take a token that has to be there. Raises `Mistake`."""
        if not self._token.has(kind, *texts):
            raise self._unexpected()
        return self._next()

    def _takes(self, kind: Kind, *texts: str) -> bool:
        """Take a token if it is there."""
        found = self._token.has(kind, *texts)
        if found:
            self._next()
        return found

    def _unexpected(self) -> Mistake:
        return Mistake(f"unexpected token {self._token}", self._token.at)

    def _made(self, made: N) -> N:
        """Count a node. Raises `Mistake` for one too many."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Mistake("compilation failed: expression exceeds maximum allowed nodes", self._token.at)
        return made

    def _listed(self, closing: str, read: Callable[[], T]) -> Iterator[T]:
        """What stands between commas up to a bracket; there may be a comma behind the last."""
        while not self._takes(Kind.BRACKET, closing):
            yield read()
            if not self._token.has(Kind.BRACKET, closing):
                self.expect(Kind.OPERATOR, ",")
