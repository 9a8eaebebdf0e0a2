"""minimal: leave out of positive answers what was not asked for.

::

    minimal

The authority and additional sections of successful answers are emptied, with any EDNS option that a later plugin gave
them; also of those that are empty without saying why. Denials need their SOA and delegations their NS, so these pass
unchanged, as do errors.

Errors: an argument, "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        minimal
        forward . 192.0.2.53
    }
"""

from collections.abc import Callable

from kdns.chain import classify
from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        line.end()
    site.chain("minimal", lambda next_: Minimal(next_, site.process.time))


class Minimal:
    """Strips positive answers. `time` is Unix time in seconds, for the validity of signatures."""

    def __init__(self, next_: Handler, time: Callable[[], float]) -> None:
        self._next = next_
        self._time = time

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer with its answer section alone, if it is positive."""
        answer = await self._next.answer(query)
        if not (answer.written and (answer.authority or answer.additional or answer.options)):
            return answer
        if classify.kind(query, answer, self._time()) != classify.NOERROR:
            return answer
        return answer.replace(authority=(), additional=(), options=())
