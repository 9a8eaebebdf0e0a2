"""A cluster that is a folder of YAML files: the objects of the API, without an API.

Files are looked at every second and read in a thread; what changed enters the mirror as a difference, so a name whose
object stays as it is never goes away. Which files and objects count: `kdns.cluster.folder`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kdns.cluster.folder import Folder, FolderError
from kdns.cluster.mirror import Mirror
from kdns.cluster.selector import EVERYTHING, Selection

log = logging.getLogger("kdns.kubernetes")

INTERVAL: Final = 1.0
"""Seconds between two looks at the folder."""


class ManifestSource:
    """Feeds a mirror from the folder at `path`; a `kdns.cluster.source.Source`. `sleep` takes seconds."""

    def __init__(
        self,
        path: str,
        mirror: Mirror,
        selection: Selection = EVERYTHING,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._folder = Folder(path, mirror.kinds, selection)
        self._mirror = mirror
        self._sleep = sleep
        self._failure = ""

    async def run(self) -> None:
        """See `Source`."""
        while True:
            await self.refresh()
            await self._sleep(INTERVAL)

    async def refresh(self) -> None:
        """Look at the folder once. Where it cannot be read, what was last read stays, and the log is told once."""
        try:
            reading = await asyncio.to_thread(self._folder.read)
        except FolderError as error:
            if str(error) != self._failure:
                self._failure = str(error)
                log.error("Failed to read manifests: %s", error)
            return
        self._failure = ""
        if reading is None:
            return
        for problem in reading.problems:
            log.error("Manifests: %s", problem)
        for kind in self._mirror.kinds:
            resync = self._mirror.resync(kind)
            for steps in (resync.load(reading.objects.get(kind, ())), resync.commit()):
                for _ in steps:
                    await asyncio.sleep(0)
