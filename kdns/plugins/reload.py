"""reload: put a changed Corefile in force.

::

    reload [INTERVAL] [JITTER]

Every INTERVAL (default 30s, at least 2s), the Corefile is read again with all that it imports. If it has changed, a new
instance takes over from the old one without losing a query; if it cannot, the old one stays. JITTER (default 15s, 0 or
at least 1s, at most half of INTERVAL) spreads the readings of many servers: the time between two is INTERVAL plus a
random part from -JITTER/2 to +JITTER/2, drawn once for each instance.

It is a matter of the whole process: one block has it, and of several the last one's values count. A file that cannot be
read is passed over in silence, one that cannot be parsed with a warning at every reading. A change is tried once, and
again only after another one.

Errors: "interval value must be greater or equal to 2s", "jitter value must be 0 or greater or equal to 1s", bad
durations.

Metrics: `coredns_reload_failed_total`, `coredns_reload_version_info{hash,value}`.

Example::

    .:1053 {
        reload 10s 5s
        whoami
    }
"""

import asyncio
import logging
import random

from kdns.chain.site import Reloader, Site
from kdns.corefile import Arguments, ConfigError, Line
from kdns.metrics import Registry
from kdns.net.errors import ListenError

log = logging.getLogger("kdns.reload")

INTERVAL, MIN_INTERVAL = 30.0, 2.0
JITTER, MIN_JITTER = 15.0, 1.0


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    interval, jitter = INTERVAL, JITTER
    for line in args:
        interval, jitter = _times(line)
    watch = Watch(effective(interval, jitter, random.Random()), site.process.registry)
    site.offer(watch)

    async def start() -> None:
        reloader = site.process.reloader
        if reloader is not None and site.find_anywhere(Watch)[-1] is watch:
            site.wiring.spawn(watch.follow(reloader))

    async def stop() -> None:
        watch.stopped = True

    site.once.startup.append(start)
    site.once.shutdown.append(stop)


def _times(line: Line) -> tuple[float, float]:
    line.at_most(2)
    interval, jitter = INTERVAL, JITTER
    if line.more:
        interval = line.duration(MIN_INTERVAL, outside="interval value must be greater or equal to 2s")
    if line.more:
        jitter = line.duration()
        if jitter != 0 and jitter < MIN_JITTER:
            raise line.error("jitter value must be 0 or greater or equal to 1s")
    return interval, jitter


def effective(interval: float, jitter: float, chance: random.Random) -> float:
    """Seconds between two readings of one instance."""
    jitter = min(jitter, interval / 2)
    return interval + chance.uniform(-jitter / 2, jitter / 2)


class Watch:
    """Follows the configuration on behalf of one instance."""

    def __init__(self, interval: float, registry: Registry) -> None:
        self.stopped = False
        self.interval = interval
        self._failed = registry.counter(
            "coredns_reload_failed_total", "Counter of the number of failed reload attempts."
        ).child()
        self._info = registry.gauge(
            "coredns_reload_version_info", "A metric with a constant value of 1 labeled by hash.", "hash", "value"
        )
        self._attempt: asyncio.Task[bool] | None = None

    async def follow(self, reloader: Reloader) -> None:
        """Read the configuration again and again, until another instance has taken over."""
        running = await _digest(reloader)
        if running is not None:
            log.info("Running configuration SHA512 = %s", running)
        while True:
            await asyncio.sleep(self.interval)
            digest = await _digest(reloader)
            if digest is None or digest == running:
                continue
            running = digest
            if self.stopped:
                return
            # A reload that succeeds ends this instance, and this task with it; the attempt has to outlive both.
            self._attempt = asyncio.get_running_loop().create_task(self._reload(reloader, digest))
            if await asyncio.shield(self._attempt):
                return

    async def _reload(self, reloader: Reloader, digest: str) -> bool:
        self._info.clear()
        try:
            await reloader.reload()
        except (ConfigError, ListenError, OSError) as error:
            self._failed.add()
            log.error("Corefile changed but reload failed: starting with listener file descriptors: %s", error)
            return False
        finally:
            self._info.child("sha512", digest).set(1)
        return True


async def _digest(reloader: Reloader) -> str | None:
    """The configuration's digest, or `None` for one that cannot be read now."""
    try:
        return await reloader.digest()
    except ConfigError as error:
        log.warning("Corefile parse failed: %s", error)
    except OSError:
        pass
    return None
