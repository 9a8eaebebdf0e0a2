import asyncio

import pytest

from kdns.cluster.throttle import Throttle


class Time:
    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_a_burst_goes_through_and_the_rest_at_the_rate() -> None:
    time = Time()
    throttle = Throttle(qps=4.0, burst=3, clock=time.clock, sleep=time.sleep)
    assert [await throttle.wait() for _ in range(6)] == [0, 0, 0, 0.25, 0.25, 0.25]
    assert time.now == 0.75


async def test_tokens_come_back_up_to_the_burst() -> None:
    time = Time()
    throttle = Throttle(qps=1.0, burst=2, clock=time.clock, sleep=time.sleep)
    for _ in range(2):
        await throttle.wait()
    time.now += 1000
    assert [await throttle.wait() for _ in range(3)] == [0, 0, 1]


async def test_without_settings_five_a_second_after_ten() -> None:
    time = Time()
    throttle = Throttle(clock=time.clock, sleep=time.sleep)
    assert [await throttle.wait() for _ in range(11)] == [0] * 10 + [pytest.approx(0.2)]


async def test_waiters_queue_up() -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    throttle = Throttle(qps=2.0, burst=1, clock=lambda: 0.0, sleep=sleep)
    await asyncio.gather(*(throttle.wait() for _ in range(4)))
    assert slept == [0.5, 1.0, 1.5]
