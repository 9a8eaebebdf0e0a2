"""A cluster that is a folder of YAML files: the objects of the API, without an API.

Files are looked at every second and read in a thread; what changed enters the mirror as a difference, so a name whose
object stays as it is never goes away. Which files and objects count: `kdns.cluster.folder`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from kdns.cluster.folder import Folder, FolderError
from kdns.cluster.mirror import Mirror
from kdns.cluster.selector import EVERYTHING, Selection

INTERVAL: Final = 1.0
"""Seconds between two looks at the folder."""


class ManifestSource:
    """Feeds a mirror from the folder at `path`; `report` is told every problem once."""

    def __init__(
        self,
        path: str,
        mirror: Mirror,
        report: Callable[[str], None],
        selection: Selection = EVERYTHING,
        interval: float = INTERVAL,
    ) -> None:
        self._folder = Folder(path, mirror.kinds, selection)
        self._mirror = mirror
        self._report = report
        self._interval = interval
        self._broken = ""

    async def run(self) -> None:
        """Follow the folder until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(self._interval)

    async def refresh(self) -> None:
        """Look at the folder once. Where it cannot be read, what was last read stays."""
        try:
            reading = await asyncio.to_thread(self._folder.read)
        except FolderError as error:
            if str(error) != self._broken:
                self._broken = str(error)
                self._report(self._broken)
            return
        self._broken = ""
        if reading is None:
            return
        for problem in reading.problems:
            self._report(problem)
        for kind in self._mirror.kinds:
            resync = self._mirror.resync(kind)
            for steps in (resync.load(reading.objects.get(kind, ())), resync.commit()):
                for _ in steps:
                    await asyncio.sleep(0)
