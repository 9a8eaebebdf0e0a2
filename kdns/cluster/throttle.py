"""The rate at which kdns may list: a token bucket (`apiserver_qps`, `apiserver_burst`; kubernetes.md section 3.1).

CoreDNS stores these options after its client was built, so there they do nothing; here they are applied (section 9).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

QPS: Final = 5.0
BURST: Final = 10
"""What client-go takes where nothing is set."""


class Throttle:
    """Lets `burst` requests through at once and then `qps` a second, in the order in which they came.

    0 stands for the defaults. `qps` must be finite and not negative.
    """

    __slots__ = ("_burst", "_clock", "_filled", "_qps", "_sleep", "_tokens")

    def __init__(
        self,
        qps: float = 0.0,
        burst: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._qps = qps or QPS
        self._burst = burst or BURST
        self._clock = clock
        self._sleep = sleep
        self._tokens = float(self._burst)
        self._filled = clock()

    async def wait(self) -> float:
        """Take one token, waiting for it if there is none left; the seconds waited."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._filled) * self._qps) - 1.0
        self._filled = now
        seconds = max(0.0, -self._tokens / self._qps)
        if seconds > 0:
            await self._sleep(seconds)
        return seconds
