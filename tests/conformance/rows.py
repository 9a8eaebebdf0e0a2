"""Questions with the reply that CoreDNS gave, and whether another reply is the same.

A row is one entry of a `cases.yaml` (its head explains the keys). Records are compared as a multiset, names, TTLs and
letter case exactly; `SERIAL` stands for any serial; a CNAME has to come before the records of its target; a transfer
has to begin and end with the SOA. Replies are read by dnspython, which shares no code with kdns.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import yaml

from kdns.wire import codes, name
from kdns.wire.edns import Option, opt_record
from kdns.wire.rdata import soa
from kdns.wire.record import Record
from kdns.wire.writer import write_message

CLIENT = "10.244.9.9"
SECTIONS = ("answer", "authority", "additional")
_FLAGS = {"aa": codes.AA, "tc": codes.TC, "rd": codes.RD, "ra": codes.RA, "ad": codes.AD, "cd": codes.CD}


@dataclass(frozen=True, slots=True)
class Row:
    """One question and its reply."""

    given: Mapping[str, Any]

    @property
    def id(self) -> str:
        """Its stable label."""
        return str(self.given["id"])

    @property
    def options(self) -> Mapping[str, Any]:
        """How the server is set up for it."""
        return self.given.get("options") or {}

    @property
    def client(self) -> str:
        """Source address of the query."""
        return str(self.given.get("client", CLIENT))

    @property
    def proto(self) -> str:
        """`udp` or `tcp`."""
        return str(self.given.get("transport", "udp"))

    @property
    def label(self) -> str:
        """The question in short."""
        return f"{self.id} {self.given['name']} {self.given['type']} ({self.given.get('note', '')})"

    def query(self, ident: int = 0x1234) -> bytes:
        """The query as octets."""
        if "raw" in self.given:
            return bytes.fromhex(str(self.given["raw"]))
        flags = dns.opcode.to_flags(dns.opcode.from_text(self.given.get("opcode", "QUERY")))
        flags |= codes.RD if self.given.get("rd", True) else 0
        flags |= sum(_FLAGS[flag] for flag in ("cd", "ad") if self.given.get(flag))
        rtype = int(dns.rdatatype.from_text(str(self.given["type"])))
        cls = int(dns.rdataclass.from_text(str(self.given.get("class", "IN"))))
        asked = name.from_text(self.given["name"])
        question = asked + rtype.to_bytes(2, "big") + cls.to_bytes(2, "big")
        authority = []
        if "ixfr_serial" in self.given:
            authority = [
                Record(asked, codes.SOA, soa(name.ROOT, name.ROOT, int(self.given["ixfr_serial"]), 0, 0, 0, 0), 0)
            ]
        return write_message(ident.to_bytes(2, "big"), flags, question, ((), authority, ()), self._opt())

    def _opt(self) -> bytes:
        edns = self.given.get("edns")
        if edns is None:
            return b""
        flags = (codes.DO if edns.get("do") else 0) | int(edns.get("z", 0))
        options = [Option(int(option["code"]), bytes.fromhex(option["data"])) for option in edns.get("options", ())]
        return opt_record(int(edns.get("size", 1232)), flags, options, version=int(edns.get("version", 0)))

    def differences(self, replies: Iterable[bytes]) -> list[str]:
        """What is not as it should be, a line each; several replies are the messages of a transfer."""
        packets = list(replies)
        if self.given["rcode"] == "NONE":
            return ["there should be no reply"] if packets else []
        if not packets:
            return ["no reply"]
        return list(_Comparison(self.given, packets).run())


@dataclass(slots=True)
class _Comparison:
    given: Mapping[str, Any]
    packets: list[bytes]
    messages: list[dns.message.Message] = field(init=False)

    def run(self) -> Iterator[str]:
        self.messages = [dns.message.from_wire(packet, one_rr_per_rrset=True) for packet in self.packets]
        first = self.messages[0]
        yield from self._head(first)
        for section in SECTIONS:
            yield from self._section(section)
        yield from self._edns(first)

    def _head(self, message: dns.message.Message) -> Iterator[str]:
        got = "BADVERS" if message.rcode() == dns.rcode.BADVERS else dns.rcode.to_text(message.rcode())
        yield from _differ("rcode", got, self.given["rcode"])
        flags = [flag for flag in dns.flags.to_text(message.flags).lower().split() if flag != "qr"]
        yield from _differ("flags", sorted(flags), sorted(self.given["flags"]))
        opcode = str(dns.opcode.to_text(message.opcode()))
        yield from _differ("opcode", opcode, str(self.given.get("opcode_reply", "QUERY")))
        asked = [str(question.name) for question in message.question]
        if "question_reply" in self.given:
            yield from _differ("question", len(asked), len(self.given["question_reply"]))
        elif asked:
            yield from _differ("question", asked[0], self.given["name"])

    def _section(self, section: str) -> Iterator[str]:
        got = [line for message in self.messages for line in _lines(getattr(message, section))]
        wanted = [str(line) for line in self.given.get(section) or ()]
        count = (self.given.get("count") or {}).get(section)
        if count is not None and "..." in wanted:
            yield from _differ(f"{section} count", len(got), count)
            wanted, got = [line for line in wanted if line != "..."], [_shape(line, wanted) for line in got]
            missing = Counter(wanted) - Counter(got)
            if missing:
                yield f"{section}: missing {sorted(missing)}"
            return
        shown = [_shape(line, wanted) for line in got]
        if count is not None:
            yield from _differ(f"{section} count", len(shown), count)
            shown, wanted = [_without_address(line) for line in shown], [_without_address(line) for line in wanted]
        if Counter(shown) != Counter(wanted):
            extra, missing = Counter(shown) - Counter(wanted), Counter(wanted) - Counter(shown)
            yield f"{section}: extra {sorted(extra.elements())} missing {sorted(missing.elements())}"
        yield from _order(section, shown)

    def _edns(self, message: dns.message.Message) -> Iterator[str]:
        wanted = self.given.get("edns_reply")
        got = None
        if message.edns >= 0:
            options = [{"code": int(option.otype), "data": option.to_wire().hex()} for option in message.options]
            got = {
                "version": message.edns,
                "size": int(message.payload),
                "flags": message.ednsflags & 0xFFFF,
                "options": options,
            }
        yield from _differ("edns", got, wanted)


def _lines(section: list[dns.rrset.RRset]) -> Iterator[str]:
    for rrset in section:
        for rdata in rrset:
            kind = dns.rdatatype.to_text(rrset.rdtype)
            yield f"{rrset.name} {rrset.ttl} {dns.rdataclass.to_text(rrset.rdclass)} {kind} {rdata.to_text()}"


def _shape(line: str, wanted: list[str]) -> str:
    """A line with its serial blanked if a wanted line is the same but for that."""
    words = line.split(" ")
    if len(words) > 6 and words[3] == "SOA":
        blank = " ".join([*words[:6], "SERIAL", *words[7:]])
        return blank if blank in wanted else line
    return line


def _without_address(line: str) -> str:
    """Which of many like records fit is chance: compare all but the data."""
    words = line.split(" ")
    return " ".join(words[:4]) if words[3] in ("A", "AAAA", "SRV") else line


def _order(section: str, lines: list[str]) -> Iterator[str]:
    owners = [line.split(" ")[0].lower() for line in lines]
    for at, line in enumerate(lines):
        words = line.split(" ")
        if words[3] == "CNAME" and words[4].lower() in owners[:at]:
            yield f"{section}: {words[4]} stands before the alias that leads there"


def _differ(what: str, got: object, wanted: object) -> Iterator[str]:
    if got != wanted:
        yield f"{what}: got {got}, want {wanted}"


def read(cases: Path, corrected: Path | None = None) -> list[Row]:
    """Rows of a file; those of `corrected` (row id: keys) replace what the recorded reply has."""
    rows = yaml.load(cases.read_text(), Loader=yaml.CSafeLoader)
    changes = yaml.load(corrected.read_text(), Loader=yaml.CSafeLoader) if corrected else {}
    return [Row(row | changes.get(row["id"], {})) for row in rows]
