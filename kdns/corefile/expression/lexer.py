"""Text to tokens."""

import re
from collections.abc import Iterator
from typing import Final

from kdns.corefile.expression.literal import BadEscape, escape
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.token import Kind, Token
from kdns.corefile.expression.values import SPACE, quoted

_word: Final = re.compile(r"[^\W0-9][\w$]*|\$[\w$]*")
_operator: Final = re.compile(r"\?[.?]?|\|\|?|::?|[&!=*<>][&=*]?|\.\.?|[,;%+\-^/]|#")
_comment: Final = re.compile(r"//[^\n]*\n?|/\*.*?\*/", re.DOTALL)
_number: Final = re.compile(
    r"(?:0[xX][0-9a-fA-F_]*(?:\.(?!\.)[0-9a-fA-F_]*)?|0[oO][0-7_]*(?:\.(?!\.)[0-7_]*)?|0[bB][01_]*(?:\.(?!\.)[01_]*)?"
    r"|[0-9_]*(?:\.(?!\.)[0-9_]*)?)(?:[eE][+-]?[0-9_]*)?"
)
_WORDS: Final = frozenset(
    ("not", "in", "or", "and", "let", "if", "else", "matches", "contains", "startsWith", "endsWith")
)
_BRACKETS: Final = frozenset("()[]{}")


def tokens(text: str) -> Iterator[Token]:
    """The tokens of an expression, the last of them its end. Raises `Mistake`."""
    at = 0
    while at < len(text):
        char = text[at]
        if char in SPACE:
            at += 1
        elif char in "'\"":
            token, at = _string(text, at)
            yield token
        elif char == "`":
            token, at = _raw(text, at)
            yield token
        elif (comment := _comment.match(text, at)) is not None:
            at = comment.end()
        elif text.startswith("/*", at):
            raise Mistake("unclosed comment", len(text))
        else:
            token = _plain(text, at)
            yield token
            at += len(token.text)
    yield Token(Kind.END, "", max(len(text) - 1, 0))


def _plain(text: str, at: int) -> Token:
    """A token that is written as it is."""
    char = text[at]
    if char in _BRACKETS:
        return Token(Kind.BRACKET, char, at)
    if _is_digit(char) or (char == "." and _is_digit(text[at + 1 : at + 2])):
        return _a_number(text, at)
    if (word := _word.match(text, at)) is not None:
        if word[0] in ("b", "B") and text[word.end() : word.end() + 1] in ("'", '"'):
            raise Mistake("literals of bytes are not supported", at)
        return Token(Kind.OPERATOR if word[0] in _WORDS else Kind.IDENTIFIER, word[0], at)
    if (operator := _operator.match(text, at)) is not None:
        return Token(Kind.OPERATOR, operator[0], at)
    raise Mistake(f"unrecognized character: U+{ord(char):04X} '{char}'", at)


def _is_digit(char: str) -> bool:
    return "0" <= char <= "9"


def _a_number(text: str, at: int) -> Token:
    found = _number.match(text, at)
    end = found.end() if found else at
    if _word.match(text, end) or text[end : end + 1].isdecimal():
        raise Mistake(f"bad number syntax: {quoted(text[at : end + 1])}", end)
    return Token(Kind.NUMBER, text[at:end], at)


def _string(text: str, start: int) -> tuple[Token, int]:
    quote, at, parts = text[start], start + 1, []
    while text[at : at + 1] != quote:
        if at >= len(text) or text[at] == "\n":
            raise Mistake("literal not terminated", at)
        if text[at] == "\\":
            try:
                part, at = escape(text, at, quote)
            except BadEscape as error:
                raise Mistake(str(error), min(error.offset, len(text))) from error
        else:
            part, at = text[at], at + 1
        parts.append(part)
    return Token(Kind.STRING, "".join(parts), start), at + 1


def _raw(text: str, start: int) -> tuple[Token, int]:
    """A string between backquotes, in which two of them stand for one."""
    at = start + 1
    while True:
        at = text.find("`", at)
        if at < 0:
            raise Mistake("literal not terminated", len(text))
        if text[at + 1 : at + 2] != "`":
            return Token(Kind.STRING, text[start + 1 : at].replace("``", "`"), start), at + 1
        at += 2
