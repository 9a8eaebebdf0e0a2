"""loop: find out at start whether forwarded queries come back, and end the process if so.

::

    loop

A server that forwards to itself, in a circle of any length, would answer nothing and burn its CPU. At every start and
reload a query with a name that cannot be guessed, below the first zone of the block, is sent to the block's own
listener. It goes the way of all queries. Seen for the third time, it has come back twice: that is a loop, one line says
which, and the process ends with status 1. The first reply to it, or 30 seconds, end the search until the next start.

Only exactly the query of this start counts (CVE-2026-26018): other names of that form do nothing, at any time. Once in
a block, without arguments. No metrics.

Example::

    .:1053 {
        loop
        forward . 192.0.2.1
    }
"""

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from contextlib import closing, suppress
from itertools import cycle
from typing import Any

from kdns.chain.answer import Answer, refuse
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments
from kdns.net.failures import UpstreamError, host_port
from kdns.net.limits import Limits
from kdns.net.upstream import Upstream
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER

log = logging.getLogger("kdns.loop")

SEARCH = 30.0
"""Seconds that a loop is looked for."""
RETRY = 1.0
"""Seconds from a failed probe to the next."""
TIMEOUT = 2.0
"""Seconds that a probe's reply may take."""
ENOUGH = 3
"""Sights of the probe that prove a loop."""

_HINFO_IN = codes.HINFO.to_bytes(2, "big") + codes.IN.to_bytes(2, "big")
_LOCALHOST = ("127.0.0.1", "::1")
_MESSAGE = (
    'Loop (%s -> %s) detected for zone "%s", see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO %s"'
)


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    args.once().end()
    search = Search(site)
    site.chain("loop", lambda next_: Loop(next_, search))

    async def start() -> None:
        site.wiring.spawn(search.run())

    site.once.startup.append(start)


class Search:
    """The search of one start. `on` says whether it still goes on."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._key = site.keys[0]
        self._text = f"{secrets.randbits(62)}.{secrets.randbits(62)}.{self._key.zone.removeprefix('.')}"
        self._name = b""
        self._listen = ""
        self._seen = 0
        with suppress(WireError):  # the zone may leave no room for it
            self._name = name.from_text(self._text).lower()
        self.on = bool(self._name) and self._key.transport == "dns" and self._key.port > 0

    async def run(self) -> None:
        """Ask until there is a reply, or until time is up."""
        hosts = self._site.listen.hosts or []
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(SEARCH):
                    for host in cycle(hosts[:1] or _LOCALHOST):
                        if not self.on or await self._is_answered(host) or self._seen >= ENOUGH:
                            break
                        self._seen = 0
                        await asyncio.sleep(RETRY)
        finally:
            self.on = self._seen >= ENOUGH  # until the process ends its own probes go no further round

    async def _is_answered(self, host: str) -> bool:
        self._listen = host_port(host if self._site.listen.hosts else "", self._key.port)
        head = HEADER.pack(0, codes.RD, 1, 0, 0, 0)
        try:
            with closing(Upstream(host, self._key.port, limits=Limits(ports=1))) as listener:
                await listener.exchange(head + self._name + _HINFO_IN, timeout=TIMEOUT)
        except (UpstreamError, ValueError):
            return False
        return True

    def sees(self, query: Query) -> bool:
        """Take note of a query; whether it proved a loop."""
        if query.question.folded != self._name:
            return False
        self._seen += 1
        if self._seen == ENOUGH:
            log.critical(_MESSAGE, host_port(*query.client), self._listen, self._key.zone, self._text)
            self._site.process.stop(1)
        return self._seen >= ENOUGH


class Loop:
    """Counts probes; asks the next handler for everything."""

    def __init__(self, next_: Handler, search: Search) -> None:
        self._next = next_
        self._search = search

    def part(self) -> Part:
        """See `chain.fastpath`: probes are not plain."""
        return Part()

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The next handler's answer; SERVFAIL for a probe that came back too often."""
        if query.question.type == codes.HINFO and self._search.on:
            return self._look(query)
        return self._next.answer(query)

    async def _look(self, query: Query) -> Answer:
        query.basis.fleeting = True
        return refuse(codes.SERVFAIL) if self._search.sees(query) else await self._next.answer(query)
