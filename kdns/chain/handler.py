"""The one protocol of a plugin's handler, and the end of every chain."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from kdns.chain.answer import Answer, refuse
from kdns.chain.query import Query
from kdns.wire import codes


class Handler(Protocol):
    """One link of a chain.

    Not answering is asking the next link; falling through is the same. A handler that never waits costs no task: the
    server drives the coroutine by hand and only a future makes it wait. Futures, also those of tasks, may be awaited;
    what needs a current task (`asyncio.timeout`) may not be used except inside a task of the plugin's own.
    """

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The answer to a query, usually an `async def`. Failures are answers too: see `refuse`.

        What only chooses who answers may return the other's coroutine instead of awaiting it.
        """
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
