"""A zone that is kept up to date, in a time of its own (`plugins.md`, secondary)."""

import asyncio
import logging
from collections.abc import Callable, Coroutine

import pytest

from kdns.chain.zone import Zone
from kdns.plugins.secondary.copy import Copy
from kdns.plugins.secondary.primaries import TransferError
from tests.kit.loop import run
from tests.plugins.secondary.zones import zone

ORIGIN = zone().origin


class Primary:
    """Has a zone, or is down, and writes down when it was asked for what. A transfer takes `slow` seconds."""

    def __init__(self, has: Zone | None = None) -> None:
        self.has = has
        self.slow = 0.0
        self.asked: list[tuple[float, str]] = []
        self.refuses_transfers = False

    async def serial(self) -> int:
        self._note("serial")
        if self.has is None:
            raise TransferError("down")
        return self.has.serial

    async def zone(self) -> Zone:
        self._note("zone")
        await asyncio.sleep(self.slow)
        if self.has is None or self.refuses_transfers:
            raise TransferError("down")
        return self.has

    def _note(self, what: str) -> None:
        self.asked.append((asyncio.get_running_loop().time(), what))


class Seen:
    """When the zone became another one, and which."""

    def __init__(self) -> None:
        self.changes: list[tuple[float, int | None]] = []

    def __call__(self, copy: Copy) -> None:
        held = copy.zone
        self.changes.append((asyncio.get_running_loop().time(), held.serial if held else None))


def copy_of(primary: Primary, seen: Callable[[Copy], None] = lambda copy: None, **how: float) -> Copy:
    late = how.get("late", 0.0)
    return Copy(ORIGIN, primary, seen, asyncio.get_running_loop().time, lambda most: late * most)


def following(scenario: Callable[[Copy, Primary, Seen], Coroutine[object, object, None]], **how: float) -> None:
    """Run a scenario beside a copy that follows a primary, which has a zone to begin with."""

    async def main() -> None:
        primary, seen = Primary(zone()), Seen()
        copy = copy_of(primary, seen, **how)
        task = asyncio.create_task(copy.follow())
        await scenario(copy, primary, seen)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main())


async def at(time: float) -> None:
    await asyncio.sleep(time - asyncio.get_running_loop().time())


def test_it_is_fetched_and_then_asked_for_its_serial() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        assert copy.zone is None
        await at(2500)
        assert primary.asked == [(0, "zone"), (1000, "serial"), (2000, "serial")]
        assert seen.changes == [(0, 1)]
        primary.has = zone(2, refresh=10_000)
        await at(4500)
        assert primary.asked[3:] == [(3000, "serial"), (3000, "zone")]
        assert seen.changes == [(0, 1), (3000, 2)]

    following(scenario)


def test_an_older_serial_is_not_fetched() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        primary.has = zone(5)
        await at(10)
        primary.has = zone(4)
        await at(1500)
        assert seen.changes == [(0, 5)]

    following(scenario)


def test_looks_are_late_by_chance() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(10)
        primary.has = None
        await at(1300)
        assert [round(time, 1) for time, _ in primary.asked[1:]] == [1004, 1105.6, 1207.2]

    following(scenario, late=0.8)


def test_the_first_transfer_is_tried_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        primary = Primary()
        copy = copy_of(primary)
        task = asyncio.create_task(copy.follow())
        await copy.settled.wait()
        await at(47)
        assert [time for time, _ in primary.asked] == [0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 25.75, 35.75, 45.75]
        primary.has = zone()
        await at(60)
        assert copy.zone is primary.has
        task.cancel()

    run(main())
    words = "All 'example.org.' masters failed to transfer, retrying in {}: down"
    assert [record.getMessage() for record in caplog.records[:2]] == [words.format("250ms"), words.format("500ms")]


