import asyncio

import pytest

from kdns.chain.answer import Answer, refuse
from kdns.chain.query import Query
from kdns.corefile import ConfigError
from kdns.plugins.cancel import Cancel
from kdns.wire import codes
from tests.kit.chain import root_chain
from tests.kit.house import Ends, House, packet
from tests.kit.loop import run
from tests.kit.query import query
from tests.kit.upstream import unused_port

LATE = refuse(codes.SERVFAIL, "context deadline exceeded")
ANSWER = Answer(flags=codes.AA)


class Slow:
    """Answers after so many seconds, and tells how it ended."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.ended = ""

    async def answer(self, query: Query) -> Answer:
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "answered"
        return ANSWER


@pytest.mark.parametrize(
    ("text", "limit"),
    [("cancel", 5.001), ("cancel 1500ms", 1.5), ("cancel 1s\ncancel 2s", 2.0), ("cancel 300us", 0.0003)],
)
def test_the_limit(text: str, limit: float) -> None:
    async def scenario() -> None:
        early, late = Slow(limit * 0.9), Slow(limit * 1.1)
        assert await root_chain(text, behind=early).asked("web.example") is ANSWER
        begun = asyncio.get_running_loop().time()
        assert await root_chain(text, behind=late).asked("web.example") == LATE
        assert asyncio.get_running_loop().time() - begun == pytest.approx(limit)
        assert (early.ended, late.ended) == ("answered", "cancelled")

    run(scenario())


async def test_what_is_given_up_is_not_kept() -> None:
    asked = query("web.example")
    assert await root_chain("cancel 1ms", behind=Slow(60)).top.answer(asked) == LATE
    assert asked.basis.fleeting


async def test_a_time_out_of_something_else_is_that_one_s() -> None:
    class Broken:
        async def answer(self, query: Query) -> Answer:
            raise TimeoutError("of something else")

    with pytest.raises(TimeoutError, match="something else"):
        await Cancel(Broken(), 60).answer(query("web.example"))


async def test_a_query_that_is_abandoned_leaves_nothing_behind() -> None:
    slow = Slow(60)
    work = Cancel(slow, 60).answer(query("web.example"))
    work.send(None)
    await asyncio.sleep(0)
    work.close()
    for _ in range(3):
        await asyncio.sleep(0)
    assert slow.ended == "cancelled"


async def test_a_silent_upstream() -> None:
    house = House(f".:53 {{\n cancel 20ms\n forward . 127.0.0.1:{unused_port()}\n whoami\n}}\n")
    async with house.running():
        ends = Ends()
        assert house.ask_now(packet("web.example"), ends) is None
        await ends.arrived.wait()
        assert ends.replies[0][3] & 15 == codes.SERVFAIL
        assert not house.service().waiting


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("cancel 1s 2s", "Wrong argument count or unexpected line ending after '2s'"),
        ("cancel soon", 'invalid duration: "soon"'),
        ("cancel 5", 'invalid duration: "5"'),
        ("cancel 0", 'invalid negative duration: "0"'),
        ("cancel -1s", 'invalid negative duration: "-1s"'),
        ("cancel {\n after 1s\n}", "unknown property 'after'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/cancel: Corefile:")
    assert raised.value.message == error
