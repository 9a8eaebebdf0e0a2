"""The words of an expression."""

from enum import StrEnum
from typing import NamedTuple

from kdns.corefile.expression.values import quoted


class Kind(StrEnum):
    """What a token is; the value is what errors call it."""

    IDENTIFIER = "Identifier"
    NUMBER = "Number"
    STRING = "String"
    OPERATOR = "Operator"
    BRACKET = "Bracket"
    END = "EOF"


class Token(NamedTuple):
    """A token, the character where it begins, and its text; a string's is what it stands for."""

    kind: Kind
    text: str
    at: int

    def has(self, kind: Kind, *texts: str) -> bool:
        """Whether it is of a kind, and one of these texts if any are given."""
        return self.kind is kind and (not texts or self.text in texts)

    def __str__(self) -> str:
        return f"{self.kind}({quoted(self.text)})" if self.text else str(self.kind)
