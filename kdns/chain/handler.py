"""The one protocol of a plugin's handler, and the end of every chain."""

from collections.abc import Callable
from typing import Protocol

from kdns.chain.answer import Answer, refuse
from kdns.chain.query import Query
from kdns.wire import codes


class Handler(Protocol):
    """One link of a chain.

    Not answering is asking the next link; falling through is the same. A handler that never waits costs no task: the
    server drives the coroutine by hand and only a future makes it wait. Futures, also those of tasks, may be awaited;
    what needs a current task (`asyncio.timeout`) may not be used except inside a task of the plugin's own.
    """

    async def answer(self, query: Query) -> Answer:
        """The answer to a query. Failures are answers too: see `refuse`."""
        ...


Link = Callable[[Handler], Handler]
"""Makes a handler that has another behind it."""


class End:
    """What stands behind the last plugin (`corefile.md` section 8): SERVFAIL, and why."""

    def __init__(self, last: str) -> None:
        self._answer = refuse(codes.SERVFAIL, f"plugin/{last}: no next plugin found")

    async def answer(self, query: Query) -> Answer:
        """SERVFAIL by code."""
        return self._answer
