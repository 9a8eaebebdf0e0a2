"""What an answer is to the cache: where it is kept, for how long, and whether it answers its question.

Most answers are direct: records of the asked type at the asked name, or at the end of aliases in their order. They are
recognised by the places of their records. All others are looked at closely (`plugins.md`, cache, What is stored).
"""

from collections.abc import Callable

from msgspec import Struct

from kdns.chain import classify
from kdns.chain.answer import Answer
from kdns.chain.classify import DELEGATION, NODATA, NOERROR, NXDOMAIN, SERVERERROR, heads
from kdns.chain.query import Query
from kdns.plugins.cache.aliases import answers
from kdns.plugins.cache.options import DENIAL, SUCCESS, Limits, Options
from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.message import Relay
from kdns.wire.reader import Question, RawRecord, read_name
from kdns.wire.record import Record

FALLBACK_TTL = 5
"""Seconds for what has no records, and for what is neither an answer nor a denial."""

_QUESTION, _MAX_POINTER = b"\xc0\x0c", 0x3FFF
_MAX_SHARED = 64
_TRANSFERS = (codes.AXFR, codes.IXFR)
_INDIRECT = frozenset((codes.CNAME, codes.ANY))


class Verdict(Struct, frozen=True, gc=False):
    """`kind` is that of `chain.classify`, `store` success, denial, or nothing, `ttl` in whole seconds.

    Only what has a store and a TTL above 0 is kept; every record is shown with the TTL in either case.
    """

    kind: str
    store: str
    ttl: int
    answering: bool


class Judge:
    """Judges by the limits of the directive; `time` is Unix time, for the validity of signatures."""

    __slots__ = ("_denial", "_servfail", "_shared", "_success", "_time")

    def __init__(self, options: Options, time: Callable[[], float]) -> None:
        self._success = options.success
        self._denial = options.denial
        self._servfail = int(options.servfail)
        self._time = time
        self._shared: dict[int, tuple[Answer, Verdict]] = {}

    def __call__(self, query: Query, answer: Answer) -> Verdict:
        """The verdict on a written answer to a query."""
        ttl, relay = -1, answer.relay
        try:
            if answer.rcode == codes.NOERROR and not answer.flags & codes.TC and answer.ttl is None:
                if relay is None:
                    ttl = _own_ttl(query.question, answer, self._success.longest)
                elif relay.edns is None or not relay.edns.flags & codes.DO:
                    ttl = relay.direct_ttl if relay.question is query.question else -1
                    if ttl < 0:
                        ttl = _relayed_ttl(query.question, relay, self._success.longest)
            if ttl >= 0:
                return Verdict(NOERROR, SUCCESS, self._success.bounded(ttl), True)
            if relay is None and not answer.answer and query.question.type not in _TRANSFERS:
                return self._recognise(query, answer)
            return self._look_closely(query, answer)
        except WireError:
            return Verdict(classify.OTHERERROR, "", self._ttl(classify.OTHERERROR, answer), False)

    def limits(self, *, denial: bool) -> Limits:
        """Those of direct answers, or of denials."""
        return self._denial if denial else self._success

    def _recognise(self, query: Query, answer: Answer) -> Verdict:
        """The verdict on one of the few denials that a plugin has for all names of a zone."""
        known = self._shared.get(id(answer))  # held here, so no other can have its id
        if known is not None:
            return known[1]
        if len(self._shared) >= _MAX_SHARED:
            self._shared.clear()
        verdict = self._look_closely(query, answer)
        self._shared[id(answer)] = answer, verdict
        return verdict

    def _look_closely(self, query: Query, answer: Answer) -> Verdict:
        kind = classify.kind(query, answer, self._time())
        answering, store = False, SUCCESS
        if kind == NOERROR and answer.answer:
            answering = answers(query.question, answer.answer)
            if not answering:
                # An alias without its target is NODATA; without an SOA that may not be kept (RFC 2308 section 5).
                kind, store = (NODATA, DENIAL) if _has_soa(answer) else (NOERROR, "")
        elif kind not in (NOERROR, DELEGATION):
            store = DENIAL if kind in (NODATA, SERVERERROR) or (kind == NXDOMAIN and _has_soa(answer)) else ""
        if answer.flags & codes.TC:
            store = ""
        return Verdict(kind, store, self._ttl(kind, answer), answering)

    def _ttl(self, kind: str, answer: Answer) -> int:
        if kind == SERVERERROR:
            return self._servfail
        limits = self._denial if kind in (NODATA, NXDOMAIN) else self._success
        lowest = FALLBACK_TTL
        if kind in (NOERROR, NODATA, NXDOMAIN):
            lowest = _lowest_ttl(answer, limits.longest)
        return limits.bounded(lowest)


def _own_ttl(question: Question, answer: Answer, most: int) -> int:
    """The lowest TTL, at most `most`, of a plugin's own answer that is direct; -1 for any other."""
    if question.type in _INDIRECT or answer.authority or answer.additional or not answer.answer:
        return -1
    for owner, rtype, _, ttl, cls in answer.answer:
        if owner is not None or rtype != question.type or cls != question.cls:
            return -1
        if ttl < most:
            most = ttl
    return most


def _relayed_ttl(question: Question, relay: Relay, most: int) -> int:
    """The same for a forwarded one: each owner is a pointer to where it was named before. Raises `WireError`."""
    asked, qtype, qclass = question.folded, question.type, question.cls
    if qtype in _INDIRECT:
        return -1
    packet, owner, found = relay.packet, _QUESTION, False
    seen: set[bytes] = set()
    for raw in relay.records:
        if raw.ttl < most:
            most = raw.ttl
        if raw.section:
            continue
        rtype, start, data = raw.type, raw.start, raw.data
        if raw.cls != qclass or packet[start : start + 2] != owner:
            return -1
        if rtype == qtype:
            found = True
        elif rtype != codes.CNAME or found or data > _MAX_POINTER:
            return -1
        else:
            target = read_name(packet, data)[0].lower()
            if target == asked or target in seen:
                return -1
            seen.add(target)
            owner = (data | 0xC000).to_bytes(2, "big")
    return most if found else -1


def _lowest_ttl(answer: Answer, most: int) -> int:
    records: list[Record | RawRecord] = []
    for section in (answer.answer, answer.authority, answer.additional):
        records += heads(section)
    if not records:
        return FALLBACK_TTL
    return min(most, answer.ttl if answer.ttl is not None else min([record.ttl for record in records]))


def _has_soa(answer: Answer) -> bool:
    return any(record.type == codes.SOA for record in heads(answer.authority))
