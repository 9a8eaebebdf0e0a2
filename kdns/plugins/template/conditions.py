"""`var` and `expr`: expressions about a query that has matched (`kdns.corefile.expression`).

They may ask what those of `view` ask, the groups of the match, and the variables that were set before them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kdns.chain.facts import FACTS
from kdns.chain.query import Query
from kdns.corefile.expression import STRING, UNKNOWN, Expression, Fault, Function, Type, Variable
from kdns.corefile.expression.compiler import RESERVED
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.node import Name
from kdns.corefile.expression.parser import parse
from kdns.corefile.expression.types import ANY
from kdns.plugins.template.data import Matched
from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.value import Sequence, Table, Value, octets, readable

MAX_ELEMENTS = 10_000
"""Elements of the arrays and maps that one query gives to its templates."""

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(slots=True)
class Subject:
    """Whom expressions are asked about; `values` are those of the variables so far."""

    query: Query
    matched: Matched
    values: dict[str, Any]


def _group(subject: Subject, key: object) -> str:
    if type(key) is int:
        key = str(key)
    return subject.matched.named().get(key, "") if isinstance(key, str) else ""


def _about(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda subject, *arguments: call(subject.query, *arguments)


_NAMES: dict[str, Function | Variable] = {
    name: replace(function, call=_about(function.call)) for name, function in FACTS.items()
}
_NAMES["group"] = Function((ANY,), STRING, _group)


@dataclass(frozen=True, slots=True)
class Conditions:
    """The variables of a directive, in order, and what has to be true."""

    variables: tuple[tuple[str, Expression], ...] = ()
    expressions: tuple[Expression, ...] = ()

    def hold(self, query: Query, matched: Matched) -> Table | None:
        """The variables as templates see them, `None` if an expression is not true. Raises `Fault`."""
        if not self.variables and not self.expressions:
            return _NOTHING
        subject = Subject(query, matched, {})
        for name, expression in self.variables:
            subject.values[name] = expression.evaluate(subject)
        for expression in self.expressions:
            if expression.evaluate(subject) is not True:
                return None
        shown = _Shown()
        return _table({name: shown.value(value) for name, value in subject.values.items()})


class Environment:
    """Reads the expressions of one directive, which see the variables in front of them."""

    def __init__(self) -> None:
        self._names = dict(_NAMES)
        self._variables: list[tuple[str, Expression]] = []
        self._expressions: list[Expression] = []

    def variable(self, name: str, text: str) -> None:
        """`var NAME EXPRESSION`. Raises ValueError with CoreDNS's text."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"invalid variable name {readable(quote(octets(name)))}")
        if name in self._names or name in RESERVED or not _is_identifier(name):
            raise ValueError(f"variable name {quote(name)} is reserved")
        try:
            expression = Expression(text, self._names)
        except ValueError as error:
            raise ValueError(f"could not compile expression: {name}, {error}") from error
        self._names[name] = Variable(_known(expression.type), lambda subject: subject.values[name])
        self._variables.append((name, expression))

    def condition(self, text: str) -> None:
        """`expr EXPRESSION`. Raises ValueError with CoreDNS's text."""
        try:
            self._expressions.append(Expression(text, self._names))
        except ValueError as error:
            raise ValueError(f"could not compile expression: {error}") from error

    def conditions(self) -> Conditions:
        """What was read."""
        return Conditions(tuple(self._variables), tuple(self._expressions))


def _is_identifier(name: str) -> bool:
    """Whether a name is one in the language too: no keyword, no constant."""
    try:
        tree = parse(name, RESERVED)
    except Mistake:
        return False
    return isinstance(tree, Name) and tree.name == name


def _known(type_: Type) -> Type:
    return UNKNOWN if type_.kind == "nil" else type_


class _Shown:
    """Makes values of expressions values of templates, up to so many elements."""

    def __init__(self) -> None:
        self._left = MAX_ELEMENTS

    def value(self, value: Any) -> Value:
        """Raises `Fault` for what is too much, or a function."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return octets(value)
            case list() | range():
                self._spend(len(value))
                return Sequence("[]interface {}", tuple([self.value(each) for each in value]))
            case dict():
                self._spend(len(value))
                return _table({octets(str(key)): self.value(each) for key, each in value.items()})
        raise Fault("a function is no value of a variable")

    def _spend(self, elements: int) -> None:
        self._left -= elements
        if self._left < 0:
            raise Fault(f"more than {MAX_ELEMENTS} elements")


def _table(items: dict[str, Value]) -> Table:
    return Table(items, "map[string]interface {}", None)


_NOTHING = _table({})
