"""Names: their length, their octets, their letter case, and compression that leads nowhere."""

import pytest

from kdns.wire import codes, name
from tests.messages.case import FOUND, MISSING, Case
from tests.messages.packets import WEB, label, query, record
from tests.messages.server import LONG, WIDE, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNREAD = ("FORMERR noquestion", "edns none")
SHOP = name.from_text("shop.svc.cluster.local.")
MIXED = "wEb.ShOp.SvC.cLuStEr.LoCaL."


def below(*labels: bytes, zone: bytes = SHOP) -> bytes:
    """A name of labels with any octets."""
    return b"".join(map(label, labels)) + zone


def question(label: str, wire: bytes, *reply: str) -> Case:
    return Case(label, query(wire=wire), reply)


LENGTHS = [
    Case("255 octets", query(LONG), ("NOERROR aa", "3600 A 192.0.2.99"), LONG),
    question("255 octets, 127 labels", below(*[b"a"] * 127, zone=b"\0"), "REFUSED"),
    question("255 octets in the zone", below(b"ab", *[b"a"] * 114), *MISSING),
    question("256 octets", below(b"ab", *[b"a"] * 126, zone=b"\0"), *UNREAD),
    question("257 octets, 128 labels", below(*[b"a"] * 128, zone=b"\0"), *UNREAD),
    question("300 octets", below(*[b"a" * 59] * 5, zone=b"\0"), *UNREAD),
    Case("a label of 63 octets", query(WIDE), ("NOERROR aa", "3600 A 192.0.2.99"), WIDE),
    question("a label of 64 octets", below(b"a" * 64), *UNREAD),
    question("the root", name.ROOT, "REFUSED"),
    question("a single label", name.from_text("web."), "REFUSED"),
]
OCTETS = [
    question(f"a label of {octets!r}", below(octets), *MISSING)
    for octets in (b"\0", b" ", b"\xff", b"a b", b"\\", b"\\046", b"*", b'"', b"a\0b", b"\x7f", bytes(range(63)))
] + [
    question("a dot in a label", below(b"web.shop", zone=SHOP[5:]), *MISSING),
    question("a label that is a dot", below(b".", b"web"), *MISSING),
    question("all the name in one label", below(WEB[:-1].encode(), zone=b"\0"), "REFUSED"),
    question("the zone in one label", below(b"web", b"shop", b"svc", b"cluster.local", zone=b"\0"), "REFUSED"),
    question("NUL at the end of a label", below(b"web\0"), *MISSING),
    question("a letter with its eighth bit", below(b"\xf7eb"), *MISSING),
    question(
        "not quite another letter case", below(b"web", b"shop", b"svc", zone=b"\x07clusTeR\x05lo\x03al\0"), "REFUSED"
    ),
]
CASES = [
    Case("mixed case", query(MIXED), FOUND, MIXED),
    Case("upper case", query(WEB.upper()), FOUND, WEB.upper()),
    Case(
        "mixed case, no such name",
        query(f"no.{MIXED}"),
        ("NXDOMAIN aa", "authority cLuStEr.LoCaL. SOA *"),
    ),
    Case("@ and [ are no letters", query(wire=below(b"`web{")), MISSING),
]
POINTERS = [
    question("a pointer to itself", b"\xc0\x0c", *UNREAD),
    question("a pointer forward", b"\xc0\x12", *UNREAD),
    question("a pointer into the header", b"\xc0\0", *UNREAD),
    question("a pointer behind the message", b"\xff\xff", *UNREAD),
    question("half a pointer", b"\3web\xc0", *UNREAD),
    question("a label and a pointer back to it", b"\3web\xc0\x0c", *UNREAD),
    question("reserved label type 01", b"\x41\0", *UNREAD),
    question("reserved label type 10", b"\x81\0", *UNREAD),
    question("no end", b"\3web", *UNREAD),
    question("a label longer than the message", b"\x3fweb\0", *UNREAD),
    Case("an owner that is a pointer to the question", query(opts=(record(b"\xc0\x0c"),)), FOUND),
    Case("an owner of a reserved label type", query(opts=(record(b"\x41\0"),)), ("FORMERR", "edns none")),
    Case("an owner without end", query(opts=(b"\3abc",)), ("FORMERR", "edns none")),
]


@pytest.mark.parametrize("case", LENGTHS + OCTETS + CASES + POINTERS, ids=str)
async def test_names(server: Server, case: Case) -> None:
    assert not await server.judge(case)


@pytest.mark.parametrize("target", [0xC000, 0xC00B, 0xC02C, 0xC02D, 0xFFFF], ids=hex)
async def test_a_pointer_that_leads_nowhere_ends(server: Server, target: int) -> None:
    """In a record that nobody looks into, it is not looked at; whoever does says FORMERR."""
    packet = query(opts=(record(target.to_bytes(2, "big"), codes.A),))
    reply = await server.ask(packet)
    assert reply is not None
    assert reply[:2] == packet[:2]
    assert reply[3] & 15 in (codes.NOERROR, codes.FORMERR)
