"""Waiting in tests: for what must come true, not for time to pass."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], object], limit: float = 10.0) -> None:
    """Give the loop turns until `condition` holds; a failure after `limit` seconds."""
    async with asyncio.timeout(limit):
        while not condition():  # noqa: ASYNC110 - the condition belongs to code that knows no events
            await asyncio.sleep(0.001)
