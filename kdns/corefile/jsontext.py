"""JSON as far as a ConfigMap's keys have it: strings in lists, and such lists in an object, with the place of each.

The standard reader knows a place for its own errors only, takes the last of two equal names without a word, and goes
down as deep as a text asks it to. This one reads two shapes and nothing else. `null` is an empty value, as in Go.
"""

import re
from collections.abc import Callable
from json import JSONDecodeError, JSONDecoder
from typing import Final, TypeVar

from kdns.corefile.errors import ConfigError
from kdns.corefile.token import Token

T = TypeVar("T")

_blanks: Final = re.compile(r"[ \t\n\r]*")
_decoder: Final = JSONDecoder()


def strings(text: str, file: str, key: str) -> list[Token]:
    """`["a", "b"]`. `file` and `key` are what errors name. Raises ConfigError."""
    return _Reader(text, file, key).whole(_Reader.strings)


def lists(text: str, file: str, key: str) -> list[tuple[Token, list[Token]]]:
    """`{"name": ["a", "b"]}`, in the order of the text and with names as often as they stand there.

    Raises ConfigError.
    """
    return _Reader(text, file, key).whole(_Reader.lists)


class _Reader:
    def __init__(self, text: str, file: str, key: str) -> None:
        self._text = text
        self._file = file
        self._key = key
        self._position = 0
        self._line = 1
        self._line_start = 0

    def whole(self, value: Callable[["_Reader"], T]) -> T:
        """One value and nothing behind it."""
        found = value(self)
        if self._peek():
            raise self._unexpected("the end")
        return found

    def strings(self) -> list[Token]:
        return self._items("[", "]", "a list of strings", self._string)

    def lists(self) -> list[tuple[Token, list[Token]]]:
        return self._items("{", "}", "an object of lists of strings", self._member)

    def _member(self) -> tuple[Token, list[Token]]:
        name = self._string()
        if not self._take(":"):
            raise self._unexpected("':'")
        return name, self.strings()

    def _items(self, opening: str, closing: str, what: str, item: Callable[[], T]) -> list[T]:
        found: list[T] = []
        if self._take("null"):
            return found
        if not self._take(opening):
            raise self._unexpected(what)
        if self._take(closing):
            return found
        while True:
            found.append(item())
            if self._take(closing):
                return found
            if not self._take(","):
                raise self._unexpected(f"',' or '{closing}'")

    def _string(self) -> Token:
        if self._peek() != '"':
            raise self._unexpected("a string")
        begin, column = self._position, self._column
        try:
            text, self._position = _decoder.raw_decode(self._text, begin)
        except JSONDecodeError as error:
            self._position = error.pos
            raise self._wrong(error.msg) from error
        return Token(text, self._file, self._line, column)

    def _take(self, word: str) -> bool:
        self._peek()
        if not self._text.startswith(word, self._position):
            return False
        self._position += len(word)
        return True

    def _peek(self) -> str:
        """The next character that is no blank, empty at the end."""
        end = blanks.end() if (blanks := _blanks.match(self._text, self._position)) else self._position
        if breaks := self._text.count("\n", self._position, end):
            self._line += breaks
            self._line_start = self._text.rindex("\n", self._position, end) + 1
        self._position = end
        return self._text[end : end + 1]

    @property
    def _column(self) -> int:
        return self._position - self._line_start + 1

    def _unexpected(self, expected: str) -> ConfigError:
        found = self._peek()
        return self._wrong(f"{ascii(found) if found else 'the text ends'} where {expected} should stand")

    def _wrong(self, message: str) -> ConfigError:
        place = Token("", self._file, self._line, self._column)
        return fault(self._key, place, f"not the JSON that is read here: {message}")


def fault(key: str, place: Token, message: str) -> ConfigError:
    """The error for what stands in the JSON of a key: the text says where, as the file alone does not."""
    return place.error(f"{key}, line {place.line}, column {place.column}: {message}")
