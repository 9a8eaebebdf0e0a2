"""Identical questions that are under way at the same time are asked once.

Theory. Who can make a resolver ask one question n times at once has n ids to hit instead of one, and needs fewer
guesses in proportion (CVE-2023-30464, the birthday attack of RFC 5452 section 5). So a question that is on its way to
the same upstreams already, octet for octet and over the same protocol, waits for that reply.

Only a young exchange takes others along: a client that asks again later believes that a packet was lost, and CoreDNS
would send another. So at most `lifetime / BOARDING` exchanges of one question are under way, ten by default.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol, TypeVar

from kdns.chain.answer import Answer

BOARDING = 0.5
"""Seconds from its start in which an exchange takes others along."""


Passage = asyncio.Future[Answer | None]


class Flown(Protocol):
    """A flight that has come to its end."""

    message: bytes
    began: float


FlownT = TypeVar("FlownT", bound=Flown)


class Flights:
    """Questions under way to one group of upstreams over one protocol; no more than there are queries that wait."""

    __slots__ = ("_began", "_passengers")

    def __init__(self) -> None:
        self._began: dict[bytes, float] = {}
        self._passengers: dict[tuple[bytes, float], list[Passage]] = {}

    def board(self, message: bytes, now: float) -> Passage | None:
        """A passage on the flight of this message, or None if whoever calls is to fly, from now, and then to land.

        A passage gives the answer, or None if the one who flew went away without: then board once more.
        """
        if self.takes_off(message, now):
            return None
        passage: Passage = asyncio.get_running_loop().create_future()
        self._passengers.setdefault((message, self._began[message]), []).append(passage)
        return passage

    def takes_off(self, message: bytes, now: float) -> bool:
        """Whether whoever calls is to fly, as `board` has it; there is no passage otherwise."""
        began = self._began.get(message)
        if began is None or now - began >= BOARDING:
            self._began[message] = now
            return True
        return False

    def land_empty(self, flown: Sequence[FlownT]) -> Sequence[FlownT]:
        """Those of several flights that are to `land`, as they may have passengers; the others have landed."""
        if self._passengers:
            return flown
        began = self._began
        for flight in flown:
            if began.get(flight.message) == flight.began:
                del began[flight.message]
        return ()

    def land(self, message: bytes, began: float, answer: Answer | None) -> None:
        """Tell the passengers of the flight that began then."""
        if self._began.get(message) == began:
            del self._began[message]
        if self._passengers:
            for passage in self._passengers.pop((message, began), ()):
                if not passage.done():
                    passage.set_result(answer)
