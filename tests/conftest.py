"""What every test may ask for: an event loop that must not be blocked, and the programs that real clients are.

A coroutine test runs on the stock event loop. To run it on uvloop as well, mark it (or its module) with

    pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

While it runs, kdns code that blocks the loop (a file read, a sleep, a lock, a blocking socket) raises `BlockingError`.
The test's own code may block. Where kdns is known to read a file on the loop and may, the test names the place:

    def test_x(blockbuster): blockbuster.functions["io.BufferedReader.read"].can_block_in("kdns/x.py", "f")

Tests with real programs carry the mark `clients` and take `require_tool`; what needs more than that takes `require`.
With KDNS_REQUIRE_CLIENTS set, as in CI, what is missing fails the test instead of skipping it.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings
from pytest_asyncio import is_async_test

# The same examples in every run, whatever the machine's speed; `--hypothesis-profile=default` looks for new ones.
settings.register_profile("kdns", derandomize=True, database=None, deadline=None)
settings.load_profile("kdns")

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
Require = Callable[[bool, str], None]
RequireTool = Callable[[str], str]


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The stock loop for every test; uvloop beside it for those whose `asyncio` mark names it."""
    factories: dict[str, LoopFactory] = {"asyncio": asyncio.new_event_loop}
    mark = item.get_closest_marker("asyncio")
    if sys.platform == "linux" and mark is not None and "loop_factories" in mark.kwargs:
        import uvloop

        factories["uvloop"] = uvloop.new_event_loop
    return factories


@pytest.fixture(autouse=True)
def blockbuster(request: pytest.FixtureRequest) -> Iterator[BlockBuster | None]:
    """Make kdns code that blocks the event loop fail the test; None in a test that is no coroutine."""
    with blockbuster_ctx("kdns") if is_async_test(request.node) else nullcontext() as guard:
        yield guard


@pytest.fixture(scope="session")
def require() -> Require:
    """`require(found, reason)` skips with the reason where something is missing, or fails if nothing may be."""

    def require(found: bool, reason: str) -> None:
        if found:
            return
        if os.environ.get("KDNS_REQUIRE_CLIENTS"):
            pytest.fail(f"{reason} (KDNS_REQUIRE_CLIENTS is set)", pytrace=False)
        pytest.skip(reason)

    return require


@pytest.fixture(scope="session")
def require_tool(require: Require) -> RequireTool:
    """`require_tool("dig")` is the program's path; where it is missing the test skips, or fails if it must not."""

    def require_tool(name: str) -> str:
        path = shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")
        require(path is not None, f"{name} is not installed")
        assert path is not None
        return path

    return require_tool
