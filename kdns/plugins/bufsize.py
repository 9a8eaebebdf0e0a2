"""bufsize: replies over UDP that are small enough not to be fragmented.

::

    bufsize [SIZE]

Lowers the EDNS size of queries to SIZE, 512 to 4096 octets, default 1232: that size is what upstreams are told, what
replies are cut to, and what the client is told back. Smaller sizes and queries without EDNS stay as they are. Over TCP
only the size that is told changes. The first line counts.

Errors: more than one argument, or one that is not a number from 512 to 4096, "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        bufsize 1100
        forward . 192.0.2.53
    }
"""

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, parse_integer

DEFAULT = 1232
"""Octets that fit into every packet of the Internet with room for tunnels (DNS flag day 2020)."""
MIN, MAX = 512, 4096


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    size, *_ = [_size(line) for line in args]
    site.chain("bufsize", lambda next_: Bufsize(next_, size))


def _size(line: Line) -> int:
    if not line.more:
        return DEFAULT
    text = line.text()
    line.end()
    try:
        size = parse_integer(text)
    except ValueError:
        raise line.wrong_count() from None
    if not MIN <= size <= MAX:
        raise line.wrong_count()
    return size


class Bufsize:
    """Lowers sizes."""

    def __init__(self, next_: Handler, size: int) -> None:
        self._next = next_
        self._size = size

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, asked for and to be sent with no more than the size."""
        edns = query.edns
        if edns is None or edns.size <= self._size:
            return await self._next.answer(query)
        answer = await self._next.answer(query.replace(edns=edns._replace(size=self._size)))
        return answer if answer is DROP else answer.replace(payload=self._size)
