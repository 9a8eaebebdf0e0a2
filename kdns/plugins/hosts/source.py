"""The hosts file and the inline lines, and how the one is followed.

Reading and parsing happen in a thread; the new table is put in place, and what rested on the old one is forgotten, in
one tick of the loop.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Callable, Collection
from typing import NamedTuple

from kdns.chain.basis import Key
from kdns.metrics import Registry
from kdns.plugins.hosts.table import Table

log = logging.getLogger("kdns.hosts")

MAX_FILE = 64 << 20
"""Octets of a hosts file."""

SHORTEST_RELOAD = 0.1
"""Seconds between two looks at the file, however short the configured time."""

Mark = tuple[int, int]
"""Time of change in nanoseconds and size in octets, by which a change of the file is noticed."""


class Source:
    """The tables in force: `tables` are the file's and the inline one."""

    def __init__(
        self,
        path: str,
        parse: Callable[[str], Table],
        inline: Table,
        registry: Registry,
        forget: Callable[[Collection[Key]], None],
    ) -> None:
        self.key: Key = ("hosts", self)
        self.tables = (Table(), inline)
        self._path = path
        self._parse = parse
        self._forget = forget
        self._mark: Mark | None = None
        text = "The combined number of entries in hosts and Corefile."
        self._entries = registry.gauge("coredns_hosts_entries", text, "hostsfile")
        text = "The timestamp of the last reload of hosts file."
        self._timestamp = registry.gauge("coredns_hosts_reload_timestamp_seconds", text)

    async def follow(self, reload: float) -> None:
        """Look at the file every `reload` seconds, for ever."""
        while True:
            await asyncio.sleep(max(reload, SHORTEST_RELOAD))
            await self.read()

    async def read(self) -> None:
        """Read the file if it changed. One that cannot be read leaves everything as it was (`plugins.md`, hosts)."""
        try:
            found = await asyncio.to_thread(self._changed)
        except (OSError, ValueError):
            return
        if found is None:
            return
        self._mark = found.mark
        if found.table is not None:
            self.tables = (found.table, self.tables[1])
            self._forget([self.key])
        self._entries.child(self._path).set(found.entries)
        self._timestamp.child().set(found.mark[0] / 10**9)

    def _changed(self) -> "Found | None":
        """What the file says now, `None` if it is the same file as before. Runs in a thread: all of it takes time."""
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO must not hold us up
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            mark = (status.st_mtime_ns, status.st_size)
            if mark == self._mark or not stat.S_ISREG(status.st_mode):
                return None
            content = file.read(MAX_FILE + 1)
        before, inline = self.tables
        if len(content) > MAX_FILE:
            log.warning("Hosts file %s is larger than %d octets and not read", self._path, MAX_FILE)
            return Found(mark, None, len(before) + len(inline))
        table = self._parse(content.decode(errors="replace"))
        return Found(mark, None if table == before else table, len(table) + len(inline))


class Found(NamedTuple):
    """A file that was read: its mark, its table if that is another one than before, and how many entries there are."""

    mark: Mark
    table: Table | None
    entries: int
