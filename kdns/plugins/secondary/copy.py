"""One zone of other servers, kept up to date: fetched, looked after as its SOA says, and at once after a NOTIFY.

A loop of its own task decides what is next; everybody else sees `zone`, which changes in the tick in which its key is
forgotten. Until the first transfer, and after it has expired, there is no zone.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from kdns.chain.basis import Key
from kdns.chain.zone import Zone
from kdns.corefile.duration import format_duration
from kdns.plugins.secondary.primaries import TransferError
from kdns.plugins.secondary.schedule import Schedule, is_newer
from kdns.wire import name

log = logging.getLogger("kdns.secondary")
file_log = logging.getLogger("kdns.file")
"""CoreDNS logs the lines of a zone under this name."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
"""Seconds until the first transfer is tried again: doubled each time."""
REFRESH_JITTER, RETRY_JITTER = 5.0, 2.0
"""Seconds by which a look is late at most, so that not all zones are due at once."""
APART = 1.0
"""Seconds between two looks at least, and between two lines of the log that others can cause."""


class Source(Protocol):
    """Where the zone comes from. Both methods raise `TransferError`."""

    async def serial(self) -> int:
        """The serial it has there."""
        ...

    async def zone(self) -> Zone:
        """All of it."""
        ...


class Copy:
    """A zone by its folded name. `changed` is called with it in the tick in which `zone` has become another one.

    `accept`, called in a thread, may refuse a zone that was transferred, by `TransferError`. `clock` is monotonic, in
    seconds; `jitter` gives a random time of so many seconds at most.
    """

    def __init__(
        self,
        origin: bytes,
        source: Source,
        changed: Callable[["Copy"], None],
        clock: Callable[[], float],
        jitter: Callable[[float], float],
        accept: Callable[[Zone], None] = lambda zone: None,
    ) -> None:
        self.key: Key = ("secondary", self)
        self.origin = origin
        self.text = name.to_text(origin)
        self.settled = asyncio.Event()
        """The first transfer was tried."""
        self._source = source
        self._changed = changed
        self._clock = clock
        self._jitter = jitter
        self._accept = accept
        self._zone: Zone | None = None
        self._expired = False
        self._ended = False
        self._notice = ""
        self._noticed = asyncio.Event()
        self._looked = self._said = -APART

    @property
    def zone(self) -> Zone | None:
        """The zone, `None` before it was transferred and after it has expired."""
        if self._expired:
            self.say(logging.ERROR, f"Zone {self.text} is expired")
            return None
        return self._zone

    def inherit(self, other: "Copy") -> None:
        """Begin with the zone that another copy has."""
        self._zone, self._expired = other._zone, other._expired

    def notice(self, client: str) -> None:
        """A primary says that the zone has changed."""
        file_log.info("Notify from %s for %s: checking transfer", client, self.text)
        self._notice = client
        self._noticed.set()

    def say(self, level: int, text: str) -> None:
        """Log a line that others cause, unless there was one just now."""
        now = self._clock()
        if now - self._said >= APART:
            self._said = now
            file_log.log(level, "%s", text)

    def end(self) -> None:
        """Let `follow` come to its end, and take no zone any more."""
        self._ended = True
        self._noticed.set()

    async def follow(self) -> None:
        """Keep the zone up to date until `end`."""
        pause = FIRST_PAUSE
        while not (schedule := await self._first(pause)) and not self._ended:
            await self._wait_until(self._clock() + pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        while schedule is not None and not self._ended:
            schedule = await self._turn(schedule)

    async def _first(self, pause: float) -> Schedule | None:
        self._noticed.clear()
        try:
            return await self._transfer()
        except TransferError as error:
            words = "All '%s' masters failed to transfer, retrying in %s: %s"
            log.warning(words, self.text, format_duration(pause), error)
            return None
        finally:
            self._looked = self._clock()
            self.settled.set()

    async def _turn(self, schedule: Schedule) -> Schedule:
        """Wait for what comes first, and do it: the schedule from then on."""
        late = self._jitter(RETRY_JITTER if schedule.failing else REFRESH_JITTER)
        until = schedule.due + late
        if schedule.failing and not self._expired:
            until = min(until, schedule.expires)
        noticed = await self._wait_until(until)
        if self._ended:
            return schedule
        if schedule.has_expired(self._clock()) and not self._expired:
            self._expired = True
            self._changed(self)
        if noticed or self._clock() >= schedule.due:
            return await self._look(schedule, self._notice if noticed else "")
        return schedule

    async def _wait_until(self, time: float) -> bool:
        """Whether a notice came before that time. Some time passes in any case since the last look."""
        floor = self._looked + APART
        if (left := floor - self._clock()) > 0:
            await asyncio.sleep(min(left, max(time - self._clock(), 0.0)))
        try:
            async with asyncio.timeout(max(time - self._clock(), 0.0)):
                await self._noticed.wait()
        except TimeoutError:
            return False
        self._noticed.clear()
        return True

    async def _look(self, schedule: Schedule, client: str) -> Schedule:
        """Ask for the serial, and for the zone if it is newer."""
        kind = "retry" if schedule.failing else "refresh"
        try:
            serial = await self._source.serial()
        except TransferError as error:
            if client:
                file_log.warning("Notify from %s for %s: failed primary check: %s", client, self.text, error)
            else:
                file_log.warning("Failed %s check %s", kind, error)
            return self._failed(schedule)
        finally:
            self._looked = self._clock()
        zone = self._zone
        if zone is not None and not self._expired and not is_newer(serial, zone.serial):
            if client:
                file_log.info("Notify from %s for %s: no SOA serial increase seen", client, self.text)
            return Schedule(zone, self._clock())
        try:
            return await self._transfer()
        except TransferError as error:
            if client:
                file_log.warning("Notify from %s for %s: transfer failed: %s", client, self.text, error)
            return self._failed(schedule)

    def _failed(self, schedule: Schedule) -> Schedule:
        schedule.failed(self._clock())
        return schedule

    async def _transfer(self) -> Schedule:
        zone = await self._source.zone()
        await asyncio.to_thread(self._accept, zone)
        if not self._ended:
            self._zone, self._expired = zone, False
            self._changed(self)
        return Schedule(zone, self._clock())
