"""One coarse timer for everything that may take too long.

A timer per question costs more than the question. Here the clock is read once per period, a deadline is an addition
to that reading, and whoever waits is swept once per period while there is anything to wait for. The price is
precision: a deadline strikes up to two periods late, never early.
"""

import asyncio
from collections.abc import Callable

PERIOD = 0.05
"""Seconds between two sweeps."""


class Ticker:
    """Calls `sweep(time)` each period for as long as it returns True; `start` begins again."""

    __slots__ = ("_handle", "_late", "_loop", "_period", "_sweep", "now", "running")

    def __init__(self, sweep: Callable[[float], bool], period: float = PERIOD) -> None:
        self._sweep = sweep
        self._period = period
        self._loop: asyncio.AbstractEventLoop | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._late = False
        self.running = False
        self.now = 0.0
        """The loop's time at the end of the running period, so that `now + seconds` is never too early."""

    def start(self) -> None:
        """Begin to tick. Needs a running loop."""
        self._loop = asyncio.get_running_loop()
        self.running = True
        self._late = False
        self._next(self._loop)

    def stop(self) -> None:
        """Tick no more."""
        self.running = False
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        self.now = loop.time() + self._period
        self._handle = loop.call_later(self._period, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        time = loop.time()
        late = time > self.now + self._period and not self._late
        self._late = late
        if late:  # the loop was blocked: replies that came meanwhile are read before anybody is given up
            self._next(loop)
            return
        if self._sweep(time) and self.running:
            self._next(loop)
        else:
            self.running = False
            self._handle = None
