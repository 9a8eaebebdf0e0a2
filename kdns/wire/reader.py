"""Reading hostile messages: queries by hand in one pass, other messages record by record and on demand.

Bounds: a name is at most 255 octets, every compression pointer points strictly backwards, and a name has at most as
many of them as it can have labels, so a name costs a bounded number of steps; nothing is expanded that was not asked
for. Who relays records that it does not read has their names checked (`check_names`).
"""

from struct import Struct
from struct import error as StructError

import msgspec

from kdns.wire import codes, rdata
from kdns.wire.edns import Edns, read_options
from kdns.wire.errors import EdnsError, WireError
from kdns.wire.name import MAX_NAME
from kdns.wire.record import Record

MAX_POINTERS = 127
"""Most compression pointers of a name: as many as it can have labels."""
HEADER_SIZE = 12
HEADER = Struct(">HHHHHH")
_PAIR = Struct(">HH")
_FIXED = Struct(">HHIH")
_TTL_SIZE = Struct(">IH")
POINTED_SIZE = 12
"""Octets of a record with a pointer as its owner, without data."""
_ADDRESSES = {size: Struct(f">6sIH{size}s") for size in (4, 16)}
NO_TTL = 0xFFFFFFFF
"""As high as a TTL can be: the lowest one of no records."""
_STEP = tuple(range(1, 65))
"""From a length octet to the next one; there is none for compression pointers and unknown label types."""
_QUESTION_POINTER = b"\xc0\x0c"
_FAR = 512


class Question(msgspec.Struct, frozen=True, gc=False):
    """A question: `name` as sent, `folded` to lower case, type, class, and `wire`, all of it as sent.

    Make one with `question` where it was not read from a message.
    """

    name: bytes
    folded: bytes
    type: int
    cls: int
    wire: bytes


class RawRecord(msgspec.Struct, frozen=True, gc=False):
    """Where a record stands in a message; section 0 is answer, 1 authority, 2 additional."""

    section: int
    type: int
    cls: int
    ttl: int
    start: int
    ttl_at: int
    data: int
    end: int


def question(name: bytes, rtype: int, cls: int = codes.IN) -> Question:
    """A question for a name in wire form."""
    return Question(name, name.lower(), rtype, cls, name + _PAIR.pack(rtype, cls))


def read_question(packet: bytes) -> tuple[Question, int]:
    """First question of a message and the offset behind it; raises `WireError`."""
    if len(packet) > _FAR:
        packet = packet[:_FAR]  # a name ends before that, or is looked at no further
    at = HEADER_SIZE
    try:
        while length := packet[at]:
            at += _STEP[length]
        at += 1
        rtype, cls = _PAIR.unpack_from(packet, at)
    except (IndexError, StructError) as error:
        raise WireError("question cut short, or a compression pointer or unknown label type in it") from error
    if at - HEADER_SIZE > MAX_NAME:
        raise WireError("name of more than 255 octets in a question")
    name = packet[HEADER_SIZE:at]
    end = at + 4
    return Question(name, name.lower(), rtype, cls, packet[HEADER_SIZE:end]), end


def read_records(packet: bytes, at: int, counts: tuple[int, ...] | None = None) -> list[RawRecord]:
    """Places of all records of a message from offset `at` (behind the question) on; raises `WireError`.

    `counts` says how many to read of each section, if not all that the header counts.

    Octets after the last record are ignored, as CoreDNS does.
    """
    records: list[RawRecord] = []
    try:
        for section, count in enumerate(counts or HEADER.unpack_from(packet)[3:]):
            for _ in range(count):
                start, at = at, _skip_name(packet, at)
                rtype, cls, ttl, size = _FIXED.unpack_from(packet, at)
                records.append(RawRecord(section, rtype, cls, ttl, start, at + 4, at + 10, at + 10 + size))
                at += 10 + size
    except (IndexError, StructError) as error:
        raise WireError("record cut short") from error
    if at > len(packet):
        raise WireError("record data cut short")
    return records


def read_direct(packet: bytes, at: int, count: int, asked: Question) -> tuple[list[RawRecord], int]:
    """Places and lowest TTL of `count` answers that are all of the asked type, under a pointer to the asked name.

    Nearly all replies to address questions are so; the list is empty for others, and for types with names in them.
    Raises `WireError`.
    """
    records: list[RawRecord] = []
    rtype, cls, most = asked.type, asked.cls, NO_TTL
    if rtype in rdata.LAYOUTS:
        return records, most
    head = _QUESTION_POINTER + asked.wire[-4:]
    try:
        for _ in range(count):
            if not packet.startswith(head, at):
                return [], most
            ttl, size = _TTL_SIZE.unpack_from(packet, at + 6)
            if ttl < most:
                most = ttl
            data = at + 12
            end = data + size
            records.append(RawRecord(0, rtype, cls, ttl, at, at + 6, data, end))
            at = end
    except StructError as error:
        raise WireError("record cut short") from error
    if at > len(packet):
        raise WireError("record data cut short")
    return records, most


