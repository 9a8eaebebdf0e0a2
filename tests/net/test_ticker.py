"""The coarse timer: never early, at most two periods late, silent when there is nothing to wait for."""

import asyncio

from kdns.net.ticker import PERIOD, Ticker
from tests.kit.loop import run


def test_it_sweeps_each_period_until_there_is_nothing_left() -> None:
    async def main() -> list[float]:
        swept: list[float] = []

        def sweep(time: float) -> bool:
            swept.append(time)
            return len(swept) < 3

        ticker = Ticker(sweep)
        ticker.start()
        await asyncio.sleep(10)
        assert not ticker.running
        ticker.start()
        await asyncio.sleep(10)
        return swept

    swept = run(main())
    assert [round(time / PERIOD) for time in swept] == [1, 2, 3, 201]


def test_a_deadline_is_never_early_and_at_most_two_periods_late() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        deadline = 1e9
        struck: list[float] = []

        def sweep(time: float) -> bool:
            if time >= deadline and not struck:
                struck.append(time)
            return True

        ticker = Ticker(sweep)
        ticker.start()
        for step in range(20):
            await asyncio.sleep(PERIOD * step / 20)
            begun, deadline = loop.time(), ticker.now + 1
            struck.clear()
            await asyncio.sleep(2)
            assert 1 <= struck[0] - begun <= 1 + 2 * PERIOD + 1e-9
        ticker.stop()

    run(main())


def test_after_a_blocked_loop_replies_are_read_before_anybody_is_given_up() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        swept: list[float] = []
        ticker = Ticker(lambda time: swept.append(time) is None)  # type: ignore[func-returns-value]
        ticker.start()
        loop._passing.passed += 5.0  # type: ignore[attr-defined]
        await asyncio.sleep(PERIOD / 2)
        assert swept == []
        await asyncio.sleep(PERIOD)
        assert len(swept) == 1
        ticker.stop()
        return swept

    assert run(main())[0] > 5


def test_it_sweeps_also_when_every_tick_is_late() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        swept: list[float] = []
        ticker = Ticker(lambda time: swept.append(time) is None)  # type: ignore[func-returns-value]
        ticker.start()
        for _ in range(20):
            loop._passing.passed += 5 * PERIOD  # type: ignore[attr-defined]
            await asyncio.sleep(PERIOD)
        ticker.stop()
        return len(swept)

    assert run(main()) >= 9


def test_stopped_is_stopped_even_in_the_middle_of_a_sweep() -> None:
    async def main() -> int:
        swept: list[float] = []

        def sweep(time: float) -> bool:
            swept.append(time)
            ticker.stop()
            return True

        ticker = Ticker(sweep)
        ticker.start()
        await asyncio.sleep(1)
        ticker.start()
        ticker.stop()
        await asyncio.sleep(1)
        return len(swept)

    assert run(main()) == 1
