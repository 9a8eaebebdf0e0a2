import asyncio

import pytest

from kdns.chain.answer import Answer
from kdns.plugins.forward.flights import BOARDING, Flights

ANSWER = Answer()


async def test_who_boards_gets_the_answer() -> None:
    flights = Flights()
    flight = flights.start(b"q", 10.0)
    boarded = [flights.boarding(b"q", 10.0), flights.boarding(b"q", 10.0 + BOARDING - 0.01)]
    assert boarded == [flight, flight]
    passages = [flight.passage(), flight.passage()]
    flights.land(b"q", flight, ANSWER)
    assert [await passage for passage in passages] == [ANSWER, ANSWER]
    assert flights.boarding(b"q", 10.0) is None


async def test_another_question_or_a_late_one_does_not_board() -> None:
    flights = Flights()
    flights.start(b"q", 10.0)
    assert flights.boarding(b"other", 10.0) is None
    assert flights.boarding(b"q", 10.0 + BOARDING) is None


async def test_a_later_flight_takes_the_place_of_an_earlier_one() -> None:
    flights = Flights()
    first = flights.start(b"q", 10.0)
    second = flights.start(b"q", 11.0)
    assert flights.boarding(b"q", 11.0) is second
    flights.land(b"q", first, ANSWER)
    assert flights.boarding(b"q", 11.0) is second
    flights.land(b"q", second, ANSWER)
    assert flights.boarding(b"q", 11.0) is None


@pytest.mark.parametrize("answer", [ANSWER, None])
async def test_who_went_away_is_not_told(answer: Answer | None) -> None:
    flights = Flights()
    flight = flights.start(b"q", 10.0)
    gone, here = flight.passage(), flight.passage()
    gone.cancel()
    flights.land(b"q", flight, answer)
    assert await here is answer
    with pytest.raises(asyncio.CancelledError):
        await gone
