"""Label selectors as `kubectl -l` and the API take them: `app=web, tier in (front,back), !canary`.

The grammar and the error texts are those of k8s.io/apimachinery/pkg/labels. `gt` and `lt` parse there, but CoreDNS
refuses them in a Corefile ("isn't supported in label selectors"), and so does this.

An API server applies selectors itself and is given their text; `matches` is for objects that come from files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kdns.cluster import kinds
from kdns.cluster.kinds import Kind

_WORD: Final = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+|$)")
_SYMBOLS: Final = frozenset({"==", "!=", "=", "!", "(", ")", ",", "<", ">", ""})
_OPERATORS: Final = ("in", "notin", "=", "==", "!=", "gt", "lt")
_NAME: Final = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX: Final = re.compile(r"(?!.{254})[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class SelectorError(ValueError):
    """A text that is no label selector; the message says what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One condition on labels. `operator` is `in`, `notin`, `exists` or `!`; `values` is empty for the latter two."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Objects without the label match `notin`."""
        if self.operator == "in":
            return self.key in labels and labels[self.key] in self.values
        if self.operator == "notin":
            return self.key not in labels or labels[self.key] not in self.values
        return (self.key in labels) is (self.operator == "exists")

    def __str__(self) -> str:
        if self.operator == "exists":
            return self.key
        if self.operator == "!":
            return f"!{self.key}"
        if len(self.values) == 1:
            return f"{self.key}{'=' if self.operator == 'in' else '!='}{''.join(self.values)}"
        return f"{self.key} {self.operator} ({','.join(sorted(self.values))})"


@dataclass(frozen=True, slots=True)
class Selector:
    """Requirements that labels have to meet, all of them; none means every object. Its text is what the API takes."""

    requirements: tuple[Requirement, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "Selector":
        """Raises `SelectorError`."""
        return cls(tuple(sorted(_Parser(text).requirements(), key=str)))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of the cluster count: the `labels` and `namespace_labels` of a `kubernetes` directive.

    `namespace_labels` is for Namespaces alone: CoreDNS applies it to ServiceImports too, which looks like a mix-up
    (kubernetes.md sections 3.2 and 9).
    """

    labels: Selector = Selector()
    namespace_labels: Selector = Selector()

    def of(self, kind: Kind) -> Selector:
        """The selector for the objects of one kind, the label that makes them this kind included."""
        selector = self.namespace_labels if kind is kinds.NAMESPACES else self.labels
        if not kind.label:
            return selector
        return Selector((Requirement(kind.label, "exists"), *selector.requirements))


EVERYTHING: Final = Selection()
"""All objects of the cluster."""


class _Parser:
    def __init__(self, text: str) -> None:
        self._words: list[str] = _WORD.findall(text)[::-1]

    def requirements(self) -> list[Requirement]:
        found: list[Requirement] = []
        while self._next:
            if self._next in _SYMBOLS - {"!"}:
                raise SelectorError(f"found '{self._next}', expected: !, identifier, or 'end of string'")
            try:
                found.append(self._requirement())
            except SelectorError as error:
                raise SelectorError(f"unable to parse requirement: {error}") from None
            after = self._take()
            if after not in {",", ""}:
                raise SelectorError(f"found '{after}', expected: ',' or 'end of string'")
            if after and self._next in _SYMBOLS - {"!"}:
                raise SelectorError(f"found '{self._next}', expected: identifier after ','")
        return found

    @property
    def _next(self) -> str:
        return self._words[-1]

    def _take(self) -> str:
        return self._words.pop() if len(self._words) > 1 else self._words[0]

    def _requirement(self) -> Requirement:
        absent = self._next == "!"
        if absent:
            self._take()
        key = _valid_key(self._identifier())
        if absent or self._next in {",", ""}:
            return Requirement(key, "!" if absent else "exists")
        operator = self._take()
        if operator in {"in", "notin"}:
            return Requirement(key, operator, frozenset(map(_valid_value, self._values())))
        if operator in {"=", "==", "!="}:
            value = "" if self._next in {",", ""} else self._identifier()
            return Requirement(key, "notin" if operator == "!=" else "in", frozenset({_valid_value(value)}))
        if operator in {"<", ">"}:
            raise SelectorError(f'"{"gt" if operator == ">" else "lt"}" isn\'t supported in label selectors')
        raise SelectorError(f"found '{operator}', expected: {', '.join(_OPERATORS)}")

    def _identifier(self) -> str:
        word = self._take()
        if word in _SYMBOLS:
            raise SelectorError(f"found '{word}', expected: identifier")
        return word

    def _values(self) -> set[str]:
        """A set in parentheses; where nothing stands between two commas, the empty value is meant."""
        if (word := self._take()) != "(":
            raise SelectorError(f"found '{word}' expected: '('")
        values: set[str] = set()
        while True:
            values.add("" if self._next in {",", ")"} else self._identifier())
            word = self._take()
            if word == ")":
                return values
            if word != ",":
                raise SelectorError(f"found '{word}', expected: ',' or ')'")


def _valid_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if slash and not _PREFIX.fullmatch(prefix):
        raise SelectorError(f'Invalid value: "{key}": prefix part must be a lowercase DNS subdomain')
    if not _NAME.fullmatch(name):
        raise SelectorError(
            f"Invalid value: \"{key}\": name part must be 1 to 63 alphanumeric characters, '-', '_' or '.', "
            "and must start and end with an alphanumeric character"
        )
    return key


def _valid_value(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise SelectorError(
            f'Invalid value: "{value}": a valid label must be an empty string or 1 to 63 alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character"
        )
    return value
