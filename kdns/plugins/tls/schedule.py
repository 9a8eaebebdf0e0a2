"""When a certificate is renewed, and when to try again after a failure. Pure; all in seconds.

`now` is Unix time; failures are counted by a monotonic `clock`, so that a clock that is set stops nothing.

Renewal is due when a third of the lifetime is left, as in CoreDNS, or when the CA would have it (RFC 9773), but never
in the last twentieth only. A hundredth of the lifetime, at most an hour, is left to chance, so that replicas do not
come all at once. A failure is followed by a minute, then two, four, up to six hours, each longer or shorter by chance
by a quarter: a CA is asked once a minute at most, and hardly ever when what is wrong lasts.
"""

from collections.abc import Callable
from math import inf
from typing import Final

FIRST: Final = 60.0
LONGEST: Final = 6 * 3600.0
_SPREAD: Final = 0.25
_MOST_SPREAD: Final = 3600.0


def renewal(begins: float, ends: float) -> float:
    """When renewal of a certificate begins, chance and wishes left out."""
    return ends - (ends - begins) / 3


class Schedule:
    """`chance` gives numbers from 0 up to 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._due = 0.0
        self._last = 0.0
        self._until = -inf
        self._wait = FIRST

    def has(self, begins: float, ends: float) -> None:
        """There is a certificate now, valid between these times."""
        lifetime = ends - begins
        self._last = ends - lifetime / 20
        self._due = renewal(begins, ends) + self._chance() * min(lifetime / 100, _MOST_SPREAD)

    def succeeded(self, clock: float) -> None:
        """It was renewed; not again within a minute, however short its life is."""
        self._until, self._wait = clock + FIRST, FIRST

    def wished(self, time: float) -> None:
        """The CA would have it renewed at this time."""
        self._due = min(time, self._last)

    def failed(self, clock: float) -> float:
        """It could not be renewed; the seconds until the next try."""
        wait = self._wait * (1 - _SPREAD + 2 * _SPREAD * self._chance())
        self._wait = min(2 * self._wait, LONGEST)
        self._until = clock + wait
        return wait

    def wait(self, now: float, clock: float) -> float:
        """Seconds until it is time to order; 0 or less if it is."""
        return max(self._due - now, self._until - clock)

    def is_due(self, now: float) -> bool:
        """Whether it is to be renewed, never mind failures."""
        return now >= self._due
