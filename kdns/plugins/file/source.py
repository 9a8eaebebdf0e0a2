"""One zone of one file, read at start and followed while the server runs."""

import asyncio
import logging
from collections.abc import Callable

from kdns.chain.zone.master import LoadError, MasterFile, opening
from kdns.corefile.duration import format_duration

log = logging.getLogger("kdns.file")

SHORTEST_RELOAD = 0.1
"""Seconds between two looks at the file, however short the configured time."""


class Source:
    """Keeps a zone up to date; `reload` is in seconds. `changed` is called in the tick that replaces the zone."""

    def __init__(self, file: MasterFile, reload: float, changed: Callable[[], None]) -> None:
        self.file = file
        self._reload = reload
        self._changed = changed

    async def start(self) -> None:
        """Read the file for the first time; raises `LoadError`, unless it cannot be opened but may be later."""
        try:
            await self._read()
        except OSError as error:
            if not self._reload:
                raise LoadError(opening(error)) from error
            log.warning('Failed to open "%s": trying again in %s', opening(error), format_duration(self._reload))

    async def follow(self) -> None:
        """Look at the file every so often, for ever; never if the time is 0."""
        while self._reload:
            await asyncio.sleep(max(self._reload, SHORTEST_RELOAD))
            await self.look()

    async def look(self) -> None:
        """Read the file again if it changed. One that cannot be read leaves everything as it was."""
        file = self.file
        try:
            if await self._read():
                log.info("%s", file.reloaded)
        except OSError as error:
            log.error('Failed to open zone "%s" in "%s": %s', file.text, file.path, opening(error))
        except LoadError as error:
            log.error('Parsing zone "%s": %s', file.text, error)

    async def _read(self) -> bool:
        """Whether there is another zone now."""
        file = self.file
        found = await asyncio.to_thread(file.read)
        if found is None or not file.take(found):
            return False
        self._changed()
        if found.zone.outside:
            log.warning('%d records in "%s" are outside zone "%s"', found.zone.outside, file.path, file.text)
        return True
