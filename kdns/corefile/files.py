"""The disk as a source of imported files.

A ConfigMap is mounted as a folder of links (`Corefile` -> `..data/Corefile`, `..data` -> a folder with a time in its
name), and a change swaps `..data` in one step. So a link is followed when its file is read, never kept, and wildcards
do not match names that begin with two dots, which are the mount's own (a key of a ConfigMap cannot begin so).
"""

import os
import posixpath
import re
import stat
from collections.abc import Sequence
from typing import Final

from kdns.corefile.errors import ConfigError
from kdns.corefile.lexer import place

MAX_FILE: Final = 1 << 20
"""Octets of one file; the API server accepts no bigger ConfigMap."""


class Disk:
    """Reads imported files, and the Corefile itself, from the disk. The methods block."""

    def absolute(self, path: str) -> str:
        """The path from the root, links kept. Raises OSError if the working directory is gone."""
        return os.path.abspath(path)

    def glob(self, pattern: str) -> Sequence[str]:
        """The existing paths that an absolute pattern names, as Go's filepath.Glob: `*` matches a leading dot."""
        paths = ["/"]
        for part in pattern.strip("/").split("/"):
            paths = [found for path in paths for found in _entries(path, part)]
        return paths

    def is_directory(self, path: str) -> bool:
        """True if the path, links followed, is a directory."""
        return os.path.isdir(path)

    def read(self, path: str) -> str:
        """A whole file, or all that a pipe (`-conf <(...)`) has.

        Raises OSError if it cannot be opened or is neither, ConfigError for more than `MAX_FILE` octets or bad UTF-8.
        """
        with open(path, "rb", opener=_open_at_once) as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISFIFO(mode):
                os.set_blocking(file.fileno(), True)
            elif not stat.S_ISREG(mode):
                raise OSError(None, "not a regular file", path)
            return decode(file.read(MAX_FILE + 1), path)


def decode(data: bytes, file: str) -> str:
    """The text of a Corefile. Raises ConfigError for more than `MAX_FILE` octets and, with its place, for bad UTF-8."""
    if len(data) > MAX_FILE:
        raise ConfigError(file, 1, 1, f"file is larger than {MAX_FILE} octets")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode().removeprefix("\ufeff")
        line, column = place(before, len(before))
        word = f"\\x{data[error.start]:02x}"
        raise ConfigError(file, line, column, f"not UTF-8: octet {word}", word=word) from error


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe without a writer is empty


def _entries(directory: str, part: str) -> list[str]:
    """What a part of a pattern names in a directory: a plain name if it exists, else all that match."""
    if "*" not in part and "?" not in part:
        path = posixpath.join(directory, part)
        return [path] if os.path.lexists(path) else []
    wanted = re.compile(re.escape(part).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
    try:
        names = os.listdir(directory)
    except (OSError, ValueError):  # as Go's: what cannot be listed matches nothing
        return []
    return [posixpath.join(directory, name) for name in sorted(names) if wanted.fullmatch(name) and name[:2] != ".."]
