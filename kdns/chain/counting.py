"""The `coredns_dns_*` metrics: what is counted for every query, by the `prometheus` plugin and by the server.

A query that reaches a chain is counted by `prometheus` under the zone it fell into; one that the server turns away
before any chain is counted by the server under the zone `dropped`. Both look their `Series` up once for each set of
labels and keep it. Sizes are those of messages without compression, before truncation (`metrics.md`).
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from kdns.chain.answer import Answer
from kdns.chain.query import Transport
from kdns.metrics import SIZE_BUCKETS, TIME_BUCKETS, Counter, Histogram, Registry
from kdns.wire import codes, rdata
from kdns.wire.edns import opt_record
from kdns.wire.errors import WireError
from kdns.wire.message import Section
from kdns.wire.reader import HEADER_SIZE, Question

DROPPED = "dropped"
"""Zone label of queries that no block took; without a final dot."""

OTHER = "other"
_TYPES = "A AAAA CNAME DNSKEY DS MX NSEC3 NSEC NS PTR RRSIG SOA SRV TXT HTTPS SVCB IXFR AXFR ANY"
TYPES = {codes.TYPE_NUMBERS[name]: name for name in _TYPES.split()}
"""Types with a label of their own; all others are `OTHER`, so a client cannot make series."""

_FIRST_TIME = TIME_BUCKETS[0]
_LAST_SIZE = 65535
_SIZE_INDEX = bytes([bisect_left(SIZE_BUCKETS, size) for size in range(_LAST_SIZE + 1)])
"""Bucket of every size a message can have: a look-up costs a third of a search."""

BARE_SIZE = HEADER_SIZE + 4
"""Octets of a reply without records, but for the name in its question."""

_QUESTION_POINTER = b"\xc0\x0c"


_MAX_TALLIES = 4096
"""Pairs of sizes that are remembered for each set of labels."""


class Series:
    """The metrics of all queries with the same labels."""

    __slots__ = (
        "_counted",
        "_do",
        "_duration",
        "_reply_size",
        "_reply_sizes",
        "_requests",
        "_responses",
        "_size",
        "_sizes",
        "_tallies",
        "_times",
    )

    def __init__(
        self,
        requests: Counter,
        responses: Counter,
        do: Counter | None,
        duration: Histogram,
        size: Histogram,
        reply_size: Histogram,
    ) -> None:
        self._requests = requests
        self._responses = responses
        self._do = do
        self._duration, self._times = duration, duration.counts
        self._size, self._sizes = size, size.counts
        self._reply_size, self._reply_sizes = reply_size, reply_size.counts
        self._tallies: dict[tuple[int, int], Callable[[int], None]] = {}
        self._counted: Tally[tuple[int, int]] = Tally()

    def count(self, size: int, reply_size: int, seconds: float) -> None:
        """Count one query of `size` octets, answered with `reply_size` octets after `seconds`."""
        self._requests.value += 1
        self._responses.value += 1
        if self._do is not None:
            self._do.value += 1
        self._times[0 if seconds <= _FIRST_TIME else bisect_left(TIME_BUCKETS, seconds)] += 1
        self._duration.sum += seconds
        self._sizes[_SIZE_INDEX[size] if size <= _LAST_SIZE else -1] += 1
        self._size.sum += size
        self._reply_sizes[_SIZE_INDEX[reply_size] if reply_size <= _LAST_SIZE else -1] += 1
        self._reply_size.sum += reply_size

    def count_each(self, sizes: Iterable[tuple[int, int]], seconds: Sequence[float]) -> None:
        """Count several queries: octets of each and its reply. All but how long they took shows from `hand_in` on."""
        self._counted.update(sizes)
        self._duration.observe_each(seconds)
        if len(self._counted) >= _MAX_TALLIES:
            self.hand_in()

    def hand_in(self) -> None:
        """Have all that was counted show in the metrics."""
        for (size, reply_size), times in self._counted.items():
            self._count_sizes(size, reply_size, times)
        self._counted.clear()

    def tally(self, size: int, reply_size: int) -> Callable[[int], None]:
        """What counts queries of these sizes whose replies were kept; one for all of them, so it costs no memory."""
        key = (size, reply_size)
        tally = self._tallies.get(key)
        if tally is None:
            if len(self._tallies) >= _MAX_TALLIES:
                self._tallies.clear()
            tally = self._tallies[key] = partial(self.count_hits, size, reply_size)
        return tally

    def count_hits(self, size: int, reply_size: int, times: int) -> None:
        """Count queries whose reply was kept; they took less than the lowest bound of the duration."""
        self._duration.observe(0.0, times)
        self._count_sizes(size, reply_size, times)

    def _count_sizes(self, size: int, reply_size: int, times: int) -> None:
        self._requests.value += times
        self._responses.value += times
        if self._do is not None:
            self._do.value += times
        self._size.observe(size, times)
        self._reply_size.observe(reply_size, times)


class Counting:
    """The families of `coredns_dns_*`; one object for each who counts, all feeding the same metrics."""

    def __init__(self, registry: Registry) -> None:
        where = ("server", "zone", "view")
        self._requests = registry.counter(
            "coredns_dns_requests_total",
            "Counter of DNS requests made per zone, protocol and family.",
            *where,
            "proto",
            "family",
            "type",
        )
        self._responses = registry.counter(
            "coredns_dns_responses_total", "Counter of response status codes.", *where, "rcode", "plugin"
        )
        self._do = registry.counter(
            "coredns_dns_do_requests_total", "Counter of DNS requests with DO bit set per zone.", *where
        )
        self._duration = registry.histogram(
            "coredns_dns_request_duration_seconds",
            "Histogram of the time (in seconds) each request took per zone.",
            TIME_BUCKETS,
            *where,
        )
        self._size = registry.histogram(
            "coredns_dns_request_size_bytes",
            "Size of the EDNS0 UDP buffer in bytes (64K for TCP) per zone and protocol.",
            SIZE_BUCKETS,
            *where,
            "proto",
        )
        self._reply_size = registry.histogram(
            "coredns_dns_response_size_bytes",
            "Size of the returned response in bytes per zone and protocol.",
            SIZE_BUCKETS,
            *where,
            "proto",
        )

    def series(
        self, transport: Transport, zone: str, view: str, rtype: int, do: bool, rcode: int, plugin: str = ""
    ) -> Series:
        """The series of queries with these labels; `plugin` is empty when no plugin wrote the answer."""
        where = (transport.server, zone, view)
        proto = transport.proto
        return Series(
            self._requests.child(*where, proto, str(transport.family), TYPES.get(rtype, OTHER)),
            self._responses.child(*where, rcode_label(rcode), plugin),
            self._do.child(*where) if do else None,
            self._duration.child(*where),
            self._size.child(*where, proto),
            self._reply_size.child(*where, proto),
        )


def rcode_label(rcode: int) -> str:
    """A response code as metrics name it: 16 is BADSIG there, which shares its number with BADVERS."""
    return "BADSIG" if rcode == codes.BADVERS else codes.rcode_name(rcode)


def reply_size(question: Question, answer: Answer) -> int:
    """Octets of a written answer without compression; 0 when nothing was written.

    OPT counts only for options that a plugin has put into it.
    """
    if not answer.written:
        return 0
    asked = len(question.name)
    size = HEADER_SIZE + asked + 4
    records, relay = answer.answer, answer.relay
    if relay is not None and relay.direct_ttl >= 0:
        return size + relay.records[-1].end - relay.start + len(relay.records) * (asked - 2)
    if answer.options:
        size += len(opt_record(0, options=answer.options))
    if type(records) is tuple and not (answer.authority or answer.additional):  # nearly always
        for owner, _, data, _, _ in records:
            size += (asked if owner is None else len(owner)) + 10 + len(data)
        return size
    for section in (records, answer.authority, answer.additional):
        if type(section) is Section:  # isinstance() of an abstract base's subclass costs as much as all the rest
            size += _relayed_size(question, section)
            continue
        for owner, _, data, _, _ in section:
            size += (asked if owner is None else len(owner)) + 10 + len(data)
    return size


def bare_size(question: Question) -> int:
    """Octets of a reply without records, such as the server writes for an unwritten answer."""
    return BARE_SIZE + len(question.name)


def _relayed_size(question: Question, section: Section) -> int:
    """Size of records that need not be decoded when they belong to the question and hold no names, as most do."""
    packet, asked, size = section.packet, len(question.name), 0
    for raw in section.places:
        if raw.type in rdata.LAYOUTS or packet[raw.start : raw.start + 2] != _QUESTION_POINTER:
            break
        size += asked + 10 + raw.end - raw.data
    else:
        return size
    try:
        return sum([len(record.owner or b"") + 10 + len(record.data) for record in section])
    except WireError:
        return sum([raw.end - raw.start for raw in section.places])
