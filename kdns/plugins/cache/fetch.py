"""Asking the next link, and taking in what it says.

What an answer rests on decides whether it is kept here (`chain.basis`). What is fleeting is, for its TTL. What rests on
announced changes alone is left to the server's memo, which forgets it when they happen. What read both is kept with the
keys that it read, and forgotten by them.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct
from msgspec.structs import replace

from kdns.chain import basis
from kdns.chain.answer import Answer
from kdns.chain.fastpath import Alike, plain_key
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.plugins.cache.counts import Counts
from kdns.plugins.cache.entry import Entry, Key, shown_flags
from kdns.plugins.cache.options import DENIAL, SUCCESS, Options
from kdns.plugins.cache.stores import Stores
from kdns.plugins.cache.verdict import Judge, Verdict
from kdns.wire import codes
from kdns.wire.reader import Question

_KEPT_FLAGS = codes.RA | codes.AD
_AA = codes.AA
_AD = codes.AD
_RD = codes.RD >> 8


class Fetched(Struct, frozen=True):
    """An answer of the next link. `verdict` is `None` for one that is not written, or that the cache has no part in.

    `keepable` tells that it is for this cache to keep, for all who ask, `off` that nothing of its kind is kept for its
    name; `reads` are the keys it read.
    """

    answer: Answer
    verdict: Verdict | None = None
    keepable: bool = False
    off: bool = False
    reads: tuple[basis.Key, ...] = ()


class Fetcher:
    """Asks the next link, and keeps what may be kept."""

    def __init__(
        self,
        next_: Handler,
        options: Options,
        stores: Stores,
        clock: Callable[[], float],
        time: Callable[[], float],
    ) -> None:
        self._next = next_
        self._stores = stores
        self._clock = clock
        self._judge = Judge(options, time)
        self._success_off = Zones(options.success_off)
        self._denial_off = Zones(options.denial_off)
        self._some_off = set(options.success_off) != set(options.denial_off)
        self.off = Zones(set(options.success_off) & set(options.denial_off))
        """Nothing is kept of names in these, as for the cluster zone by default."""

    async def fetch(self, query: Query) -> Fetched:
        """Ask, with AD set (RFC 6840 section 5.7), and see what the answer rests on, noted before or not."""
        notes, epoch = query.basis, self._stores.epoch
        fleeting, private, known = notes.fleeting, notes.private, len(notes.reads)
        notes.fleeting = notes.private = False
        fetched = self.judged(query, await self._next.answer(authenticated(query)), known, epoch)
        notes.fleeting = fleeting or notes.fleeting
        notes.private = private or notes.private
        return fetched

    def judged(self, query: Query, answer: Answer, known: int, epoch: int) -> Fetched:
        """What there is to an answer whose basis has no other notes but its own, and `known` reads from before.

        `epoch` is that of the stores when it was asked for.
        """
        notes = query.basis
        notes.absent = None
        if not answer.written:
            return Fetched(answer)
        reads = tuple(notes.reads[known:]) if len(notes.reads) > known else ()
        alike = not notes.private and notes.stamp is None
        keepable = notes.fleeting and alike and (not reads or epoch == self._stores.epoch)
        verdict = self._judge(query, answer)
        zones = self._denial_off if verdict.store == DENIAL else self._success_off
        off = self._some_off and zones.match(query.question) is not None
        if not (verdict.answering or query.flags & codes.RD):
            keepable = False  # a referral, say, which is no answer for those who ask for recursion
        return Fetched(answer, verdict, keepable and not off, off, reads)

    @property
    def deepest(self) -> int:
        """Labels of the longest zone of `disable`."""
        return max(self._success_off.deepest, self._denial_off.deepest)

    @property
    def keeps_alike(self) -> bool:
        """Whether both kinds of answers are kept of the same names."""
        return not self._some_off

    def take_plain(self, plains: Alike, counts: Counts) -> None:
        """Keep plain replies, and have them shown as any others."""
        first, now = plains[0], self._clock()
        reads, denial, entries = first.asker.reads, not first.count, []
        bounded = self._judge.limits(denial=denial).bounded
        for plain in plains:
            ttl, flags, packet = bounded(plain.ttl), plain.flags, plain.packet
            plain.shown = ttl.to_bytes(4, "big")
            if (
                ttl > 0
                and not (denial and not packet[2] & _RD)  # as in `judged`
                and not (reads and plain.began <= self._stores.forgotten)
            ):
                key, shown = plain_key(plain.asked), flags | _AA
                entries.append(Entry(key, denial, plain.rcode, shown, ttl, now, plain.reply, not denial, reads))
            if flags & _AD and not packet[3] & _AD:
                plain.flags = flags ^ _AD
        if entries:
            self._put(entries, denial, counts)

    async def pass_by(self, query: Query, counts: Counts) -> Answer:
        """Ask for a name of which nothing is kept: only the TTLs are as for any other."""
        answer = await self._next.answer(query)
        query.basis.tallies.append(counts.tally_miss)
        return _shown(query, answer, self._judge(query, answer).ttl) if answer.written else answer

    def take(self, query: Query, key: Key, counts: Counts, fetched: Fetched) -> Answer:
        """Keep what was fetched if it may be kept; the answer as it is shown."""
        answer, verdict = fetched.answer, fetched.verdict
        if verdict is None:
            query.basis.tallies.append(counts.tally_miss)
            return answer
        if fetched.off:
            query.basis.tallies.append(counts.tally_miss)
            return _shown(query, answer, verdict.ttl)
        if not verdict.store or verdict.ttl <= 0:
            query.basis.tallies.append(counts.tally_miss)
        elif not belongs(query.question, answer):
            counts.drops.value += 1
        elif fetched.keepable:
            self._keep(key, counts, fetched, verdict)
        else:
            # Lasting, so from now on the server answers, and those are hits as they would be here.
            query.basis.tallies.append(counts.tally_denial if verdict.store == DENIAL else counts.tally_success)
        return _shown(query, answer, verdict.ttl)

    def _keep(self, key: Key, counts: Counts, fetched: Fetched, verdict: Verdict) -> None:
        answer = fetched.answer
        entry = Entry(
            key=key,
            denial=verdict.store == DENIAL,
            rcode=answer.rcode,
            flags=codes.AA | answer.flags & _KEPT_FLAGS,
            ttl=verdict.ttl,
            stored=self._clock(),
            content=answer if answer.relay is None else answer.relay.packet,
            answering=verdict.answering,
            reads=fetched.reads,
        )
        self._put((entry,), entry.denial, counts)

    def _put(self, entries: Iterable[Entry], denial: bool, counts: Counts) -> None:
        """Keep entries that are all denials, or none."""
        stores = self._stores
        evicted = sum(map(stores.keep, entries))
        if evicted:
            counts.evicted(DENIAL if denial else SUCCESS, evicted)
        counts.success_entries.value = len(stores.success.entries)
        counts.denial_entries.value = len(stores.denial.entries)


def belongs(question: Question, answer: Answer) -> bool:
    """Whether an answer is one to this question; a plugin's own always is."""
    relay = answer.relay
    if relay is None:
        return True
    asked = relay.question
    alike = asked == question or (
        asked.folded == question.folded and asked.type == question.type and asked.cls == question.cls
    )
    return alike and relay.flags & codes.QR != 0


def authenticated(query: Query) -> Query:
    """The query with AD set."""
    return query.replace(flags=query.flags | codes.AD)


def _shown(query: Query, answer: Answer, ttl: int) -> Answer:
    """The answer with one TTL for all records and no EDNS options; AD for who asked for it."""
    flags = answer.flags
    if flags & codes.AD:
        flags = shown_flags(query, flags)
    if flags == answer.flags and not answer.options:
        return answer if _has_ttl(answer, ttl) else replace(answer, ttl=ttl)
    return replace(answer, flags=flags, ttl=ttl, options=())


def _has_ttl(answer: Answer, ttl: int) -> bool:
    if answer.ttl is not None:
        return answer.ttl == ttl
    relay = answer.relay
    own = (answer.answer, answer.authority, answer.additional)
    for records in own if relay is None else (relay.records,):
        for record in records:
            if record.ttl != ttl:
                return False
    return True
