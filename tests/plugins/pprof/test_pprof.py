import asyncio
import re
import sys
from collections.abc import Callable

import pytest

from kdns.corefile import ConfigError
from kdns.net.errors import ListenError
from kdns.plugins.pprof import seconds
from tests.kit.chain import root_chain
from tests.kit.http import fetch
from tests.kit.upstream import unused_port


@pytest.fixture
def port() -> int:
    return unused_port()


async def test_pages(port: int) -> None:
    chain = root_chain(f"pprof 127.0.0.1:{port}")
    async with chain.running():
        index = await fetch(port, "/debug/pprof/")
        assert index.status == 200
        assert {"cmdline", "heap"} < set(index.body.split())
        moved = await fetch(port, "/debug/pprof")
        assert (moved.status, moved.headers["location"]) == (302, "/debug/pprof/")
        assert (await fetch(port, "/debug/pprof/cmdline")).body.split("\0") == sys.orig_argv
        heap = await fetch(port, "/debug/pprof/heap")
        assert re.match(r" +objects +octets type\n +\d+ +\d+ all \d+ types\n", heap.body)
        assert (await fetch(port, "/")).status == 404
    with pytest.raises(ConnectionRefusedError):
        await fetch(port, "/debug/pprof/")
    assert chain.links == {}


async def test_a_profile_takes_its_time(port: int) -> None:
    """By the clock of the process, which the test moves."""
    chain = root_chain(f"pprof 127.0.0.1:{port}")
    async with chain.running():
        asked = asyncio.create_task(fetch(port, "/debug/pprof/profile?seconds=7"))
        await asyncio.sleep(0.05)
        chain.clock.advance(6.9)
        busy = await fetch(port, "/debug/pprof/profile")
        assert (busy.status, busy.body) == (500, "Could not enable CPU profiling: cpu profiling already in use\n")
        assert not asked.done()
        chain.clock.advance(0.2)
        found = await asked
        assert found.status == 200
        assert found.headers["content-type"] == "text/plain; charset=utf-8"
        assert all(re.fullmatch(r"\S+ \d+", line) for line in found.body.splitlines())


async def test_the_end_does_not_wait_for_a_profile(port: int) -> None:
    chain = root_chain(f"pprof 127.0.0.1:{port}")
    async with asyncio.timeout(4):
        async with chain.running():
            asked = asyncio.create_task(fetch(port, "/debug/pprof/profile?seconds=300"))
            await asyncio.sleep(0.05)
        assert (await asked).status == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), ("301", 300), ("99999999999", 30), ("", 30), ("0", 30), ("-1", 30), ("1.5", 30), ("ten", 30), ("²", 30)],
)
def test_seconds(text: str, expected: int) -> None:
    assert seconds({"seconds": text}) == expected


def test_seconds_by_default() -> None:
    assert seconds({}) == 30


async def test_an_address_that_cannot_be_opened_is_fatal(printed: Callable[[], list[str]]) -> None:
    chain = root_chain("pprof 192.0.2.1:6053")
    text = "listen tcp 192.0.2.1:6053: bind: cannot assign requested address"
    with pytest.raises(ListenError, match=text):
        await chain.fire("startup")
    assert printed() == [f"[ERROR] plugin/pprof: Failed to start pprof handler: {text}"]
    await chain.fire("shutdown")


async def test_a_successor_starts_before_it_ends(port: int) -> None:
    old, new = (root_chain(f"pprof 127.0.0.1:{port}") for _ in range(2))
    await old.fire("startup")
    await new.fire("startup")
    await old.fire("shutdown")
    assert (await fetch(port, "/debug/pprof/")).status == 200
    await new.fire("shutdown")


@pytest.mark.parametrize("text", ["pprof", "pprof {\n block\n}", "pprof :6060 {\n block 100\n}"])
def test_what_is_taken(text: str) -> None:
    assert len(root_chain(text).hooks.startup) == 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("pprof localhost", "address localhost: missing port in address"),
        ("pprof :1 :2", "Wrong argument count or unexpected line ending after ':2'"),
        ("pprof :1\npprof :2", "this plugin can only be used once per Server Block"),
        ("pprof {\n block 1 2\n}", "Wrong argument count or unexpected line ending after '2'"),
        ("pprof {\n block fast\n}", "property 'block' invalid integer value 'fast'"),
        ("pprof {\n mutex\n}", "unknown property 'mutex'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/pprof: Corefile:")
    assert raised.value.message == error
