"""One line of a directive, read word by word: the directive with its arguments, or an option in its block.

An error stands at the word that was read last, and has CoreDNS's text. A reader's `wrong` is the text for a word that
cannot be read, `outside` the one for a value out of bounds; `{word}` and `{error}` in them are filled in.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

from kdns.corefile.address import MAX_ZONES, normalize_zone
from kdns.corefile.duration import format_duration, parse_duration
from kdns.corefile.errors import ConfigError
from kdns.corefile.occurrence import Words
from kdns.corefile.regexp import Regexp
from kdns.corefile.token import Token
from kdns.corefile.values import Network, parse_host_port, parse_integer, parse_network, parse_number

T = TypeVar("T")


class Line:
    """A directive or an option with its arguments, which are read one after the other."""

    __slots__ = ("_block", "_options", "_plugin", "_position", "_words")

    def __init__(self, words: Words, block: tuple[Words, ...] | None, plugin: str) -> None:
        self._words = words
        self._block = block
        self._plugin = plugin
        self._position = 0
        self._options: list[Line] = []

    @property
    def name(self) -> str:
        """The first word."""
        return self._words[0].text

    @property
    def token(self) -> Token:
        """The word read last, for what has to be said about it later."""
        return self._words[self._position]

    @property
    def more(self) -> int:
        """How many arguments are not read yet."""
        return len(self._words) - 1 - self._position

    @property
    def has_block(self) -> bool:
        """True if a brace opens at the end of the line."""
        return self._block is not None

    def peek(self) -> str | None:
        """The next argument, which stays; None at the end of the line."""
        return self._words[self._position + 1].text if self.more else None

    def text(self) -> str:
        """The next argument. Raises ConfigError at the end of the line."""
        if not self.more:
            raise self.wrong_count()
        self._position += 1
        return self._words[self._position].text

    def words(self) -> Iterator[str]:
        """The arguments that are left, one by one, so that an error in between stands at the right one."""
        while self.more:
            yield self.text()

    def rest(self) -> tuple[str, ...]:
        """All arguments that are left, maybe none."""
        return tuple(self.words())

    def some(self) -> tuple[str, ...]:
        """All arguments that are left. Raises ConfigError if there is none."""
        return (self.text(), *self.words())

    def end(self) -> None:
        """Raise ConfigError if an argument is left."""
        if self.more:
            self.text()
            raise self.wrong_count()

    def at_most(self, count: int) -> None:
        """Raise ConfigError at the last argument if more than `count` are left."""
        if self.more > count:
            self.rest()
            raise self.wrong_count()

    def block(self) -> Iterator["Line"]:
        """The lines of the block, each as an option; none without a block."""
        self._options.clear()
        for words in self._block or ():
            self._options.append(Line(words, None, self._plugin))
            yield self._options[-1]

    def integer(
        self, low: int | None = None, high: int | None = None, *, wrong: str = "{error}", outside: str = ""
    ) -> int:
        """A whole number, both bounds included."""
        value = self._read(parse_integer, wrong)
        self._bound(value, low, high, str, outside)
        return value

    def number(
        self, low: float | None = None, high: float | None = None, *, wrong: str = "{error}", outside: str = ""
    ) -> float:
        """A decimal number, both bounds included; never infinite, never NaN."""
        value = self._read(parse_number, wrong)
        self._bound(value, low, high, "{:g}".format, outside)
        return value

    def duration(
        self, low: float | None = None, high: float | None = None, *, wrong: str = "{error}", outside: str = ""
    ) -> float:
        """Seconds, both bounds included."""
        value = self._read(parse_duration, wrong)
        self._bound(value, low, high, format_duration, outside)
        return value

    def address(self, *, wrong: str = "{error}") -> tuple[str, int]:
        """`HOST:PORT` as host, which may be empty, and port."""
        return self._read(parse_host_port, wrong)

    def network(self, *, bare: bool = False, wrong: str = "{error}") -> Network:
        """A prefix of addresses; with `bare` a single address too."""
        return self._read(lambda text: parse_network(text, bare=bare), wrong)

    def regexp(self, *, wrong: str = "{error}") -> Regexp:
        """A regular expression in RE2 syntax; too long a one has an error text of its own."""
        text = self.peek() or ""
        if (length := len(text.encode())) > Regexp.MAX_LENGTH:
            self.text()
            raise self.error(f"regex pattern too long: {length} > {Regexp.MAX_LENGTH}")
        return self._read(Regexp, wrong)

    def zones(self, default: tuple[str, ...]) -> tuple[str, ...]:
        """All arguments that are left as zones, prefixes split, bad names passed over; `default` if none is left."""
        if not self.more:
            return default
        zones: list[str] = []
        for word in self.words():
            zones += normalize_zone(word)
            if len(zones) > MAX_ZONES:
                raise self.error(f"more than {MAX_ZONES} zones")
        return tuple(zones)

    def error(self, message: str) -> ConfigError:
        """An error at the word read last."""
        return self.token.error(message, plugin=self._plugin)

    def wrong_count(self) -> ConfigError:
        """The error for too few or too many arguments."""
        return self.token.wrong_count(self._plugin)

    def unknown_property(self) -> ConfigError:
        """The error for an option that there is not."""
        return self._words[0].error(f"unknown property '{self.name}'", plugin=self._plugin)

    def unexpected(self, expecting: str) -> ConfigError:
        """A syntax error at the word read last."""
        return self.token.unexpected(expecting, self._plugin)

    def finish(self) -> None:
        """Raise ConfigError for an argument or an option that was not read."""
        self.end()
        for option in self._options:
            option.finish()
        if self._block is not None and len(self._options) < len(self._block):
            raise Line(self._block[len(self._options)], None, self._plugin).unknown_property()

    def _read(self, read: Callable[[str], T], wrong: str) -> T:
        text = self.text()
        try:
            return read(text)
        except ValueError as error:
            raise self.error(wrong.format(word=text, error=error)) from error

    def _bound(
        self, value: float, low: float | None, high: float | None, show: Callable[[float], str], outside: str
    ) -> None:
        if (low is None or value >= low) and (high is None or value <= high):
            return
        word = self.token.text
        if outside:
            raise self.error(outside.format(word=word))
        if low is not None and high is not None:
            raise self.error(f"{self.name} must be in range [{show(low)}, {show(high)}]: {word}")
        raise self.error(
            f"{self.name} must be {f'>= {show(low)}' if low is not None else f'<= {show(high or 0)}'}: {word}"
        )
