"""The zones of a directory, kept as the directory is: files appear, change and go.

Files are read in a thread, one after the other. A zone that changed is replaced in the tick in which its key is
forgotten; zones that are new or gone count all at once, when the directory was gone through.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from kdns.chain.zone.master import LoadError, MasterFile, opening
from kdns.plugins.auto.scan import Naming, scan
from kdns.wire import name

log = logging.getLogger("kdns.auto")
file_log = logging.getLogger("kdns.file")
"""CoreDNS logs the lines about zones that are followed under this name."""

SHORTEST_RELOAD = 0.1
"""Seconds between two looks at the directory, however short the configured time."""


class Directory:
    """`zones` has the file of every zone that is served.

    `settled` is called with them in the tick in which some were added or taken away, `changed` with the zone and its
    file in the tick in which it was replaced, and `loaded` with every new one afterwards.
    """

    def __init__(
        self,
        path: str,
        naming: Naming,
        settled: Callable[[Mapping[bytes, MasterFile]], None],
        changed: Callable[[bytes, MasterFile], None],
        loaded: Callable[[bytes], None],
    ) -> None:
        self.zones: dict[bytes, MasterFile] = {}
        self._path = path
        self._naming = naming
        self._settled = settled
        self._changed = changed
        self._loaded = loaded
        self._said: list[str] = []

    async def follow(self, seconds: float) -> None:
        """Look every so often, for ever."""
        while True:
            await asyncio.sleep(max(seconds, SHORTEST_RELOAD))
            await self.look()

    async def look(self) -> None:
        """Go through the directory once."""
        found = await asyncio.to_thread(scan, self._path, self._naming)
        self._warn(found.warnings)
        zones = {origin: file for origin, file in self.zones.items() if origin in found.files or not found.whole}
        for origin, path in found.files.items():
            file = zones.get(origin)
            if file is not None:
                file.path = path
                await self._look_again(origin, file)
            else:
                new = MasterFile(path, origin)
                if await self._load(new):
                    zones[origin] = new
        self._settle(zones)

    def _settle(self, zones: dict[bytes, MasterFile]) -> None:
        before, self.zones = self.zones, zones
        if zones.keys() == before.keys():
            return
        self._settled(zones)
        for origin, file in zones.items():
            if origin not in before:
                log.info("Inserting zone `%s' from: %s", file.text, file.path)
                self._loaded(origin)
        for origin in before.keys() - zones.keys():
            log.info("Deleting zone `%s'", name.to_text(origin))

    async def _load(self, file: MasterFile) -> bool:
        try:
            read = await asyncio.to_thread(file.read)
        except OSError as error:
            log.warning("Opening %s failed: %s", file.path, opening(error))
            return False
        except LoadError as error:
            log.warning("Parse zone `%s': %s", file.text, error)
            return False
        return read is not None and file.take(read)

    async def _look_again(self, origin: bytes, file: MasterFile) -> None:
        try:
            read = await asyncio.to_thread(file.read)
        except OSError as error:
            file_log.error('Failed to open zone "%s" in "%s": %s', file.text, file.path, opening(error))
            return
        except LoadError as error:
            file_log.error('Parsing zone "%s": %s', file.text, error)
            return
        if read is not None and file.take(read):
            self._changed(origin, file)
            file_log.info("%s", file.reloaded)

    def _warn(self, warnings: list[str]) -> None:
        for warning in warnings:
            if warning not in self._said:
                log.warning("%s", warning)
        self._said = warnings
