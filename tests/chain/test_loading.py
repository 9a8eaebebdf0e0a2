"""Answers that rest on a load wait for it, others do not."""

import asyncio

from kdns.chain.answer import Answer
from kdns.chain.loading import AfterLoad
from kdns.chain.zones import Zones
from kdns.wire import codes
from tests.kit.chain import Next
from tests.kit.query import query


class Load:
    """A load that the test lets end, done or out of time."""

    def __init__(self) -> None:
        self.end = asyncio.Event()
        self.asked = 0
        self.done = False

    def ready(self) -> bool:
        return self.done

    async def settled(self) -> None:
        self.asked += 1
        await self.end.wait()


async def test_questions_in_the_zones_wait_once() -> None:
    load = Load()
    link = AfterLoad(Next(Answer(rcode=codes.NOERROR)), Zones(("example.org.",)), [load])
    waiting = [asyncio.create_task(link.answer(query(f"{name}.example.org"))) for name in ("a", "b")]
    await asyncio.sleep(0)
    assert (await link.answer(query("www.example.com"))).rcode == codes.NOERROR
    assert not any(task.done() for task in waiting)
    load.done = True
    load.end.set()
    assert [(await task).rcode for task in waiting] == [codes.NOERROR, codes.NOERROR]
    await link.answer(query("c.example.org"))
    assert load.asked == 2


async def test_a_load_that_had_its_time_is_asked_again_and_holds_nobody_up() -> None:
    load = Load()
    link = AfterLoad(Next(Answer(rcode=codes.NOERROR)), Zones(("example.org.",)), [load])
    load.end.set()
    for _ in range(2):
        assert (await link.answer(query("a.example.org"))).rcode == codes.NOERROR
    assert load.asked == 2
