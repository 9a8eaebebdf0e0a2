"""Whether two replies say the same: what each says, in a form in which order and compression do not show.

Records are compared as multisets, since `loadbalance` shuffles them, but an alias has to stand before what it leads
to. The serial of a SOA does not count, nor the client's port that `whoami` tells, nor a TTL that differs by `SLACK`.
Of two replies that were both cut the records may be others, but as many of each kind. dnspython, which shares no code
with kdns, reads the replies.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.message import Message, read_message
from kdns.wire.record import Record
from tests.conformance.beside.setups import Setup
from tests.conformance.rows import SECTIONS, Row

SLACK = 1
"""Seconds that may pass between the two questions."""
NO_PLACE = r"\# 7 00000000"
"""How the same SRV reads in a class other than IN."""


class Line(NamedTuple):
    """A record without its TTL."""

    owner: str
    cls: str
    kind: str
    data: str

    def text(self, ttl: int) -> str:
        """As in a zone file, without the class if that is IN."""
        cls = "" if self.cls == "IN" else f"{self.cls} "
        return f"{self.owner} {ttl} {cls}{self.kind} {self.data}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a reply says. One that cannot be read says so in `rcode`."""

    rcode: str
    flags: frozenset[str] = frozenset()
    question: tuple[str, ...] = ()
    sections: tuple[tuple[tuple[Line, int], ...], ...] = ((), (), ())
    edns: tuple[int, int, int, tuple[tuple[int, str], ...]] | None = None
    tsig: tuple[tuple[str, ...], ...] = ()

    @property
    def lines(self) -> list[Line]:
        """The records of all sections."""
        return [line for section in self.sections for line, _ in section]

    def __str__(self) -> str:
        parts = [" ".join([self.rcode, *sorted(self.flags)])]
        for part, section in zip(SECTIONS, self.sections, strict=True):
            shown = [line.text(ttl) for line, ttl in section[:6]]
            if section:
                parts.append(f"{part} {len(section)}: " + "; ".join(shown) + ("; ..." if section[6:] else ""))
        parts += [f"edns {self.edns}"] if self.edns else []
        return " | ".join([*parts, f"tsig {self.tsig}"] if self.tsig else parts)


NOTHING = Said("no reply")


def read(packets: Sequence[bytes]) -> Said:
    """What the messages of a reply say."""
    return _read(*[bytes(2) + packet[2:] for packet in packets]) if packets else NOTHING


@lru_cache(maxsize=1 << 16)
def _read(*packets: bytes) -> Said:
    """The same octets are met over every transport."""
    try:
        messages = [dns.message.from_wire(packet, one_rr_per_rrset=True, keyring=False) for packet in packets]
    except dns.exception.DNSException as error:
        return _plain(packets) or Said(f"unreadable ({error})", tsig=(("octets", packets[0].hex()),))
    first = messages[0]
    rcode = "BADVERS" if first.rcode() == dns.rcode.BADVERS else dns.rcode.to_text(first.rcode())
    flags = [*dns.flags.to_text(first.flags).lower().split(), *(["z"] if packets[0][3] & 0x40 else [])]
    if first.opcode():
        flags.append(dns.opcode.to_text(first.opcode()))
    edns = None
    if first.edns >= 0:
        options = tuple((int(option.otype), option.to_wire().hex()) for option in first.options)
        edns = (first.edns, int(first.payload), first.ednsflags & 0xFFFF, options)
    question = tuple(f"{each.name} {each.rdclass} {each.rdtype}" for each in first.question)
    sections = tuple(tuple(line for each in messages for line in _lines(each, section)) for section in SECTIONS)
    signatures = tuple(map(_signature, messages))
    return Said(rcode, frozenset(flags) - {"qr"}, question, sections, edns, signatures if any(signatures) else ())


