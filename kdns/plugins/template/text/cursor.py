"""The items of a template one by one, with as much looking ahead as its grammar needs, and errors at them."""

from collections.abc import Container, Iterator
from contextlib import contextmanager

from kdns.plugins.template.text import literal
from kdns.plugins.template.text.errors import TemplateError
from kdns.plugins.template.text.lexer import Item, Lexer

MAX_NESTING = 50
"""Controls and parentheses inside one another."""


class Cursor:
    """Where the reading of one text stands, and which variables there are; `functions` are the names of those."""

    def __init__(self, name: str, text: str, functions: Container[str]) -> None:
        """`text` in octets."""
        self._name = name
        self._text = text
        self._functions = functions
        self._items = Lexer(text).items()
        self._last = Item("eof", 0, "EOF", 1)
        self._line = 1
        self._back: list[Item] = []
        self._variables = ["$"]
        self._nesting = 0
        self._action_line = 0

    def _next(self) -> Item:
        if self._back:
            self._last = self._back.pop()
        else:
            self._last = next(self._items, self._last)
            self._line = self._last.line
        return self._last

    def _peek(self) -> Item:
        item = self._next()
        self._back.append(item)
        return item

    def _next_word(self) -> Item:
        while (item := self._next()).kind == "space":
            pass
        return item

    def _peek_word(self) -> Item:
        item = self._next_word()
        self._back.append(item)
        return item

    def _expect(self, kind: str, context: str) -> Item:
        item = self._next_word()
        if item.kind != kind:
            raise self._unexpected(item, context)
        return item

    def _error(self, message: str) -> TemplateError:
        return TemplateError(f"template: {self._name}:{self._line}: {message}")

    def _unexpected(self, item: Item, context: str) -> TemplateError:
        if item.kind != "error":
            return self._error(f"unexpected {item} in {context}")
        where = ""
        if self._action_line not in (0, item.line):
            where = f" started at {self._name}:{self._action_line}"
            where = where if item.text.endswith(" action") else " in action" + where
        return self._error(f"{item}{where}")

    @contextmanager
    def _nested(self) -> Iterator[None]:
        if self._nesting >= MAX_NESTING:
            raise self._error("max expression depth exceeded")
        self._nesting += 1
        yield
        self._nesting -= 1

    def _unquoted(self, item: Item) -> str:
        try:
            return literal.unquote(item.text)
        except ValueError as error:
            raise self._error(str(error)) from error
