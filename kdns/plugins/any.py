"""any: answer questions of type ANY with as little as RFC 8482 allows.

::

    any

An ANY query gets one HINFO record `"ANY obsoleted" "See RFC 8482"` with TTL 8482, so a small query is no lever for
a large reply. Other types go to the next plugin.

Errors: an argument, "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        any
        whoami
    }
"""

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.wire import codes, rdata
from kdns.wire.record import Record

_ANSWER = Answer(answer=(Record(None, codes.HINFO, rdata.txt(b"ANY obsoleted", b"See RFC 8482"), 8482),))


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    for line in args:
        line.end()
    site.chain("any", Any)


class Any:
    """Answers ANY."""

    def __init__(self, next_: Handler) -> None:
        self._next = next_

    async def answer(self, query: Query) -> Answer:
        """The one HINFO record (RFC 8482 section 4.2), or the next handler's answer."""
        return _ANSWER if query.question.type == codes.ANY else await self._next.answer(query)
