"""Which reply is expected, written like a zone file, and what of a reply is not so.

Replies are read by dnspython, which shares no code with kdns. Records are compared as a multiset, letter case included.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset

SECTIONS = ("answer", "authority", "additional")
_FLAGS = ("aa", "tc", "ra", "ad", "cd")


class Names(NamedTuple):
    """What names without a final dot end in, and the TTL of records that say none."""

    origin: dns.name.Name = dns.name.root
    ttl: int = 5


class Pattern(NamedTuple):
    """A record; `data` is None for any, and a SOA's serial never counts where it is written `SERIAL`."""

    owner: str
    least: int
    most: int
    rtype: str
    data: str | None
    any_serial: bool = False

    def fits(self, record: "Pattern") -> bool:
        if (self.owner, self.rtype) != (record.owner, record.rtype) or not self.least <= record.least <= self.most:
            return False
        if self.any_serial and record.data is not None:
            return self.data == _without_serial(record.data)
        return self.data in (None, record.data)

    def __str__(self) -> str:
        ttl = str(self.least) if self.least == self.most else f"{self.least}-{self.most}"
        return f"{self.owner} {ttl} {self.rtype} {'*' if self.data is None else self.data}"


@dataclass(slots=True)
class Expected:
    """A reply; `more` has the sections in which further records may stand, and of how many in all (0: of any)."""

    reason: str = ""
    rcode: str = ""
    flags: frozenset[str] = frozenset()
    records: dict[str, list[Pattern]] = field(default_factory=lambda: {section: [] for section in SECTIONS})
    more: dict[str, int] = field(default_factory=dict)
    edns: tuple[str, ...] | None = None
    question: bool = True
    same_rd: bool = True


def read_expected(expected: Expected, words: list[str], asked: str, names: Names) -> None:
    """Add a line to what is expected. Raises `ValueError` or `DNSException`."""
    if not expected.rcode:
        _read_head(expected, words)
        return
    section = words.pop(0) if words[0] in SECTIONS else "answer"
    if words[0] == "edns":
        expected.edns = tuple(words[1:])
    elif words[0] == "...":
        expected.more[section] = int(words[1]) if len(words) > 1 else 0
    else:
        expected.records[section].append(_pattern(words, asked, names))


def _read_head(expected: Expected, words: list[str]) -> None:
    if words == ["no", "reply"]:
        expected.rcode = "NONE"
        return
    rcode, *flags = words
    if rcode != "BADVERS":
        dns.rcode.from_text(rcode)
    if "noquestion" in flags:
        flags.remove("noquestion")
        expected.question = False
    if "otherrd" in flags:
        flags.remove("otherrd")
        expected.same_rd = False
    if unknown := set(flags) - set(_FLAGS):
        raise ValueError(f"{unknown.pop()!r} is no flag")
    expected.rcode, expected.flags = rcode, frozenset(flags)


def _pattern(words: list[str], asked: str, names: Names) -> Pattern:
    words = list(words)
    owner = asked
    if not _is_ttl(words[0]) and not (words[0].isupper() and len(words) > 1 and _is_type(words[0])):
        owner = dns.name.from_text(words.pop(0), names.origin).to_text()
    ttl = str(names.ttl)
    if words and _is_ttl(words[0]):
        ttl = words.pop(0)
    least, _, most = ttl.partition("-")
    if len(words) < 2:
        raise ValueError("[OWNER] [TTL] TYPE DATA")
    rtype, *data = words
    if not _is_type(rtype):
        raise ValueError(f"{rtype!r} is no type")
    any_serial = rtype == "SOA" and "SERIAL" in data
    text = None
    if data != ["*"]:
        plain = " ".join("0" if word == "SERIAL" else word for word in data)
        text = dns.rdata.from_text("IN", rtype, plain, origin=names.origin, relativize=False).to_text()
    return Pattern(owner, int(least), int(most or least), rtype, text, any_serial)


def _is_ttl(word: str) -> bool:
    return word.replace("-", "", 1).isdecimal()


def _is_type(word: str) -> bool:
    try:
        return bool(dns.rdatatype.from_text(word))
    except dns.exception.DNSException:
        return False


def _without_serial(data: str) -> str:
    words = data.split()
    return " ".join([*words[:2], "0", *words[3:]])


def read_reply(packet: bytes) -> dns.message.Message:
    """A reply; its records one by one, in their order."""
    return dns.message.from_wire(packet, keyring=False, one_rr_per_rrset=True)