def test_failures_are_tried_again_and_the_zone_expires(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(500)
        before, primary.has = primary.has, None
        await at(1350)
        assert primary.asked[1:] == [(1000, "serial"), (1100, "serial"), (1200, "serial"), (1300, "serial")]
        await at(4999)
        assert copy.zone is before
        await at(5001)
        assert copy.zone is None
        assert seen.changes == [(0, 1), (5000, None)]
        primary.has = before
        await at(5200)
        assert copy.zone is before

    following(scenario)
    texts = [record.getMessage() for record in caplog.records]
    assert texts[:2] == ["Failed refresh check down", "Failed retry check down"]
    assert "Zone example.org. is expired" in texts


def test_a_success_in_time_keeps_it() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(500)
        before, primary.has = primary.has, None
        await at(4850)
        primary.has = before
        await at(7000)
        assert seen.changes == [(0, 1)]
        assert primary.asked[-1] == (6900, "serial")

    following(scenario)


def test_a_transfer_that_fails_is_a_failure() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(10)
        primary.has, primary.refuses_transfers = zone(2), True
        await at(1150)
        assert primary.asked[1:] == [(1000, "serial"), (1000, "zone"), (1100, "serial"), (1100, "zone")]
        primary.refuses_transfers = False
        await at(1250)
        assert seen.changes == [(0, 1), (1200, 2)]

    following(scenario)


def test_a_notice_is_looked_into_at_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(10)
        primary.has = zone(2)
        copy.notice("192.0.2.1")
        await at(20)
        assert primary.asked[1:] == [(10, "serial"), (10, "zone")]
        copy.notice("192.0.2.1")
        await at(1015)
        assert primary.asked[3:] == [(20, "serial")]
        await at(1025)
        assert primary.asked[4:] == [(1020, "serial")]

    following(scenario)
    assert [record.getMessage() for record in caplog.records] == [
        "Notify from 192.0.2.1 for example.org.: checking transfer",
        "Notify from 192.0.2.1 for example.org.: checking transfer",
        "Notify from 192.0.2.1 for example.org.: no SOA serial increase seen",
    ]


def test_notices_cause_a_look_a_second() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(10)
        for _ in range(90):
            copy.notice("192.0.2.1")
            await asyncio.sleep(0.05)
        assert [round(time) for time, _ in primary.asked[1:]] == [10, 11, 12, 13, 14]

    following(scenario)


def test_a_notice_during_a_transfer_is_looked_into_after_it() -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        primary.slow = 5.0
        await at(10)
        primary.has = zone(2)
        copy.notice("192.0.2.1")
        await at(12)
        copy.notice("192.0.2.1")
        await at(20)
        assert primary.asked[1:] == [(10, "serial"), (10, "zone"), (15, "serial")]

    following(scenario)


def test_a_notice_ends_the_wait_for_the_first_transfer() -> None:
    async def main() -> None:
        primary = Primary()
        copy = copy_of(primary)
        task = asyncio.create_task(copy.follow())
        await at(20)
        assert primary.asked[-1][0] == 15.75
        primary.has = zone()
        copy.notice("192.0.2.1")
        await at(20.5)
        assert copy.zone is primary.has
        task.cancel()

    run(main())


def test_failures_after_a_notice_are_said(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(copy: Copy, primary: Primary, seen: Seen) -> None:
        await at(10)
        primary.has = None
        copy.notice("192.0.2.1")
        await at(20)
        primary.has, primary.refuses_transfers = zone(2), True
        copy.notice("192.0.2.1")
        await at(30)

    following(scenario)
    assert [record.getMessage() for record in caplog.records] == [
        "Notify from 192.0.2.1 for example.org.: failed primary check: down",
        "Notify from 192.0.2.1 for example.org.: transfer failed: down",
    ]


def test_one_that_has_ended_takes_nothing() -> None:
    async def main() -> None:
        primary, seen = Primary(zone()), Seen()
        primary.slow = 5.0
        copy = copy_of(primary, seen)
        task = asyncio.create_task(copy.follow())
        await at(1)
        copy.end()
        await task
        assert (copy.zone, seen.changes) == (None, [])
        other = copy_of(Primary(zone()), seen)
        task = asyncio.create_task(other.follow())
        await at(20)
        other.end()
        await task

    run(main())


def test_it_may_begin_with_what_another_has() -> None:
    async def main() -> None:
        first, second = copy_of(Primary(zone())), copy_of(Primary())
        task = asyncio.create_task(first.follow())
        await first.settled.wait()
        second.inherit(first)
        assert second.zone is first.zone is not None
        task.cancel()

    run(main())


def test_lines_that_others_cause_are_one_a_second(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        copy = copy_of(Primary())
        for _ in range(25):
            copy.say(logging.ERROR, "again")
            await asyncio.sleep(0.1)

    run(main())
    assert len(caplog.records) == 3
