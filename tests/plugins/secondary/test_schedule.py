"""When zones are due (RFC 1035 section 4.3.5), and which serial is newer (RFC 1982)."""

import pytest

from kdns.plugins.secondary.schedule import Schedule, is_newer
from tests.plugins.secondary.zones import zone


def test_it_is_due_after_refresh_and_after_failures_after_retry() -> None:
    schedule = Schedule(zone(), 10.0)
    assert (schedule.due, schedule.failing) == (1010.0, False)
    schedule.failed(1015.0)
    assert (schedule.due, schedule.failing) == (1115.0, True)
    schedule.failed(1116.0)
    assert schedule.due == 1216.0


def test_it_expires_only_while_it_fails() -> None:
    schedule = Schedule(zone(), 10.0)
    assert not schedule.has_expired(1e9)
    schedule.failed(1e9)
    assert schedule.has_expired(1e9)
    other = Schedule(zone(), 10.0)
    other.failed(1010.0)
    assert not other.has_expired(5009.9)
    assert other.has_expired(5010.0)


def test_times_are_a_second_at_least() -> None:
    schedule = Schedule(zone(refresh=0, retry=0, expire=0), 0.0)
    assert (schedule.due, schedule.expires) == (1.0, 1.0)
    schedule.failed(5.0)
    assert schedule.due == 6.0


@pytest.mark.parametrize(
    ("serial", "than", "newer"),
    [
        (2, 1, True),
        (1, 1, False),
        (1, 2, False),
        (0, 0xFFFFFFFF, True),
        (0x80000000, 1, True),
        (0x80000001, 1, False),
        (0, 0x80000000, False),
    ],
)
def test_serials(serial: int, than: int, newer: bool) -> None:
    assert is_newer(serial, than) is newer
