"""Writing messages: always compressed, cut to a size limit, the question echoed octet for octet.

Names are compressed where their octets are the same, so letter case survives. Records are added in order until one
does not fit: then the message ends there, with TC set (`kubernetes.md` section 7.5). Room for the OPT record is kept
from the start. Work is linear in the size written: a name costs one look-up a label, whatever the number of records
(compare RUSTSEC-2026-0119).
"""

from collections.abc import Sequence
from struct import pack

from kdns.wire import codes, rdata
from kdns.wire.reader import HEADER, HEADER_SIZE
from kdns.wire.record import Record

MAX_MESSAGE = 65535
_MAX_POINTER = 0x3FFF
_TO_QUESTION = b"\xc0\x0c"


def write_message(
    head: bytes,
    flags: int,
    question: bytes,
    sections: Sequence[Sequence[Record]],
    opt: bytes = b"",
    limit: int = MAX_MESSAGE,
    origin: bytes | None = None,
) -> bytes:
    """A whole message of at most `limit` octets.

    `head` is the two octets of the id, `flags` the second header word without TC, `question` the question section
    (empty, or exactly one question), `sections` answer, authority and additional, `opt` the OPT record. With an
    `origin`, a suffix of the question's name, names point nowhere else into the question's name but there.
    """
    room = min(limit, MAX_MESSAGE) - len(opt)
    body, at = [question], HEADER_SIZE + len(question)
    counts, known = [0, 0, 0], None
    for index, section in enumerate(sections):
        for record in section:
            if record.owner is None and record.type not in rdata.LAYOUTS:
                data = record.data
                wire = _TO_QUESTION + pack(">HHIH", record.type, record.cls, record.ttl, len(data)) + data
            else:
                if known is None:
                    known = question_names(question, origin)
                wire = _record(record, at, known)
            if at + len(wire) > room:
                flags |= codes.TC
                break
            body.append(wire)
            at += len(wire)
            counts[index] += 1
        if flags & codes.TC and counts[index] < len(section):
            break
    body.append(opt)
    header = HEADER.pack(0, flags, 1 if question else 0, counts[0], counts[1], counts[2] + (1 if opt else 0))
    return head + header[2:] + b"".join(body)


def question_names(question: bytes, origin: bytes | None) -> dict[bytes, int]:
    """Offsets of the question's name, or only of its origin, and of every name above it."""
    known: dict[bytes, int] = {}
    if question:
        name = question[:-4]
        at = 0 if origin is None else len(name) - len(origin)
        while length := name[at]:
            known[name[at:]] = HEADER_SIZE + at
            at += length + 1
    return known


def _record(record: Record, at: int, known: dict[bytes, int]) -> bytes:
    owner = _TO_QUESTION if record.owner is None else compressed(record.owner, at, known)
    at += len(owner) + 10
    if record.type in rdata.LAYOUTS:
        compress, parts = record.type in rdata.COMPRESSIBLE, []
        for is_name, octets in rdata.fields(record.type, record.data):
            if is_name:
                short = compressed(octets, at, known)
                octets = short if compress else octets
            parts.append(octets)
            at += len(octets)
        data = b"".join(parts)
    else:
        data = record.data
    return owner + pack(">HHIH", record.type, record.cls, record.ttl, len(data)) + data


def compressed(name: bytes, at: int, known: dict[bytes, int]) -> bytes:
    """The name as short as it gets at offset `at`; those of it that are new become known, with their offsets."""
    i = 0
    while length := name[i]:
        suffix = name[i:]
        offset = known.get(suffix)
        if offset is not None:
            return name[:i] + pack(">H", 0xC000 | offset)
        if at + i <= _MAX_POINTER:
            known[suffix] = at + i
        i += length + 1
    return name
