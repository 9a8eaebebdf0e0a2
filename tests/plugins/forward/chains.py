"""Chains in front of make-believe resolvers, in time that passes by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.kit.chain import Chain, Clock, root_chain
from tests.kit.upstream import Ask, FakeUpstream, Script, Steps, answer, reply


class LoopClock(Clock):
    """The running loop's time, which `tests.kit.loop` moves."""

    def __call__(self) -> float:
        return asyncio.get_running_loop().time()


def forward(*resolvers: FakeUpstream | int, options: str = "", zone: str = ".") -> str:
    """The directive for resolvers on loopback, or ports there."""
    words = [f"127.0.0.1:{each if isinstance(each, int) else each.port}" for each in resolvers]
    return f"forward {zone} {' '.join(words)} {{\n{options}\n}}"


@asynccontextmanager
async def forwarding(*resolvers: FakeUpstream | int, options: str = "", **how: Any) -> AsyncIterator[Chain]:
    """A running chain that forwards everything to these."""
    chain = root_chain(forward(*resolvers, options=options), clock=LoopClock(), **how)
    async with chain.running():
        yield chain


def addresses(v4: str | None, v6: str | None) -> Script:
    """A script that knows these addresses of every name."""

    def script(ask: Ask) -> Steps:
        wanted = v4 if ask.question[-4:-2] == b"\0\1" else v6
        return [reply(ask) if wanted is None else answer(ask, wanted)]

    return script
