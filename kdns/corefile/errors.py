"""Configuration errors: what is wrong, and the file, line, column and word where it is.

`str(error)` is CoreDNS's own text (operators and their scripts search for it); the column and the word, which that text
does not always have, are attributes. A setup error names its plugin in front (spec corefile.md §4.3).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Which of CoreDNS's texts an error has; the value stands between the place and the message."""

    PARSE = "Error during parsing: "
    SYNTAX = "Syntax error: "
    KEY = "error inspecting server blocks: "


MAX_MESSAGE: Final = 1000
"""Characters of a message: a forgotten quote makes the rest of the text one word."""


class ConfigError(Exception):
    """One mistake in a configuration. `line` and `column` count from 1; `plugin` is empty outside plugin setups."""

    def __init__(
        self,
        file: str,
        line: int,
        column: int,
        message: str,
        *,
        word: str = "",
        kind: Kind = Kind.PARSE,
        plugin: str = "",
    ) -> None:
        if len(message) > MAX_MESSAGE:
            message = message[:MAX_MESSAGE] + "..."
        super().__init__(message)
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.word = word
        self.kind = kind
        self.plugin = plugin

    def __str__(self) -> str:
        prefix = f"plugin/{self.plugin}: " if self.plugin else ""
        return f"{prefix}{self.file}:{self.line} - {self.kind.value}{self.message}"

    def within(self, plugin: str) -> "ConfigError":
        """The same error as one of this plugin's setup; an error that names a plugin already stays as it is."""
        if self.plugin:
            return self
        return ConfigError(
            self.file, self.line, self.column, self.message, word=self.word, kind=self.kind, plugin=plugin
        )


@dataclass(frozen=True, slots=True)
class ConfigWarning:
    """Something odd that does not keep a configuration from loading; its `str` is the text to log."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return self.message
