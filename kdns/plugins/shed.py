"""shed: under more load than a socket can send, answer the newest queries instead of none in time.

::

    shed

Replies over UDP that their socket has no room for are kept, at most 1024 for each socket. The newest is sent first and
the oldest makes way, as its client is about to give up. While so many are kept, queries that arrive at that socket for
a block with `shed` are dropped without a reply, before any other plugin of the chain counts them: their clients ask
another server, or again. Without `shed` as many are kept, the first ones, and tried once more.

Where several blocks share a listener, one with `shed` is enough for the order of sending; queries are dropped in blocks
that have it. TCP is left alone.

Errors: arguments, "shed takes no options", 'only plain DNS server blocks are supported; "X" uses transport "T"', twice.
Metrics: `coredns_shed_dropped_total` with the labels `server` and `reason`: `query`, or `response` for replies that
made way or that the system would not send.

Example::

    .:1053 {
        shed
        forward . 192.0.2.53
    }
"""

from collections.abc import Coroutine
from typing import Any, Protocol, cast

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.metrics import Counter, Family


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    if line.more:
        line.rest()
        raise line.wrong_count()
    for option in line.block():
        raise option.error("shed takes no options")
    for key in site.keys:
        if key.transport != "dns":
            what = f'"{key}" uses transport "{key.transport}"'
            raise line.error(f"only plain DNS server blocks are supported; {what}")
    text = "Counter of queries and responses dropped, per server, by reason."
    dropped = site.process.registry.counter("coredns_shed_dropped_total", text, "server", "reason")
    site.offer(Stacks(dropped))
    site.chain("shed", lambda next_: Shed(next_, dropped))


class Stacks:
    """Implements `chain.roles.Shedder`."""

    def __init__(self, dropped: Family[Counter]) -> None:
        self._dropped = dropped

    def lost(self, server: str) -> Counter:
        """See `Shedder`."""
        return self._dropped.child(server, "response")


class Datagram(Protocol):
    """The ends of a query that came over UDP."""

    @property
    def is_congested(self) -> bool:
        """Whether there is no room for a reply, and so many wait that one more would push another one out."""
        ...


class Shed:
    """Turns queries away whose replies could not be sent."""

    def __init__(self, next_: Handler, dropped: Family[Counter]) -> None:
        self._next = next_
        self._dropped = dropped

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The next handler's answer, or none."""
        if query.transport.proto == "udp" and cast(Datagram, query.exchange).is_congested:
            return self._drop(query)
        return self._next.answer(query)

    async def _drop(self, query: Query) -> Answer:
        self._dropped.child(query.transport.server, "query").add()
        return DROP
