"""Whole messages: a reply as it came, walked once and decoded on demand, and a plain decoded message.

A forwarded reply is mostly sent on as it is. `Relay` therefore keeps the packet with the places of its records, and
decodes a section only for who looks into it. Its TTLs are rewritten in place, which no pointer can notice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

from kdns.wire import codes
from kdns.wire.edns import Edns
from kdns.wire.errors import WireError
from kdns.wire.reader import (
    HEADER,
    HEADER_SIZE,
    Question,
    RawRecord,
    check_names,
    find_edns,
    read_direct,
    read_question,
    read_record,
    read_records,
)
from kdns.wire.record import Record


class Relay:
    """A reply message as it was received, whole and checked, its records decoded when they are looked at.

    `flags` is the second header word, `rcode` the 12 bit response code, `records` the places of all records but OPT.
    `direct_ttl` is their lowest TTL if they are nothing but answers of the asked type under a pointer to the asked
    name, none with names in its data; -1 for all other messages.
    """

    __slots__ = ("counts", "direct_ttl", "edns", "flags", "packet", "question", "rcode", "records", "start")

    def __init__(self, packet: bytes, asked: Question | None = None) -> None:
        """`asked` is the question that it is thought to repeat, which then is not read again.

        Raises `WireError` for what is not one message with exactly one question.
        """
        if len(packet) < HEADER_SIZE:
            raise WireError("message shorter than its header")
        _, self.flags, questions, answers, authorities, additionals = HEADER.unpack_from(packet)
        if questions != 1:
            raise WireError(f"{questions} questions in a reply")
        self.packet = packet
        if asked is not None and packet.startswith(asked.wire, HEADER_SIZE):
            self.question, self.start = asked, HEADER_SIZE + len(asked.wire)
        else:
            self.question, self.start = read_question(packet)
        direct: list[RawRecord] = []
        if answers and not authorities:
            direct, lowest = read_direct(packet, self.start, answers, self.question)
        if not direct:
            rest = read_records(packet, self.start)
        else:
            rest = read_records(packet, direct[-1].end, (0, 0, additionals)) if additionals else []
        self.edns: Edns | None = find_edns(packet, rest) if additionals else None
        self.rcode = self.flags & 15
        if self.edns is not None:
            rest = [raw for raw in rest if raw.type != codes.OPT or raw.section != 2]
            self.rcode |= self.edns.rcode << 4
            additionals -= 1
        self.direct_ttl = lowest if direct and not additionals else -1
        self.records = direct + rest if rest else direct
        self.counts = (answers, authorities, additionals)

    def check_names(self) -> None:
        """Raises `WireError` if an owner, or record data that holds names, cannot be read."""
        if self.direct_ttl < 0:
            check_names(self.packet, self.records)

    def section(self, index: int) -> "Section | tuple[()]":
        """Records of the answer (0), authority (1) or additional (2) section."""
        count = self.counts[index]
        if not count:
            return ()
        first = sum(self.counts[:index])
        return Section(self.packet, self.records[first : first + count])

    def body(self, ttl: int | None = None) -> tuple[bytes, tuple[int, int, int]] | None:
        """All record octets but OPT, with one TTL for all if given, and their counts; to stand behind the question.

        `None` when OPT stands among other records, so that taking it out would move what pointers point at.
        """
        records, start = self.records, self.start
        end = records[-1].end if records else start
        if (
            self.direct_ttl < 0
            and self.edns is not None
            and end - start != sum([raw.end - raw.start for raw in records])
        ):
            return None
        if ttl is None:
            return self.packet[start:end], self.counts
        body, octets = bytearray(self.packet[start:end]), ttl.to_bytes(4, "big")
        for raw in records:
            at = raw.ttl_at - start
            body[at : at + 4] = octets
        return bytes(body), self.counts


class Section(Sequence[Record]):
    """Records of one section of a packet; decoded at the first look, counted without one."""

    __slots__ = ("_packet", "_raw", "_records")

    def __init__(self, packet: bytes, raw: list[RawRecord]) -> None:
        self._packet = packet
        self._raw = raw
        self._records: tuple[Record, ...] | None = None

    def __len__(self) -> int:
        return len(self._raw)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._decoded())

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        return self._decoded()[index]

    @property
    def packet(self) -> bytes:
        """The message that the records stand in."""
        return self._packet

    @property
    def places(self) -> list[RawRecord]:
        """Where the records stand, with type and TTL, nothing decoded."""
        return self._raw

    def _decoded(self) -> tuple[Record, ...]:
        if self._records is None:
            self._records = tuple([read_record(self._packet, raw) for raw in self._raw])
        return self._records


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message, for tools and tests; `flags` is the second header word."""

    id: int
    flags: int
    question: Question | None
    answer: tuple[Record, ...]
    authority: tuple[Record, ...]
    additional: tuple[Record, ...]
    edns: Edns | None

    @property
    def rcode(self) -> int:
        """Response code with its upper 8 bits from OPT (RFC 6891 section 6.1.3)."""
        return self.flags & 15 | (self.edns.rcode << 4 if self.edns else 0)


def read_message(packet: bytes) -> Message:
    """Decode a message with at most one question; raises `WireError`."""
    if len(packet) < HEADER_SIZE:
        raise WireError("message shorter than its header")
    ident, flags, questions, *_ = HEADER.unpack_from(packet)
    if questions > 1:
        raise WireError(f"{questions} questions")
    question, at = read_question(packet) if questions else (None, HEADER_SIZE)
    raws = read_records(packet, at)
    edns = find_edns(packet, raws)
    sections: tuple[list[Record], ...] = ([], [], [])
    for raw in raws:
        if raw.type != codes.OPT:
            sections[raw.section].append(read_record(packet, raw))
    answer, authority, additional = map(tuple, sections)
    return Message(ident, flags, question, answer, authority, additional, edns)
