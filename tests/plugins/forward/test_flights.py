import asyncio
from types import SimpleNamespace

import pytest

from kdns.chain.answer import Answer
from kdns.plugins.forward.flights import BOARDING, Flights

ANSWER, OTHER = Answer(), Answer(rcode=3)


async def test_who_boards_gets_the_answer() -> None:
    flights = Flights()
    assert flights.board(b"q", 10.0) is None
    passages = [flights.board(b"q", 10.0), flights.board(b"q", 10.0 + BOARDING - 0.01)]
    flights.land(b"q", 10.0, ANSWER)
    assert [await passage for passage in passages if passage is not None] == [ANSWER, ANSWER]
    assert flights.board(b"q", 10.0) is None


async def test_another_question_or_a_late_one_flies_itself() -> None:
    flights = Flights()
    assert flights.board(b"q", 10.0) is None
    assert flights.board(b"other", 10.0) is None
    assert flights.board(b"q", 10.0 + BOARDING) is None


async def test_a_later_flight_takes_the_place_of_an_earlier_one() -> None:
    flights = Flights()
    flights.board(b"q", 10.0)
    first = flights.board(b"q", 10.1)
    flights.board(b"q", 11.0)
    second = flights.board(b"q", 11.1)
    assert first is not None
    assert second is not None
    flights.land(b"q", 10.0, ANSWER)
    assert first.result() is ANSWER
    assert not second.done()
    assert flights.board(b"q", 11.2) is not None
    flights.land(b"q", 11.0, OTHER)
    assert second.result() is OTHER
    assert flights.board(b"q", 11.2) is None


async def test_flights_without_passengers_land_together() -> None:
    flights = Flights()
    for message in (b"q", b"r"):
        flights.board(message, 10.0)
    flights.board(b"q", 11.0)
    flown = [SimpleNamespace(message=message, began=10.0) for message in (b"q", b"r")]
    assert not flights.land_empty(flown)
    assert flights._began == {b"q": 11.0}
    assert flights.board(b"q", 11.1) is not None
    assert flights.land_empty(flown) == flown
    assert flights._began == {b"q": 11.0}


@pytest.mark.parametrize("answer", [ANSWER, None])
async def test_who_went_away_is_not_told(answer: Answer | None) -> None:
    flights = Flights()
    flights.board(b"q", 10.0)
    gone, here = flights.board(b"q", 10.0), flights.board(b"q", 10.0)
    assert gone is not None
    assert here is not None
    gone.cancel()
    flights.land(b"q", 10.0, answer)
    assert await here is answer
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_nothing_is_left_behind() -> None:
    flights = Flights()
    for n in range(3):
        flights.board(b"q", 10.0 + n)
        flights.board(b"q", 10.1 + n)
    for n in (2, 0, 1):
        flights.land(b"q", 10.0 + n, ANSWER)
    assert not flights._began
    assert not flights._passengers
