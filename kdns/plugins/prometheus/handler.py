"""Counting what passes (`plugins.md`, prometheus).

The handler stands in front of everything that may wait, so that time, size and code are those the client sees. The
series of a set of labels is looked up once and kept here: for all but the first query of its kind, counting is one
look-up and a few additions. A reply that is sent from the memo has nobody to count it, so the answer's basis is told
how: the same sizes, and no time at all.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.counting import BARE_SIZE, TYPES, Counting, Series, reply_size
from kdns.chain.fastpath import Alike, Part, Plain
from kdns.chain.handler import Handler
from kdns.chain.query import Query, Transport
from kdns.chain.zones import Zones
from kdns.wire import codes
from kdns.wire.reader import Question

_Labels = tuple[Transport, str, int, int, int, bool]


class Prometheus:
    """Counts queries of one block. `behind` is the name of the next plugin, "" at the end of the chain."""

    def __init__(
        self,
        next_: Handler,
        counting: Counting,
        zones: tuple[str, ...],
        view: str,
        behind: str,
        clock: Callable[[], float],
        forget: Callable[[Collection[Key]], None],
    ) -> None:
        self._next = next_
        self._counting = counting
        self._own = zones
        self._forget = forget
        self._reads: tuple[Key, ...] = ()
        self._tell_apart(())
        self._view = view
        self._behind = behind
        self._clock = clock
        self._series: dict[_Labels, Series] = {}

    def count_zones(self, zones: Iterable[str]) -> None:
        """Count these zones apart as well as those of the block (`chain.roles.ZoneCounter`).

        Whatever is kept from now on is forgotten at the next call, as it may have to be counted under another zone.
        """
        self._tell_apart(zones)
        self._forget(self._reads)
        self._reads = (("zones counted", self),)

    def _tell_apart(self, zones: Iterable[str]) -> None:
        self._zones = Zones((*self._own, *zones))
        self._zone = self._zones.texts[0] if len(self._zones.texts) == 1 else ""

    @property
    def deepest(self) -> int:
        """See `ByZone`."""
        return self._zones.deepest

    def part(self) -> Part:
        """See `chain.fastpath`."""
        return Part(replied=self._count_plain)

    def _count_plain(self, plains: Alike) -> None:
        now, first = self._clock(), plains[0]
        for zone, some in self._by_zone(plains):
            labels = (first.asker.transport, zone, first.asked.type, 0, first.rcode, True)
            series = self._series.get(labels) or self._found(labels)
            series.count_each(
                [(len(plain.packet), BARE_SIZE + len(plain.asked.name) + plain.size) for plain in some],
                [now - plain.began for plain in some],
            )

    def _by_zone(self, plains: Alike) -> Iterable[tuple[str, Alike]]:
        if self._zone:
            return ((self._zone, plains),)
        found: defaultdict[str, list[Plain]] = defaultdict(list)
        for plain in plains:
            found[self._longest(plain.asked)].append(plain)
        return found.items()

    def hand_in(self) -> None:
        """See `Accountant`."""
        for series in self._series.values():
            series.hand_in()

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, counted."""
        start = self._clock() if query.began is None else query.began
        answer = await self._next.answer(query)
        question, edns = query.question, query.edns
        labels = (
            query.transport,
            self._zone or self._longest(query.question),
            question.type if question.type in TYPES else 0,
            0 if edns is None else edns.flags & codes.DO,
            answer.rcode,
            answer.written,
        )
        series = self._series.get(labels) or self._found(labels)
        size = reply_size(question, answer)
        series.count(query.size, size, self._clock() - start)
        basis = query.basis
        if not (basis.fleeting or basis.private):
            basis.tallies.append(series.tally(query.size, size))
            if self._reads:
                basis.reads += self._reads
                basis.absent = None
        return answer

    def _longest(self, question: Question) -> str:
        zone = self._zones.match(question)
        return "." if zone is None else self._zones.text(zone)

    def _found(self, labels: _Labels) -> Series:
        transport, zone, rtype, do, rcode, written = labels
        plugin = self._behind if written else ""
        series = self._counting.series(transport, zone, self._view, rtype, do != 0, rcode, plugin)
        self._series[labels] = series
        return series
