"""What tests of outgoing questions share: upstreams that are closed in the end, and time that passes by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kdns.net.upstream import Upstream
from tests.kit.upstream import Clock, MakeUpstream, Tally


def open_files() -> int:
    """Files and sockets of this process."""
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
async def upstream_at(clock: Clock, tally: Tally) -> AsyncIterator[MakeUpstream]:
    """`upstream_at(port)` is closed after the test. Its time stands still unless the clock is advanced."""
    made: list[Upstream] = []

    def upstream_at(port: int, address: str = "127.0.0.1", **options: Any) -> Upstream:
        made.append(Upstream(address, port, observer=tally, ticker=clock.ticker, **options))
        return made[-1]

    yield upstream_at
    for upstream in made:
        upstream.close()
