"""A cluster of 10 000 Services taken over from a server in another process, beside a loop that must keep turning."""

import asyncio
import gc
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kdns.cluster.client import Client
from kdns.cluster.credentials import Endpoint
from kdns.cluster.index import Index
from kdns.cluster.kinds import ENDPOINT_SLICES, NAMESPACES, SERVICES
from kdns.cluster.mirror import Mirror
from kdns.cluster.source import ApiSource
from tests.kit.until import until

ROOT = Path(__file__).parents[2]
LONGEST = 0.02
"""Seconds of the loop's own CPU time between two turns; wall time would blame kdns for a busy machine."""

pytestmark = [pytest.mark.slow, pytest.mark.integration]


@pytest.fixture(params=["--bookmarks=60", "--no-streaming"], ids=["streamed", "whole list"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    command = [sys.executable, "-m", "tests.kit.api", "--services=10000", "--endpoints=20000", request.param]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().split()[0]
        server.terminate()


async def test_the_loop_keeps_turning(url: str) -> None:
    longest = 0.0

    async def turn() -> None:
        nonlocal longest
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - before)

    mirror = Mirror(Index(), time.time, lambda touched: None, (SERVICES, NAMESPACES, ENDPOINT_SLICES))
    source = ApiSource(Client(Endpoint(url, environ={})), mirror)
    gc.collect()
    gc.freeze()
    tasks = [asyncio.create_task(turn()), asyncio.create_task(source.run())]
    await until(lambda: mirror.synced, limit=60)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    gc.unfreeze()
    assert len(mirror.index.places(SERVICES)) == 10_000
    assert longest < LONGEST