def _plain(packets: Sequence[bytes]) -> Said | None:
    """What dnspython does not read: addresses of class CH, which it takes for those of Chaosnet. None if nobody can."""
    try:
        messages = [read_message(packet) for packet in packets]
    except WireError:
        return None
    sections = tuple(
        tuple((_plain_line(record, each), record.ttl) for each in messages for record in getattr(each, section))
        for section in SECTIONS
    )
    first = messages[0]
    question = (
        () if first.question is None else (f"{first.question.name!r} {first.question.cls} {first.question.type}",)
    )
    edns = first.edns and (first.edns.version, first.edns.size, first.edns.flags, ())
    return Said(dns.rcode.Rcode(first.flags & 15).name, frozenset([hex(first.flags >> 4)]), question, sections, edns)


def _plain_line(record: Record, message: Message) -> Line:
    owner = record.owner or (message.question.name if message.question else b"")
    data = f"{record.data[:4].hex()} PORT" if record.type == codes.SRV else record.data.hex()
    return Line(name.to_text(owner), str(record.cls), str(record.type), data)


def _signature(message: dns.message.Message) -> tuple[str, ...]:
    """What stands in the TSIG record but for the time and the octets of the signature; nothing if there is none."""
    if message.tsig is None or message.keyname is None:
        return ()
    rdata = message.tsig[0]
    other = "server time" if rdata.other else ""
    return str(message.keyname), str(rdata.algorithm), str(rdata.fudge), str(rdata.error), str(len(rdata.mac)), other


def _lines(message: dns.message.Message, section: str) -> Iterator[tuple[Line, int]]:
    for rrset in getattr(message, section):
        kind = dns.rdatatype.to_text(rrset.rdtype)
        for rdata in rrset:
            data = rdata.to_text()
            if kind == "SOA":
                mname, rname, _, *rest = data.split()
                data = " ".join([mname, rname, "SERIAL", *rest])
            elif kind == "SRV" and (data.endswith(" .") or data.startswith(NO_PLACE)):
                data = "0 0 PORT ."
            yield Line(str(rrset.name), dns.rdataclass.to_text(rrset.rdclass), kind, data), rrset.ttl


@dataclass(frozen=True, slots=True)
class Pair:
    """A question, in which set-up, over which transport, and what both servers say."""

    setup: Setup
    row: Row
    proto: str
    ours: Said
    theirs: Said
    octets: bool = False
    """Whether they are the same octets but for the id."""

    def kinds(self) -> frozenset[str]:
        """In what the replies differ: names of parts."""
        return frozenset(_differences(self.ours, self.theirs))


def _differences(ours: Said, theirs: Said) -> Iterator[str]:
    for what in ("rcode", "flags", "question", "edns", "tsig"):
        if getattr(ours, what) != getattr(theirs, what):
            yield what
    cut = "tc" in ours.flags & theirs.flags
    for section, one, other in zip(SECTIONS, ours.sections, theirs.sections, strict=True):
        if cut:
            if Counter(_shape(line) for line, _ in one) != Counter(_shape(line) for line, _ in other):
                yield section
        elif Counter(line for line, _ in one) != Counter(line for line, _ in other):
            yield section
        elif _times_differ(one, other):
            yield "ttl"
    if out_of_order(ours) != out_of_order(theirs):
        yield "order"


def _shape(line: Line) -> tuple[str, str]:
    return line.kind, line.owner if line.kind == "CNAME" else ""


def _times_differ(one: tuple[tuple[Line, int], ...], other: tuple[tuple[Line, int], ...]) -> bool:
    return any(abs(mine - theirs) > SLACK for (_, mine), (_, theirs) in zip(sorted(one), sorted(other), strict=True))


def out_of_order(said: Said) -> bool:
    """Whether an alias stands behind what it leads to."""
    for section in said.sections:
        owners = [line.owner.lower() for line, _ in section]
        for at, (line, _) in enumerate(section):
            if line.kind == "CNAME" and line.data.lower() in owners[:at]:
                return True
    return False
