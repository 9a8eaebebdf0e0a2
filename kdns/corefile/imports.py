"""What `import` names: a snippet, a file, or the files of a glob (spec corefile.md §4.4 and §4.5).

A snippet is looked for first. A file is named from the directory of the file in which the `import` stands, and read
once in a parse, whatever the number of its imports. Each expansion is a copy with a number of its own, so that no line
of it joins a line of another. What a copy came through is remembered: a snippet or a file inside itself would have no
end. The numbers of expansions are bounded as in CoreDNS, and here the words and the text of all imports as well, for a
few snippets that import each other twice make a million words.
"""

import posixpath
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from kdns.corefile.environment import Environment
from kdns.corefile.errors import ConfigWarning
from kdns.corefile.lexer import MAX_TOKENS, tokenize
from kdns.corefile.token import Token

MAX_SNIPPETS: Final = 10_000
"""Snippet expansions in one parse."""
MAX_FILES: Final = 100_000
"""Expansions of a file or a glob in one parse."""
MAX_DEPTH: Final = 1000
"""Imports inside each other."""
MAX_TEXT: Final = 1 << 24
"""Characters in all imported files of one parse."""

_TOO_DEEP: Final = "maximum {} import depth (10000) exceeded"  # the number is the same for files, as in CoreDNS


class Reader(Protocol):
    """Where imported files come from; `files.Disk` is the disk. Methods may raise OSError or ConfigError."""

    def absolute(self, path: str) -> str:
        """The path from the root, without `.` and `..`; symbolic links stay as they are."""

    def glob(self, pattern: str) -> Sequence[str]:
        """The existing paths that an absolute pattern names, in lexical order. `*` and `?` do not match a slash."""

    def is_directory(self, path: str) -> bool:
        """True if the path, symbolic links followed, is a directory."""

    def read(self, path: str) -> str:
        """The whole text of a file, bounded by the reader."""


class NoFiles:
    """A reader for a text that stands alone: every `import` of a file fails."""

    def absolute(self, path: str) -> str:
        """The path as it is."""
        return path

    def glob(self, pattern: str) -> Sequence[str]:
        """Nothing."""
        return ()

    def is_directory(self, path: str) -> bool:
        """Never."""
        return False

    def read(self, path: str) -> str:
        """Raise FileNotFoundError."""
        raise FileNotFoundError(2, "No such file or directory", path)


class _Link(NamedTuple):
    """What a copy is a copy of, and what its `import` stands in."""

    name: str
    outer: "_Link | None"


class Imports:
    """The snippets, files and budgets of one parse."""

    def __init__(self, reader: Reader, environment: Environment, warnings: list[ConfigWarning]) -> None:
        self._reader = reader
        self._environment = environment
        self._warnings = warnings
        self._snippets: dict[str, list[Token]] = {}
        self._globs: dict[str, Sequence[str]] = {}
        self._files: dict[str, list[Token]] = {}
        self._copies: list[_Link | None] = [None]
        self._snippet_count = 0
        self._file_count = 0
        self._tokens_left = MAX_TOKENS
        self._text_left = MAX_TEXT

    def define(self, key: Token, body: list[Token]) -> None:
        """Keep a snippet; `key` is its name in parentheses. Raises ConfigError if it is taken or imports itself."""
        name = key.text[1:-1]
        if name in self._snippets:
            raise key.error(f"redeclaration of previously declared snippet {name}")
        for index, token in enumerate(body[:-1]):
            starts_line = index == 0 or not token.continues(body[index - 1])
            if starts_line and token.text == "import" and self._environment.expand(body[index + 1]).text == name:
                raise token.error(_TOO_DEEP.format("snippet"))
        self._snippets[name] = body

    def expand(self, pattern: Token) -> list[Token]:
        """The tokens that take the place of an `import` with this argument.

        Raises ConfigError if nothing has the name, a file cannot be read, or a bound is passed.
        """
        name = self._environment.expand(pattern).text
        if not name:
            raise pattern.error("Import requires a non-empty filepath")
        if (snippet := self._snippets.get(name)) is not None:
            self._snippet_count += 1
            if self._snippet_count > MAX_SNIPPETS:
                raise pattern.error(_TOO_DEEP.format("snippet"))
            return self._copy(pattern, f"({name})", snippet, "snippet")
        self._file_count += 1
        if self._file_count > MAX_FILES:
            raise pattern.error(_TOO_DEEP.format("file"))
        tokens: list[Token] = []
        for path in self._matches(pattern, name):
            tokens += self._copy(pattern, path, self._tokens(pattern, path), "file")
        return tokens

    def _copy(self, pattern: Token, name: str, tokens: list[Token], kind: str) -> list[Token]:
        link = outer = self._copies[pattern.copy]
        depth = 0
        while link is not None:
            depth += 1
            if link.name == name or depth == MAX_DEPTH:
                raise pattern.error(_TOO_DEEP.format(kind))
            link = link.outer
        self._tokens_left -= len(tokens)
        if self._tokens_left < 0:
            raise pattern.error(f"more than {MAX_TOKENS} words in a configuration")
        copy = len(self._copies)
        self._copies.append(_Link(name, outer))
        return [token._replace(copy=copy) for token in tokens]

    def _matches(self, pattern: Token, name: str) -> Sequence[str]:
        try:
            base = posixpath.dirname(self._reader.absolute(pattern.file))
            path = posixpath.normpath(posixpath.join(base, name))
            if path.count("*") > 1 or path.count("?") > 1 or ("[" in path and "]" in path):
                raise pattern.error(f"Glob pattern may only contain one wildcard (*), but has others: {path}")
            if path not in self._globs:
                self._globs[path] = self._reader.glob(path)
        except OSError as error:
            raise pattern.error(f"Failed to use import pattern {name}: {_why(error)}") from error
        matches = self._globs[path]
        if not matches:
            if not any(wildcard in path for wildcard in "*?[]"):
                raise pattern.error(f"File to import not found: {name}")
            self._warnings.append(pattern.warning(f"No files matching import glob pattern: {name}"))
        return matches

    def _tokens(self, pattern: Token, path: str) -> list[Token]:
        if path not in self._files:
            text = self._text(pattern, path)
            self._text_left -= len(text)
            if self._text_left < 0:
                raise pattern.error(f"Could not import {path}: more than {MAX_TEXT} characters in imported files")
            self._files[path] = tokenize(text, path, self._warnings)
        return self._files[path]

    def _text(self, pattern: Token, path: str) -> str:
        try:
            if self._reader.is_directory(path):
                raise pattern.error(f"Could not import {path}: is a directory")
            return self._reader.read(path)
        except OSError as error:
            raise pattern.error(f"Could not import {path}: open {path}: {_why(error)}") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
