"""Environment variables in the Corefile: `{$NAME}` and `{%NAME%}` inside a token (spec corefile.md §3).

A value is put in after lexing and not lexed again: with spaces in it the token stays one token, and it opens no block.
The token is then searched again from its start, so a value may refer to other variables. CoreDNS does that without an
end for one that refers to itself; here both the rounds a token takes and the text that all rounds write are bounded.
"""

from collections.abc import Mapping
from typing import Final

from kdns.corefile.token import Token

MAX_ROUNDS: Final = 1000
"""Replacements in one token."""
MAX_WRITTEN: Final = 1 << 23
"""Characters written by all replacements of one parse."""


class Environment:
    """The variables that one parse may put in; each parse needs a new one."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._left = MAX_WRITTEN

    def expand(self, token: Token) -> Token:
        """The token with every reference replaced; an unset variable is the empty text.

        Raises ConfigError for variables that refer to each other in a circle, for too much text, and for a value that
        is not UTF-8.
        """
        if "{%" not in token.text and "{$" not in token.text:
            return token
        text = self._replace(token, token.text, "{%", "%}")
        text = self._replace(token, text, "{$", "}")
        return token if text == token.text else token._replace(text=text, expanded=True)

    def _replace(self, token: Token, text: str, opening: str, closing: str) -> str:
        for _ in range(MAX_ROUNDS):
            start = text.find(opening)
            end = text.find(closing, start)
            # Looked for from the opening on, as in CoreDNS: `{%}` is an empty reference too, and that ends it all.
            if start < 0 or end <= start + len(opening):
                return text
            reference = text[start : end + len(closing)]
            value = self._value(token, reference[len(opening) : -len(closing)])
            self._left -= len(text) + text.count(reference) * (len(value) - len(reference))
            if self._left < 0:
                break
            text = text.replace(reference, value)
        raise token.error(f"environment variables in '{token.text}' give too much text or refer to themselves")

    def _value(self, token: Token, name: str) -> str:
        value = self._variables.get(name, "")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise token.error(f"the environment variable '{name}' is not UTF-8")
        return value
