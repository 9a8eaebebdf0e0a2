import pytest

from kdns.plugins.tls.schedule import FIRST, LONGEST, Schedule
from tests.kit.acme import DAY


def schedule(chance: float = 0.5) -> Schedule:
    return Schedule(lambda: chance)


def test_what_there_is_not_is_ordered_at_once() -> None:
    assert schedule().wait(0.0, 0.0) <= 0
    assert schedule().is_due(1_700_000_000.0)


@pytest.mark.parametrize(("chance", "late"), [(0.0, 0.0), (0.5, 1800.0), (1.0, 3600.0)])
def test_renewal_begins_when_a_third_is_left(chance: float, late: float) -> None:
    made = schedule(chance)
    made.has(0.0, 90 * DAY)
    assert made.wait(0.0, 5.0) == 60 * DAY + late
    assert not made.is_due(60 * DAY + late - 1)
    assert made.is_due(60 * DAY + late)


def test_chance_is_a_hundredth_of_a_short_life() -> None:
    made = schedule(1.0)
    made.has(0.0, 3000.0)
    assert made.wait(0.0, 0.0) == 2030.0


def test_the_ca_may_want_it_earlier_or_later_but_not_too_late() -> None:
    made = schedule(0.0)
    made.has(0.0, 100 * DAY)
    for wished, due in ((10 * DAY, 10 * DAY), (80 * DAY, 80 * DAY), (99 * DAY, 95 * DAY), (-1.0, -1.0)):
        made.wished(wished)
        assert made.wait(0.0, 0.0) == due


def test_failures_are_tried_again_ever_more_seldom() -> None:
    made = schedule()
    waits = []
    for _ in range(12):
        waits.append(made.failed(1000.0))
        assert made.wait(1_700_000_000.0, 1000.0) == waits[-1]
    assert waits[:4] == [FIRST, 2 * FIRST, 4 * FIRST, 8 * FIRST]
    assert waits[-1] == LONGEST
    made.succeeded(2000.0)
    assert made.wait(1_700_000_000.0, 2000.0) == FIRST
    assert made.failed(2000.0) == FIRST


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.75), (1.0, 1.25)])
def test_failures_are_spread(chance: float, factor: float) -> None:
    assert schedule(chance).failed(0.0) == factor * FIRST


def test_a_clock_that_is_set_back_stops_no_retry() -> None:
    made = schedule()
    wait = made.failed(50.0)
    assert made.wait(1_700_000_000.0, 50.0 + wait) <= 0
    assert made.wait(1_600_000_000.0, 50.0 + wait) <= 0
