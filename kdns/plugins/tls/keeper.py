"""One domain's certificate, as long as the instance lives: found on disk, ordered, renewed, shown.

Everything that can fail here is logged and tried again by `schedule`; what is shown stays, also beyond its end, until
there is something better. Disk and CA are asked for nothing while a certificate is good, but for when the CA would have
it renewed.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Protocol

from kdns.chain.site import Process
from kdns.plugins.tls.certificate import Certificate
from kdns.plugins.tls.lock import Locked, held
from kdns.plugins.tls.order import OrderError, Sleep
from kdns.plugins.tls.schedule import Schedule, renewal
from kdns.plugins.tls.shown import Shown, contexts
from kdns.plugins.tls.store import StorageError, Store

log = logging.getLogger("kdns.tls")

LOOK: Final = 600.0
"""Seconds between two looks at the clock, at most."""
LOCKED: Final = 10.0
"""Seconds until the next look while another replica orders."""
ASK: Final = 6 * 3600.0
"""Seconds between two questions when the CA would have a certificate renewed (RFC 9773 section 4.3)."""
TOGETHER: Final = 2
"""Orders of an instance that are under way at a time."""


class CA(Protocol):
    """What a certificate is ordered from."""

    async def place(self, domain: str) -> Certificate:
        """A new certificate. Raises OrderError and StorageError."""
        ...

    async def renewal(self, certificate: Certificate) -> float | None:
        """When it is to be renewed, as Unix time; `None` if the CA does not care. Raises OrderError."""
        ...


class Keeper:
    """Keeps `shown` supplied with the certificate of one domain. `chance` gives numbers from 0 up to 1."""

    def __init__(
        self,
        domain: str,
        store: Store,
        ca: CA,
        shown: Shown,
        process: Process,
        *,
        sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._domain = domain
        self._store = store
        self._ca = ca
        self._shown = shown
        self._time = process.time
        self._clock = process.clock
        self._sleep = sleep
        self._schedule = Schedule(chance)
        self._has: Certificate | None = None
        self._ask_at = self._clock() + LOOK * chance()

    async def load(self) -> None:
        """Show what is on disk."""
        try:
            await self._take(await asyncio.to_thread(self._store.certificate, self._domain))
        except StorageError as error:
            log.error("certificate for %s: %s", self._domain, error)

    async def keep(self, room: asyncio.Semaphore) -> None:
        """Order and renew, for ever; `room` is for those who order at a time."""
        while True:
            wait = self._schedule.wait(self._time(), self._clock())
            if wait <= 0:
                async with room:
                    wait = await self._renew()
            elif self._has is not None and self._clock() >= self._ask_at:
                async with room:
                    await self._ask(self._has)
                continue
            await self._sleep(min(max(wait, 0.0), LOOK))

    async def _renew(self) -> float:
        """Have a certificate that is not due, from disk or the CA; the seconds until the next look."""
        try:
            async with held(self._store.lock(self._domain), self._time):
                stored = await asyncio.to_thread(self._store.certificate, self._domain)
                if stored != self._has:
                    await self._take(stored)
                if self._schedule.is_due(self._time()):
                    await self._order()
        except Locked:
            return LOCKED
        except (OrderError, StorageError) as error:
            wait = self._schedule.failed(self._clock())
            log.error("certificate for %s: %s; %s; next try in %d s", self._domain, error, self._state(), wait)
            return wait
        return 0.0

    async def _order(self) -> None:
        await asyncio.to_thread(self._store.try_out)
        made = await self._ca.place(self._domain)
        if renewal(made.begins, made.ends) <= self._time():
            raise OrderError("the CA gives one that is due for renewal at once")
        await asyncio.to_thread(self._store.keep, self._domain, made)
        await self._take(made)
        self._schedule.succeeded(self._clock())
        log.info("certificate for %s obtained, valid until %s", self._domain, _day(made.ends))

    async def _take(self, found: Certificate | None) -> None:
        if found is None:
            return
        try:
            self._shown.show(self._domain, await asyncio.to_thread(contexts, *self._store.paths(self._domain)))
        except ValueError as error:  # another replica may be writing
            raise StorageError(str(error)) from error
        self._has = found
        self._schedule.has(found.begins, found.ends)

    async def _ask(self, certificate: Certificate) -> None:
        self._ask_at = self._clock() + ASK
        try:
            wished = await self._ca.renewal(certificate)
        except OrderError as error:
            log.debug("renewal of %s: %s", self._domain, error)
            return
        if wished is not None:
            self._schedule.wished(wished)

    def _state(self) -> str:
        return "there is none yet" if self._has is None else f"the one shown ends {_day(self._has.ends)}"


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
