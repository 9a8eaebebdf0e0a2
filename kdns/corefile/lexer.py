r"""Corefile text to tokens (spec corefile.md §2).

White space separates tokens, `#` begins a comment, and a `"` that is the first character of a token opens a quoted one,
in which only `\"` is an escape. A carriage return outside quotes is as if it were not there. Nothing else has a meaning
here: braces, commas and `import` are words like any other.

Two oddities of CoreDNS are kept, for a file that loads there must load here: a `"` in mid token is literal, and a
comment glued to a token ends at the next white space (`10.0.0.1#53 10.0.0.2#53` is two words). The second is worth a
warning.
"""

import re
from collections.abc import Iterator
from typing import Final

from kdns.corefile.errors import ConfigError, ConfigWarning
from kdns.corefile.token import Token

MAX_TOKENS: Final = 1 << 18
"""Tokens in one configuration, imports included; more is an error. A ConfigMap (1 MiB) of usual words has fewer."""

# Go's unicode.IsSpace without the carriage return; Python's own `\s` has more.
_INLINE: Final = "\t\v\f \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_SPACE: Final = _INLINE + "\n"

# White space and comments, then one token; without a match the text has ended. The repeats are possessive, so the time
# is linear. An unterminated quote runs to the end of the text and loses a last lone backslash.
_token: Final = re.compile(
    rf"""
    (?: [{_SPACE}\r]++ | \#[^\n]*+ )*+
    (?: "(?P<quoted> (?: [^"\\]++ | \\. )*+ ) (?P<closing> " | \\?\Z )
      | (?P<word> [^{_SPACE}\#]++ ) (?P<comment> \#[^{_SPACE}]*+ )?
    )
    """,
    re.DOTALL | re.VERBOSE,
)
_GLUED: Final = "a comment glued to '{}' ends at the next white space: put white space before #"
_more_on_line: Final = re.compile(rf"[{_INLINE}\r]*+[^\n\#]")
_surrogate: Final = re.compile("[\ud800-\udfff]")


def tokenize(text: str, file: str, warnings: list[ConfigWarning]) -> list[Token]:
    """All tokens of a text. `file` is the name that errors show; oddities are added to `warnings`.

    Raises ConfigError for a text that is not Unicode (a lone surrogate) or has more than `MAX_TOKENS` tokens.
    """
    text = text.removeprefix("\ufeff")
    if (bad := _surrogate.search(text)) is not None:
        line, column = place(text, bad.start())
        raise ConfigError(file, line, column, "invalid character in the text")
    tokens: list[Token] = []
    for token in _tokens(text, file, warnings):
        tokens.append(token)
        if len(tokens) > MAX_TOKENS:
            raise token.error(f"more than {MAX_TOKENS} words in a configuration")
    return tokens


def place(text: str, position: int) -> tuple[int, int]:
    """The line and column, both from 1, of a position in a text."""
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _tokens(text: str, file: str, warnings: list[ConfigWarning]) -> Iterator[Token]:
    position, line, line_start = 0, 1, 0
    while (found := _token.match(text, position)) is not None:
        quoted = found["word"] is None
        begin = found.start("quoted") - 1 if quoted else found.start("word")
        if breaks := text.count("\n", position, begin):
            line += breaks
            line_start = text.rindex("\n", position, begin) + 1
        position = found.end()
        column = begin - line_start + 1
        if not quoted:
            token = Token(found["word"].replace("\r", ""), file, line, column)
            if found["comment"] is not None and _more_on_line.match(text, position) is not None:
                warnings.append(token.warning(f"{file}:{line} - {_GLUED.format(token.text)}"))
            yield token
        elif found["quoted"] or found["closing"] == '"':
            newlines = text.count("\n", begin, position)
            yield Token(found["quoted"].replace('\\"', '"'), file, line, column, newlines, quoted=True)
            if newlines:
                line += newlines
                line_start = text.rindex("\n", begin, position) + 1
