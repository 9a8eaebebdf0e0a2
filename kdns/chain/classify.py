"""What kind of reply an answer is, as `log`, `cache` and others tell replies apart (`plugins.md`, the first table).

A kind says what the reply states: a record, no such name, no such data, a delegation, a failure. A class puts kinds
together: success, denial, error. The tests stand in CoreDNS's order; the first that fits decides.
"""

from collections.abc import Sequence

from kdns.chain.answer import Answer, Records
from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.message import Relay, Section
from kdns.wire.reader import RawRecord
from kdns.wire.record import Record

NOERROR, NXDOMAIN, NODATA, DELEGATION = "NOERROR", "NXDOMAIN", "NODATA", "DELEGATION"
SERVERERROR, META, UPDATE, OTHERERROR = "SERVERERROR", "META", "UPDATE", "OTHERERROR"

SUCCESS, DENIAL, ERROR = "success", "denial", "error"
CLASS_OF = {NOERROR: SUCCESS, DELEGATION: SUCCESS, NXDOMAIN: DENIAL, NODATA: DENIAL}

SERVER_WRITES = frozenset((codes.FORMERR, codes.SERVFAIL, codes.NOTIMP, codes.REFUSED))
"""Codes of an unwritten answer for which the server writes a bare message (`corefile.md` section 8)."""


def kind(query: Query, answer: Answer, now: float) -> str:
    """The kind of an answer; `now` is Unix time in seconds, for the validity of signatures."""
    if not answer.written and answer.rcode not in SERVER_WRITES:
        return OTHERERROR
    opcode = query.flags >> 11 & 15
    if opcode == codes.UPDATE:
        return UPDATE
    if opcode == codes.NOTIFY or query.question.type in (codes.AXFR, codes.IXFR):
        return META
    if answer.relay is not None and _has_stale_signature(answer.relay, now):
        return OTHERERROR
    return _kind(answer)


def _kind(answer: Answer) -> str:
    rcode = answer.rcode
    if rcode == codes.NOERROR:
        if answer.answer:
            return NOERROR
        types = [record.type for record in heads(answer.authority)]
        return NODATA if codes.SOA in types else DELEGATION if codes.NS in types else NOERROR
    if rcode == codes.NXDOMAIN:
        return OTHERERROR if answer.answer else NXDOMAIN
    return SERVERERROR if rcode in (codes.SERVFAIL, codes.NOTIMP) else OTHERERROR


def class_of(kind: str) -> str:
    """The class of a kind: `success`, `denial` or `error`."""
    return CLASS_OF.get(kind, ERROR)


def heads(section: Records) -> Sequence[Record] | list[RawRecord]:
    """Something with `type` and `ttl` for every record of a section, without decoding a relayed one."""
    return section.places if isinstance(section, Section) else section


def _has_stale_signature(relay: Relay, now: float) -> bool:
    """Whether a reply with DO holds an RRSIG outside its validity, in serial arithmetic (RFC 4034 section 3.1.5)."""
    if relay.edns is None or not relay.edns.do:
        return False
    for raw in relay.records:
        if raw.type == codes.RRSIG and raw.end - raw.data >= 18:
            until = int.from_bytes(relay.packet[raw.data + 8 : raw.data + 12], "big")
            since = int.from_bytes(relay.packet[raw.data + 12 : raw.data + 16], "big")
            if (until - int(now)) & 0x80000000 or (int(now) - since) & 0x80000000:
                return True
    return False
