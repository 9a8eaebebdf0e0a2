"""Where a mirror gets its objects from: what a source is, and the one that watches an API server.

A source runs until it is cancelled and keeps trying whatever happens. Kinds do not wait for each other: where the
rights for one are missing, or a cluster does not know it, that one is reported and tried again, and all others are
served.
"""

import asyncio
import logging
from typing import Final, NamedTuple, Protocol

from kdns.cluster.client import Client
from kdns.cluster.kinds import Kind
from kdns.cluster.mirror import Mirror
from kdns.cluster.selector import EVERYTHING, Selection
from kdns.cluster.watch import Pace, Reflector

log = logging.getLogger("kdns.kubernetes")

AFTER_FAULT: Final = 30.0
"""Seconds until a watch that met a fault of kdns itself begins anew."""


class Source(Protocol):
    """Feeds a mirror."""

    async def run(self) -> None:
        """Feed it until cancelled; then end cleanly. The mirror keeps what it has."""


class KindState(NamedTuple):
    """How one kind stands.

    `synced`: it was loaded once. `failure`: why it cannot be brought up to date, empty if it can. `age`: seconds since
    the server last proved that nothing newer is missing, None before the first load.
    """

    kind: Kind
    synced: bool
    failure: str
    age: float | None


class ApiSource:
    """Lists and watches all kinds of a mirror at an API server, in parallel. `client` is closed when `run` ends."""

    def __init__(
        self, client: Client, mirror: Mirror, selection: Selection = EVERYTHING, pace: Pace | None = None
    ) -> None:
        self._client = client
        self._mirror = mirror
        self._pace = pace or Pace()
        self._reflectors = [
            Reflector(client, kind, str(selection.of(kind)), mirror, self._pace) for kind in mirror.kinds
        ]

    async def run(self) -> None:
        """See `Source`."""
        running = {asyncio.create_task(reflector.run()): reflector for reflector in self._reflectors}
        try:
            while True:
                ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    # A reflector ends only by a fault of kdns, and that must not leave its kind alone for good.
                    reflector = running.pop(task)
                    log.error("Watch of %s failed, beginning anew", reflector.kind, exc_info=task.exception())
                    running[asyncio.create_task(self._again(reflector))] = reflector
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self._client.close()

    def states(self) -> tuple[KindState, ...]:
        """How the kinds stand now."""
        now = self._pace.clock()
        return tuple(
            KindState(
                reflector.kind,
                self._mirror.loaded(reflector.kind),
                reflector.failure,
                None if reflector.fresh_at is None else now - reflector.fresh_at,
            )
            for reflector in self._reflectors
        )

    async def _again(self, reflector: Reflector) -> None:
        await self._pace.sleep(AFTER_FAULT)
        await reflector.run()
