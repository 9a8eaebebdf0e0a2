"""cancel: give up on queries that take too long.

::

    cancel [DURATION]

A query that has no answer after DURATION, default 5.001s, is answered with SERVFAIL, and no upstream is asked for it
any longer. It is neither logged nor counted by the plugins it was given up in.

Errors: 'invalid duration: "X"', 'invalid negative duration: "X"' (0 too), more than one argument. Metrics: none.

Example::

    .:1053 {
        cancel 1500ms
        forward . 192.0.2.53
    }
"""

import asyncio

from kdns.chain.answer import Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes

DEFAULT = 5.001
"""Seconds, a little more than clients wait."""

_FAILED = refuse(codes.SERVFAIL, "context deadline exceeded")


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    seconds = DEFAULT
    for line in args:
        seconds = _seconds(line)
    site.chain("cancel", lambda next_: Cancel(next_, seconds))


def _seconds(line: Line) -> float:
    if not line.more:
        return DEFAULT
    seconds = line.duration(wrong='invalid duration: "{word}"')
    word = line.token.text
    line.end()
    if seconds <= 0:
        raise line.error(f'invalid negative duration: "{word}"')
    return seconds


class Cancel:
    """Puts a limit to the time of everything behind it."""

    def __init__(self, next_: Handler, seconds: float) -> None:
        self._next = next_
        self._seconds = seconds

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, or SERVFAIL when its time is over.

        A limit needs a task of its own, which costs more than most answers: only blocks with this plugin pay for it.
        """
        task = asyncio.get_running_loop().create_task(self._within(query))
        try:
            return await task
        finally:
            task.cancel()

    async def _within(self, query: Query) -> Answer:
        try:
            async with asyncio.timeout(self._seconds) as limit:
                return await self._next.answer(query)
        except TimeoutError:
            if not limit.expired():
                raise
            query.basis.fleeting = True
            return _FAILED
