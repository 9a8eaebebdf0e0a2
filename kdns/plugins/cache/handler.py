"""The link of the chain: answers with what is kept, or asks the next link.

A hit is kept by the server's memo as well, until the entry ends, and is counted there; not so where every hit has to be
seen (`prefetch`) or the next one may be answered otherwise (stale entries).
"""

from kdns.chain.answer import Answer
from kdns.chain.fastpath import Alike, Part, plain_key
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.plugins.cache.counts import Counts, Families
from kdns.plugins.cache.entry import Entry, key_of
from kdns.plugins.cache.fetch import Fetcher, authenticated
from kdns.plugins.cache.options import Options
from kdns.plugins.cache.refresh import Refresher
from kdns.plugins.cache.stores import Stores
from kdns.wire import codes, name
from kdns.wire.edns import Option
from kdns.wire.reader import Question

_STALE_ANSWER = (Option(codes.EDE, b"\0\x03"),)
_STALE_NXDOMAIN = (Option(codes.EDE, b"\0\x13"),)
"""RFC 8914 sections 4.4 and 4.20."""

_MEMO_TICK = 1.0
"""Seconds; the memo counts in whole ones."""


class Cache:
    """Answers again what was answered before."""

    def __init__(self, next_: Handler, options: Options, stores: Stores, site: Site) -> None:
        process = site.process
        self._next = next_
        self._options = options
        self._clock = process.clock
        self._zones = Zones(options.zones)
        self._everywhere = name.ROOT in self._zones
        self._stores = stores
        self._successes = stores.success.entries
        self._denials = stores.denial.entries
        self._fetcher = Fetcher(next_, options, stores, process.clock, process.time)
        self._refresher = Refresher(self._fetcher, options, stores, process.clock, site.wiring.spawn)
        self._families = Families(process.registry)
        self._labels = (",".join(options.zones), site.view)
        self._counts: dict[str, Counts] = {}

    @property
    def deepest(self) -> int:
        """See `ByZone`; names outside the zones of `disable` have counts of their own, and no siblings."""
        return max(self._zones.deepest, self._fetcher.deepest)

    def part(self) -> Part | None:
        """See `chain.fastpath`."""
        if not self._everywhere or not self._fetcher.keeps_alike:
            return None
        return Part(zones=self._fetcher.off.texts, declines=self._is_known, replied=self._keep_plain, flags=codes.AD)

    def _is_known(self, question: Question) -> bool:
        """Whether there is an entry, fresh or not."""
        key = plain_key(question)
        return key in self._successes or key in self._denials

    def _keep_plain(self, plains: Alike) -> None:
        server = plains[0].asker.transport.server
        counts = self._counts.get(server) or self._count(server)
        counts.requests.value += len(plains)
        counts.misses.value += len(plains)
        self._fetcher.take_plain(plains, counts)

    async def answer(self, query: Query) -> Answer:
        """The kept answer, or the next link's."""
        question, edns = query.question, query.edns
        if not self._everywhere and self._zones.match(question) is None:
            return await self._next.answer(query)
        counts = self._counts.get(query.transport.server) or self._count(query.transport.server)
        counts.requests.value += 1
        if self._fetcher.off.match(question) is not None:
            counts.misses.value += 1
            return await self._fetcher.pass_by(query, counts)
        do = 0 if edns is None else edns.flags & codes.DO
        key = key_of(question, do, query.flags & codes.CD)
        denial, success = self._denials.get(key), self._successes.get(key)
        if denial is not None or success is not None:
            now = self._clock()
            entry = self._stores.choose(denial, success, now)
            if entry is not None:
                return await self._hit(query, entry, counts, now)
        counts.misses.value += 1
        notes = query.basis
        if notes.fleeting or notes.private:
            return self._fetcher.take(query, key, counts, await self._fetcher.fetch(query))
        known, epoch = len(notes.reads), self._stores.epoch
        answer = await self._next.answer(authenticated(query))
        return self._fetcher.take(query, key, counts, self._fetcher.judged(query, answer, known, epoch))

    def _count(self, server: str) -> Counts:
        counts = self._counts[server] = Counts(self._families, server, *self._labels)
        return counts

    async def _hit(self, query: Query, entry: Entry, counts: Counts, now: float) -> Answer:
        (counts.denial_hits if entry.denial else counts.success_hits).value += 1
        entry.used = True
        basis, keepttl = query.basis, self._options.keepttl
        basis.reads += entry.reads
        left = entry.left(now)
        if left <= 0:
            basis.fleeting = True
            return await self._stale(query, entry, counts, now)
        if self._options.prefetch.amount:
            basis.fleeting = True
            self._refresher.prefetch(query, entry, counts, now)
        elif entry.end - now < _MEMO_TICK:
            basis.fleeting = True
        else:
            basis.expires = entry.end if basis.expires is None else min(basis.expires, entry.end)
            basis.fades = not keepttl
            basis.tallies.append(counts.tally_denial if entry.denial else counts.tally_success)
        return entry.reply(query, entry.ttl if keepttl else left)

    async def _stale(self, query: Query, entry: Entry, counts: Counts, now: float) -> Answer:
        stale = self._options.stale
        if stale.verify:
            answer = await self._refresher.verify(query, entry, counts, now)
            if answer is not None:
                return answer
        else:
            self._refresher.refresh(query, entry, counts, now, stale=True)
        counts.stale.value += 1
        ttl = stale.ttl or (entry.ttl if self._options.keepttl else 0)
        marks = _STALE_NXDOMAIN if entry.rcode == codes.NXDOMAIN else _STALE_ANSWER
        return entry.reply(query, ttl, marks if query.edns is not None else ())
