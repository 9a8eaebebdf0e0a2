"""Master files on disk and the zones made of them.

Reading and parsing happen in a thread; the new zone is put in place, and what rested on the old one is forgotten, in
one tick of the loop. A file is parsed again only when it, or one it includes, is not the one that was parsed before.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Collection
from typing import NamedTuple

from kdns.chain.basis import Key
from kdns.chain.zone import Zone, build
from kdns.corefile.duration import format_duration
from kdns.wire import name
from kdns.wire.errors import WireError
from kdns.wire.zonetext import parse

log = logging.getLogger("kdns.file")

MAX_FILE = 64 << 20
"""Octets of a master file with all it includes."""

SHORTEST_RELOAD = 0.1
"""Seconds between two looks at the file, however short the configured time."""

Mark = tuple[int, int, int]
"""Inode, time of change in nanoseconds and size in octets, by which a change of a file is noticed."""


class LoadError(Exception):
    """A zone that cannot be had from its file; the text says why."""


class Loaded(NamedTuple):
    """A zone, and the files that it was made of."""

    zone: Zone
    marks: dict[str, Mark]


class Source:
    """One zone of one file: `zone` is what is served, `None` until it could be read. `reload` is in seconds."""

    def __init__(
        self, path: str, origin: bytes, reload: float, by_mtime: bool, forget: Callable[[Collection[Key]], None]
    ) -> None:
        self.key: Key = ("file", self)
        self.zone: Zone | None = None
        self._path = path
        self._origin = origin
        self._text = name.to_text(origin)
        self._reload = reload
        self._by_mtime = by_mtime
        self._forget = forget
        self._marks: dict[str, Mark] = {}

    async def start(self) -> None:
        """Read the file for the first time; raises `LoadError`, unless it cannot be opened but may be later."""
        try:
            await self._read()
        except OSError as error:
            if not self._reload:
                raise LoadError(_opening(error)) from error
            log.warning('Failed to open "%s": trying again in %s', _opening(error), format_duration(self._reload))

    async def follow(self) -> None:
        """Look at the file every so often, for ever. One that cannot be read leaves everything as it was."""
        while True:
            await asyncio.sleep(max(self._reload, SHORTEST_RELOAD))
            await self.look()

    async def look(self) -> None:
        """Read the file again if it changed."""
        try:
            if not await self._read():
                return
        except OSError as error:
            log.error('Failed to open zone "%s" in "%s": %s', self._text, self._path, _opening(error))
            return
        except LoadError as error:
            log.error('Parsing zone "%s": %s', self._text, error)
            return
        serial = self.zone.serial if self.zone else 0
        log.info('Successfully reloaded zone "%s" in "%s" with %d SOA serial', self._text, self._path, serial)

    async def _read(self) -> bool:
        """Whether there is another zone now."""
        found = await asyncio.to_thread(self._changed)
        if found is None:
            return False
        before, self._marks = self.zone, found.marks
        if before is not None and not self._by_mtime and before.serial == found.zone.serial:
            return False
        self.zone = found.zone
        self._forget([self.key])
        if found.zone.outside:
            log.warning('%d records in "%s" are outside zone "%s"', found.zone.outside, self._path, self._text)
        return True

    def _changed(self) -> Loaded | None:
        """The zone as the files have it, `None` if they are the same as before. Runs in a thread."""
        if self._marks and all(_mark(path) == mark for path, mark in self._marks.items()):
            return None
        return load(self._path, self._origin)


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
            raise WireError(f'failed to open "{path}": {error}') from error

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
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise LoadError(f'"{path}" is not UTF-8: {error}') from error


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold us up


def _mark(path: str) -> Mark | None:
    try:
        return _of(os.stat(path))
    except (OSError, ValueError):
        return None


def _of(status: os.stat_result) -> Mark:
    return status.st_ino, status.st_mtime_ns, status.st_size


def _opening(error: OSError) -> str:
    return f"open {error.filename}: {(error.strerror or str(error)).lower()}"
