"""How long to wait after a failure: client-go's exponential back-off, with jitter that keeps replicas out of step.

0.8 s, doubling, up to twice that by chance and never above 30 s; anew from 0.8 s after two minutes without a failure
(kubernetes.md section 4.3).
"""

from collections.abc import Callable
from typing import Final

FIRST: Final = 0.8
CAP: Final = 30.0
RESET: Final = 120.0


class Backoff:
    """The waits of one loop; `clock` is in seconds, `random` gives numbers from 0 up to 1."""

    __slots__ = ("_clock", "_last", "_next", "_random")

    def __init__(self, clock: Callable[[], float], random: Callable[[], float]) -> None:
        self._clock = clock
        self._random = random
        self._next = FIRST
        self._last = clock()

    def failed(self, least: float | None = None) -> float:
        """Note a failure; the seconds to wait, not fewer than `least` (what the server asked for)."""
        now = self._clock()
        if now - self._last > RESET:
            self._next = FIRST
        seconds = self._next * (1.0 + self._random())
        self._next = min(2 * self._next, CAP / 2)
        self._last = now + seconds
        return max(seconds, least or 0.0)
