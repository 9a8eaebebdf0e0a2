"""A zone as it comes in, message by message (AXFR, RFC 5936).

What a primary sends is believed as far as it makes one whole zone: every message a reply to the question, the SOA of
the zone first and once more at the end, unchanged, and nothing behind it. Records of other zones are left out when the
zone is made. All sizes are bounded, so a primary that never ends costs no more than the largest zone.
"""

from kdns.chain.zone.data import Zone, build
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER, HEADER_SIZE, read_data, read_name, read_question, read_records
from kdns.wire.record import Record

MAX_OCTETS = 64 << 20
"""Octets of all messages of a transfer."""
MAX_RECORDS = 1_000_000
"""Records of a zone that is transferred."""

_NUMBERS = 20
_ROOM = {codes.A: 4, codes.AAAA: 16}
_TARGETS = {codes.SVCB: 2, codes.HTTPS: 2, codes.NSEC: 0, codes.RRSIG: 18}
"""Where a name stands in the data of types that `wire.rdata` takes as it is."""


class Incoming:
    """Takes the messages of the transfer of a zone, by its folded name, that was asked for under an id."""

    def __init__(self, origin: bytes, ident: bytes) -> None:
        self._origin = origin
        self._ident = ident
        self._left = MAX_OCTETS
        self._records: list[Record] = []
        self._whole = False

    def take(self, packet: bytes) -> bool:
        """Take the next message. Whether it was the last; raises `WireError` for what makes no zone."""
        self._left -= len(packet)
        if self._left < 0:
            raise WireError(f"more than {MAX_OCTETS} octets")
        at = self._check(packet)
        answer = [raw for raw in read_records(packet, at) if raw.section == 0]
        if not answer:
            raise WireError("a message without records")
        for raw in answer:
            if self._whole:
                raise WireError("records after the last SOA")
            owner, _ = read_name(packet, raw.start)
            ttl = raw.ttl if raw.ttl < 1 << 31 else 0  # RFC 2181 section 8
            self._add(Record(owner, raw.type, read_data(packet, raw), ttl, raw.cls))
        return self._whole

    def _check(self, packet: bytes) -> int:
        """Where the records begin in a message that is a reply to the question (RFC 5936 section 2.2.1)."""
        if len(packet) < HEADER_SIZE:
            raise WireError("message shorter than its header")
        _, flags, questions, *_ = HEADER.unpack_from(packet)
        if packet[:2] != self._ident or not flags & codes.QR or flags & (codes.OPCODE | codes.TC):
            raise WireError("not a reply to what was asked")
        if flags & 15:
            raise WireError(f"bad xfr rcode: {flags & 15}")
        if questions > 1 or (not questions and not self._records):
            raise WireError(f"{questions} questions in a reply")
        if not questions:
            return HEADER_SIZE
        question, at = read_question(packet)
        if (question.folded, question.type, question.cls) != (self._origin, codes.AXFR, codes.IN):
            raise WireError("a reply to another question")
        return at

    def _add(self, record: Record) -> None:
        owner, rtype, data, _, cls = record
        if cls != codes.IN or not rtype or rtype == codes.OPT or 249 <= rtype <= 255:
            raise WireError(f"not a record of a zone: {codes.class_name(cls)} {codes.type_name(rtype)}")
        _check_data(rtype, data)
        records = self._records
        is_apex = rtype == codes.SOA and owner is not None and owner.lower() == self._origin
        if not records and not is_apex:
            raise WireError(f"no SOA of {name.to_text(self._origin)} at the beginning")
        if records and is_apex:
            if not _same_soa(data, records[0].data):
                raise WireError("the first and the last SOA differ")
            self._whole = True
        elif len(records) >= MAX_RECORDS:
            raise WireError(f"more than {MAX_RECORDS} records")
        else:
            records.append(record)

    def zone(self) -> Zone:
        """The zone, when all of it was taken. Raises `WireError` if it is none, or NSEC3 is in it."""
        zone = build(self._origin, self._records) if self._whole else None
        if zone is None:
            raise WireError("the transfer is not complete")
        return zone


def _same_soa(one: bytes, other: bytes) -> bool:
    return one[-_NUMBERS:] == other[-_NUMBERS:] and one[:-_NUMBERS].lower() == other[:-_NUMBERS].lower()


def _check_data(rtype: int, data: bytes) -> None:
    """Raise `WireError` for data that a look-up would stumble over."""
    if len(data) != _ROOM.get(rtype, len(data)):
        raise WireError(f"bad {codes.type_name(rtype)} data")
    at = _TARGETS.get(rtype)
    if at is None:
        return
    start = at
    while at < len(data) and (length := data[at]):
        if length > name.MAX_LABEL:
            break
        at += length + 1
    if at >= len(data) or data[at] or at - start >= name.MAX_NAME:
        raise WireError(f"bad name in {codes.type_name(rtype)} data")