def records(section: list[dns.rrset.RRset]) -> list[Pattern]:
    """The records of a section."""
    return [
        Pattern(str(rrset.name), rrset.ttl, rrset.ttl, dns.rdatatype.to_text(rrset.rdtype), rdata.to_text())
        for rrset in section
        for rdata in rrset
    ]


def differences(expected: Expected, query: bytes, packet: bytes | None, *, ordered: bool = False) -> list[str]:
    """What is not as expected, a line each; `ordered` if the answer has to stand in the order it is written in."""
    if packet is None or expected.rcode == "NONE":
        return [] if (packet is None) == (expected.rcode == "NONE") else ["reply" if packet else "no reply"]
    try:
        message = read_reply(packet)
    except dns.exception.DNSException as error:
        return [f"a reply that cannot be read ({error}): {packet.hex()}"]
    found = list(_head(expected, query, packet, message))
    for section in SECTIONS:
        got = records(getattr(message, section))
        found += _section(section, expected, got)
    if ordered and not found:
        pairs = zip(expected.records["answer"], records(message.answer), strict=False)
        found += [
            f"answer: {record} stands where {pattern} should" for pattern, record in pairs if not pattern.fits(record)
        ]
    return found + list(_edns(expected, query, message))


def _head(expected: Expected, query: bytes, packet: bytes, message: dns.message.Message) -> Iterator[str]:
    rcode = "BADVERS" if message.rcode() == dns.rcode.BADVERS else dns.rcode.to_text(message.rcode())
    if rcode != expected.rcode:
        yield f"{rcode} instead of {expected.rcode}"
    flags = {flag for flag in dns.flags.to_text(message.flags).lower().split() if flag in _FLAGS}
    if flags != expected.flags:
        yield f"flags {sorted(flags)} instead of {sorted(expected.flags)}"
    if packet[:2] != query[:2]:
        yield f"id {packet[:2].hex()} instead of {query[:2].hex()}"
    if bool((packet[2] ^ query[2]) & 1) is expected.same_rd:
        yield "RD is not as in the query" if expected.same_rd else "RD is as in the query"
    if expected.question:
        end = query.index(b"\0", 12) + 5
        if packet[12:end] != query[12:end]:
            yield "the question is not echoed octet by octet"
    elif message.question:
        yield "a question"


def _section(section: str, expected: Expected, got: list[Pattern]) -> Iterator[str]:
    missing = sorted(expected.records[section], key=lambda pattern: (pattern.data is None, pattern.any_serial))
    extra = []
    for record in got:
        fit = next((pattern for pattern in missing if pattern.fits(record)), None)
        if fit is None:
            extra.append(record)
        else:
            missing.remove(fit)
    if missing:
        yield f"{section} lacks: " + "; ".join(map(str, missing))
    total = expected.more.get(section)
    if total is None and extra:
        yield f"{section} has also: " + "; ".join(map(str, extra))
    elif total and len(got) != total:
        yield f"{section} has {len(got)} records instead of {total}"
    owners = [record.owner.lower() for record in got]
    aliases = {record.owner.lower(): str(record.data).lower() for record in got if record.rtype == "CNAME"}
    is_zone = got and got[0].rtype == "SOA"
    for at, record in enumerate(() if is_zone else got):
        if record.rtype == "CNAME" and aliases[owners[at]] in owners[:at] and not _goes_round(aliases, owners[at]):
            yield f"{section}: {record.data} stands before the alias that leads there"


def _goes_round(aliases: dict[str, str], owner: str) -> bool:
    seen = set()
    while owner in aliases and owner not in seen:
        seen.add(owner)
        owner = aliases[owner]
    return owner in seen


def _edns(expected: Expected, query: bytes, message: dns.message.Message) -> Iterator[str]:
    if expected.edns is None and message.edns >= 0 and query[10:12] == b"\0\0":
        yield "an OPT record although the query has none"
    if expected.edns is not None:
        got: tuple[str, ...] = ("none",)
        if message.edns >= 0:
            got = (str(message.payload), *(["do"] if message.ednsflags & dns.flags.DO else []))
            got += tuple(f"{int(option.otype)}:{option.to_wire().hex()}" for option in message.options)
        if got != expected.edns:
            yield f"edns {' '.join(got)} instead of {' '.join(expected.edns)}"
