"""The one protocol of a plugin's handler, and the end of every chain."""

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class ByZone(Protocol):
    """A handler to which names in a zone are all alike, in any letter case and with any cookie.

    But for what those behind it say of them.
    """

    @property
    def deepest(self) -> int:
        """Labels of the longest zone that it tells apart."""
        ...


@runtime_checkable
class Denier(ByZone, Protocol):
    """A handler that can tell what one missing name says of others (`Basis.absent`)."""

    siblings: int
    """Fewest labels of a name of which that may be said, for nobody in front makes a difference; 0 is never."""


def let_deny(handlers: Iterable[object], deepest: int) -> None:
    """Let the first `Denier` of a chain, outermost handler first, speak of siblings if all in front judge by zones.

    `deepest` is the number of labels of the longest zone by which the chain itself is chosen.
    """
    for handler in handlers:
        if not isinstance(handler, ByZone):
            return
        deepest = max(deepest, handler.deepest)
        if isinstance(handler, Denier):
            handler.siblings = deepest + 1
            return


Link = Callable[[Handler], Handler]
"""Makes a handler that has another behind it."""


class End:
    """What stands behind the last plugin (`corefile.md` section 8): SERVFAIL, and why."""

    def __init__(self, last: str) -> None:
        self._answer = refuse(codes.SERVFAIL, f"plugin/{last}: no next plugin found")

    async def answer(self, query: Query) -> Answer:
        """SERVFAIL by code."""
        return self._answer
