"""Asking anew for what is kept: before its end (`prefetch`), or after it (`serve_stale`, RFC 8767).

A stale entry gives way only to an answer that says something: NOERROR or NXDOMAIN, whole, to its question. In the
background each entry is asked for once at a time, and all of them by a bounded number of tasks.
"""

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Any

from msgspec import Struct

from kdns.chain.answer import Answer
from kdns.chain.basis import Basis
from kdns.chain.classify import META, NOERROR, OTHERERROR, SERVERERROR, UPDATE
from kdns.chain.query import Query, Transport
from kdns.plugins.cache.counts import Counts
from kdns.plugins.cache.entry import Entry
from kdns.plugins.cache.fetch import Fetched, Fetcher, belongs
from kdns.plugins.cache.options import Options
from kdns.plugins.cache.stores import Stores
from kdns.wire import codes

MAX_TASKS = 1024
"""Most refreshes of one cache in the background; an entry whose turn does not come stays as it is."""


class Nobody(Struct, frozen=True):
    """The ends of a query that no client waits for."""

    client: tuple[str, int] = ("0.0.0.0", 0)  # noqa: S104 - an address that nobody has
    local: str = "0.0.0.0"  # noqa: S104


_NOBODY = Nobody()


class Refresher:
    """Asks anew."""

    def __init__(
        self,
        fetcher: Fetcher,
        options: Options,
        stores: Stores,
        clock: Callable[[], float],
        spawn: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._fetcher = fetcher
        self._stores = stores
        self._prefetch = options.prefetch
        self._stale = options.stale
        self._keepttl = options.keepttl
        self._prefer_positive = options.prefer_positive
        self._clock = clock
        self._spawn = spawn
        self._tasks = 0

    def prefetch(self, query: Query, entry: Entry, counts: Counts, now: float) -> None:
        """Note a hit of a fresh entry, and ask anew if it is popular and close to its end."""
        prefetch = self._prefetch
        entry.count_hit(now, prefetch.window)
        if entry.hits >= prefetch.amount and entry.left(now) <= math.ceil(prefetch.percentage / 100 * entry.ttl):
            self.refresh(query, entry, counts, now, stale=False)

    def refresh(self, query: Query, entry: Entry, counts: Counts, now: float, *, stale: bool) -> None:
        """Ask anew in the background, over TCP so that no answer is cut short; once at a time, not too soon."""
        if self._tasks >= MAX_TASKS or not entry.begin_refresh(now, self._recheck(stale=stale)):
            return
        self._tasks += 1
        counts.prefetches.value += 1
        transport = Transport("tcp", query.transport.family, query.transport.server)
        detached = query.replace(transport=transport, exchange=_NOBODY, basis=Basis())
        self._spawn(self._refresh(detached, entry, counts, now, stale=stale))

    async def _refresh(self, query: Query, entry: Entry, counts: Counts, now: float, *, stale: bool) -> None:
        refreshed = False
        try:
            refreshed = await self._renew(query, entry, counts, stale=stale) is not None
        finally:
            self._tasks -= 1
            entry.end_refresh(self._clock(), self._recheck(stale=stale), refreshed=refreshed)
        if refreshed:
            self._stores.inherit(entry, now)

    async def verify(self, query: Query, entry: Entry, counts: Counts, now: float) -> Answer | None:
        """Ask before a stale entry is served; `None` if it is to be served."""
        recheck, timeout = self._stale.recheck, self._stale.timeout
        if timeout and self._tasks >= MAX_TASKS:
            return None
        if recheck and not entry.begin_refresh(now, recheck):
            return None
        if not timeout:
            return await self._verify(query, entry, counts)
        self._tasks += 1
        done: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        timer = done.get_loop().call_later(timeout, _settle, done, None)
        self._spawn(self._verify_for(done, query.replace(basis=Basis()), entry, counts))
        answer = await done
        timer.cancel()
        return None if answer is None else self._kept(query, entry, answer)

    async def _verify(self, query: Query, entry: Entry, counts: Counts) -> Answer | None:
        answer = None
        try:
            answer = await self._renew(query, entry, counts, stale=True)
        finally:
            if self._stale.recheck:
                entry.end_refresh(self._clock(), self._stale.recheck, refreshed=answer is not None)
        return answer

    async def _verify_for(
        self, done: asyncio.Future[Answer | None], query: Query, entry: Entry, counts: Counts
    ) -> None:
        answer = None
        try:
            answer = await self._verify(query, entry, counts)
        finally:
            self._tasks -= 1
            _settle(done, answer)

    async def _renew(self, query: Query, entry: Entry, counts: Counts, *, stale: bool) -> Answer | None:
        """Ask anew; `None` if the answer may not take the place of a stale entry."""
        fetched = await self._fetcher.fetch(query.replace(flags=query.flags | codes.RD))
        replaces = self._replaces(query, fetched)
        if stale and not replaces:
            if self._prefer_positive and _is_no_failure(query, fetched):
                self._fetcher.take(query, entry.key, counts, fetched)
            return None
        if replaces and not fetched.keepable:
            self._stores.remove(entry.key)  # lasting, or private, or of a disabled zone: no longer for this cache
        return self._fetcher.take(query, entry.key, counts, fetched)

    def _replaces(self, query: Query, fetched: Fetched) -> bool:
        """Whether an answer may take the place of a stale one (RFC 8767 section 4)."""
        answer, verdict = fetched.answer, fetched.verdict
        if not answer.written or not _whole(query, answer):
            return False
        if self._prefer_positive and verdict is not None:
            return verdict.kind == NOERROR and verdict.answering
        if verdict is not None and verdict.kind in (OTHERERROR, META, UPDATE):
            return False
        return answer.rcode in (codes.NOERROR, codes.NXDOMAIN)

    def _kept(self, query: Query, entry: Entry, answer: Answer) -> Answer:
        """The answer as a hit would show it, if it was kept."""
        now = self._clock()
        kept = self._stores.find(entry.key, now)
        if kept is None or kept.left(now) <= 0:
            return answer
        return kept.reply(query, kept.ttl if self._keepttl else kept.left(now))

    def _recheck(self, *, stale: bool) -> float:
        return self._stale.recheck if stale else 0.0


def _is_no_failure(query: Query, fetched: Fetched) -> bool:
    """Whether an answer that is not preferred may be kept all the same, beside the one that is."""
    verdict = fetched.verdict
    return verdict is not None and verdict.kind != SERVERERROR and _whole(query, fetched.answer)


def _whole(query: Query, answer: Answer) -> bool:
    return not answer.flags & codes.TC and belongs(query.question, answer)


def _settle(done: asyncio.Future[Answer | None], answer: Answer | None) -> None:
    if not done.done():
        done.set_result(answer)
