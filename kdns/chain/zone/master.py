"""Master files on disk and the zones made of them.

Reading blocks, so it is done in a thread: `read` leaves everything as it is, and `take` then puts the new zone in
place, in one tick. A file is parsed again only when it, or one it includes, is not the one that was parsed before.
"""

import os
import stat
from typing import NamedTuple

from kdns.chain.basis import Key
from kdns.chain.zone.data import Zone, build
from kdns.wire import name
from kdns.wire.errors import WireError
from kdns.wire.zonetext import parse

MAX_FILE = 64 << 20
"""Octets of a master file with all it includes."""

Mark = tuple[int, int, int]
"""Inode, time of change in nanoseconds and size in octets, by which a change of a file is noticed."""


class LoadError(Exception):
    """A zone that cannot be had from its file; the text says why."""


class Loaded(NamedTuple):
    """A zone, and the files that it was made of."""

    zone: Zone
    marks: dict[str, Mark]


class MasterFile:
    """One zone of one file: `zone` is what is served, `None` until it could be read (`chain.zone.Held`)."""

    def __init__(self, path: str, origin: bytes, *, by_mtime: bool = False) -> None:
        self.key: Key = ("file", self)
        self.zone: Zone | None = None
        self.path = path
        self.text = name.to_text(origin)
        self._origin = origin
        self._by_mtime = by_mtime
        self._marks: dict[str, Mark] = {}

    def read(self) -> Loaded | None:
        """The zone as the files have it, `None` if they are the same as before. Blocks.

        Raises `OSError` if the file cannot be opened, and `LoadError`.
        """
        marks = self._marks
        if self.path in marks and all(_mark(path) == mark for path, mark in marks.items()):
            return None
        return load(self.path, self._origin)

    def take(self, loaded: Loaded) -> bool:
        """Put a zone that was read in place. Whether it is another one, whose key is to be forgotten now."""
        before, self._marks = self.zone, loaded.marks
        if before is not None and not self._by_mtime and before.serial == loaded.zone.serial:
            return False
        self.zone = loaded.zone
        return True

    @property
    def reloaded(self) -> str:
        """The line about a zone that was replaced, in CoreDNS's words."""
        serial = self.zone.serial if self.zone is not None else 0
        return f'Successfully reloaded zone "{self.text}" in "{self.path}" with {serial} SOA serial'


def load(path: str, origin: bytes) -> Loaded:
    """The zone of a file. Raises `OSError` if that file cannot be read, and `LoadError`."""
    reader = _Reader()
    text = reader.read(path)
    zone_name = name.to_text(origin)
    try:
        zone = build(origin, parse(text, origin, path, reader.include))
    except WireError as error:
        raise LoadError(f'failed to parse file "{path}" for origin {zone_name} with error {error}') from error
    if zone is None:
        raise LoadError(f'file "{path}" has no SOA record for origin {zone_name}')
    return Loaded(zone, reader.marks)


class _Reader:
    """Reads files, up to `MAX_FILE` octets in all, and remembers which."""

    def __init__(self) -> None:
        self.marks: dict[str, Mark] = {}
        self._left = MAX_FILE

    def include(self, path: str, by: str) -> tuple[str, str]:
        """Path and text of an included file, relative to the one that includes it; raises `WireError`."""
        path = os.path.join(os.path.dirname(by), path)
        try:
            return path, self.read(path)
        except (OSError, LoadError) as error:
            shown = path.encode(errors="backslashreplace").decode()
            raise WireError(f'failed to open "{shown}": {error}') from error

    def read(self, path: str) -> str:
        """Text of a file; raises `OSError` and `LoadError`."""
        try:
            with open(path, "rb", opener=_open) as file:
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise LoadError(f'"{path}" is not a file')
                content = file.read(self._left + 1)
        except ValueError as error:
            raise LoadError(f"bad file name {path!r}: {error}") from error
        self._left -= len(content)
        if self._left < 0:
            raise LoadError(f'"{path}" makes more than {MAX_FILE} octets')
        self.marks[path] = _of(status)
        # Octets that are not UTF-8 stay what they are: CoreDNS reads octets, and old files have Latin-1 in comments.
        return content.decode("utf-8-sig", "surrogateescape")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold us up


def _mark(path: str) -> Mark | None:
    try:
        return _of(os.stat(path))
    except (OSError, ValueError):
        return None


def _of(status: os.stat_result) -> Mark:
    return status.st_ino, status.st_mtime_ns, status.st_size


def opening(error: OSError) -> str:
    """Go's words for a file that cannot be opened."""
    return f"open {error.filename}: {(error.strerror or str(error)).lower()}"