def skim_addresses(records: bytes, count: int, head: bytes, size: int) -> int:
    """Lowest TTL of `count` records that all begin with `head`, six octets from owner to class, and hold 4 or 16.

    -1 if they are not just these.
    """
    if len(records) != count * (POINTED_SIZE + size):
        return -1
    lowest = NO_TTL
    for found, ttl, length, _ in _ADDRESSES[size].iter_unpack(records):
        if found != head or length != size:
            return -1
        if ttl < lowest:
            lowest = ttl
    return lowest


def _skip_name(packet: bytes, at: int) -> int:
    while length := packet[at]:
        if length >= 0xC0:
            return at + 2
        if length > 63:
            raise WireError("unknown label type")
        at += length + 1
    return at + 1


def read_name(packet: bytes, at: int) -> tuple[bytes, int]:
    """The name at an offset, expanded, and the offset behind it (RFC 1035 section 4.1.4); raises `WireError`."""
    labels, size, end, floor, jumps = [], 1, -1, at, 0
    try:
        while length := packet[at]:
            if length < 64:
                labels.append(packet[at : at + length + 1])
                size += length + 1
                at += length + 1
                if size > MAX_NAME or at >= len(packet):
                    raise WireError("name of more than 255 octets, or cut short")
            elif length >= 0xC0:
                if end < 0:
                    end = at + 2
                at = (length & 0x3F) << 8 | packet[at + 1]
                jumps += 1
                if not HEADER_SIZE <= at < floor or jumps > MAX_POINTERS:
                    raise WireError("compression pointer that does not point backwards to a name, or one too many")
                floor = at
            else:
                raise WireError("unknown label type")
    except IndexError as error:
        raise WireError("name cut short") from error
    labels.append(b"\0")
    return b"".join(labels), at + 1 if end < 0 else end


def read_record(packet: bytes, raw: RawRecord) -> Record:
    """The record at a place, names in its data expanded; raises `WireError`."""
    owner, _ = read_name(packet, raw.start)
    return Record(owner, raw.type, read_data(packet, raw), raw.ttl, raw.cls)


def read_data(packet: bytes, raw: RawRecord) -> bytes:
    """Record data with its names expanded; raises `WireError` when a name or field leaves the record."""
    layout = rdata.LAYOUTS.get(raw.type)
    if layout is None:
        return packet[raw.data : raw.end]
    at, parts = raw.data, []
    for field in layout:
        if field == rdata.NAME:
            part, at = read_name(packet, at)
        else:
            end = at + (field if field > 0 else 1 + packet[min(at, len(packet) - 1)])
            part, at = packet[at:end], end
        parts.append(part)
    if at != raw.end:
        raise WireError(f"data of a {codes.type_name(raw.type)} record does not fill its length")
    return b"".join(parts)


def check_names(packet: bytes, records: list[RawRecord]) -> None:
    """Raises `WireError` if an owner, or record data that holds names, cannot be read."""
    known = {HEADER_SIZE}  # where names begin that have been read; most owners point there
    for raw in records:
        start = raw.start
        at = (packet[start] & 0x3F) << 8 | packet[start + 1] if packet[start] >= 0xC0 else start
        if at not in known:
            read_name(packet, start)
            known.add(at)
        layout = rdata.LAYOUTS.get(raw.type)
        if layout is not None:
            read_data(packet, raw)
            if layout[0] == rdata.NAME:
                known.add(raw.data)


def read_edns(packet: bytes, raw: RawRecord) -> Edns:
    """The OPT record at a place (RFC 6891 section 6.1); raises `WireError`."""
    return Edns(
        size=raw.cls,
        flags=raw.ttl & 0xFFFF,
        options=read_options(packet[raw.data : raw.end]),
        version=raw.ttl >> 16 & 0xFF,
        rcode=raw.ttl >> 24,
    )


def find_edns(packet: bytes, records: list[RawRecord]) -> Edns | None:
    """The OPT of a message; raises `EdnsError` for two, or one that is not owned by the root (RFC 6891 6.1.1)."""
    found = [raw for raw in records if raw.type == codes.OPT and raw.section == 2]
    if not found:
        return None
    if len(found) > 1 or packet[found[0].start] != 0:
        raise EdnsError("more than one OPT record, or one with a name")
    return read_edns(packet, found[0])
