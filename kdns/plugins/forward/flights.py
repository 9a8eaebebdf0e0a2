"""Identical questions that are under way at the same time are asked once.

Theory. Who can make a resolver ask one question n times at once has n ids to hit instead of one, and needs fewer
guesses in proportion (CVE-2023-30464, the birthday attack of RFC 5452 section 5). So a question that is on its way to
the same upstreams already, octet for octet and over the same protocol, waits for that reply.

Only a young exchange takes others along: a client that asks again later believes that a packet was lost, and CoreDNS
would send another. So at most `lifetime / BOARDING` exchanges of one question are under way, ten by default.
"""

import asyncio

from kdns.chain.answer import Answer

BOARDING = 0.5
"""Seconds from its start in which an exchange takes others along."""


class Flight:
    """One question under way."""

    __slots__ = ("began", "passengers")

    def __init__(self, began: float) -> None:
        self.began = began
        self.passengers: list[asyncio.Future[Answer | None]] | None = None

    def passage(self) -> "asyncio.Future[Answer | None]":
        """The answer when it is there; None if who asked went away, so that somebody else has to ask."""
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        if self.passengers is None:
            self.passengers = []
        self.passengers.append(future)
        return future


class Flights:
    """Questions under way to one group of upstreams over one protocol. No more than there are queries that wait."""

    __slots__ = ("_flights",)

    def __init__(self) -> None:
        self._flights: dict[bytes, Flight] = {}

    def boarding(self, message: bytes, now: float) -> Flight | None:
        """The flight of this message that may still be joined."""
        flight = self._flights.get(message)
        return flight if flight is not None and now - flight.began < BOARDING else None

    def start(self, message: bytes, now: float) -> Flight:
        """A flight that others may join from now on; to be landed in any case."""
        flight = self._flights[message] = Flight(now)
        return flight

    def land(self, message: bytes, flight: Flight, answer: Answer | None) -> None:
        """Tell the passengers."""
        if self._flights.get(message) is flight:
            del self._flights[message]
        for future in flight.passengers or ():
            if not future.done():
                future.set_result(answer)
