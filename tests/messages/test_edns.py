"""EDNS: versions, flags, sizes, options, and OPT records that should not be there (RFC 6891)."""

import pytest

from kdns.wire import codes, name
from tests.messages.case import FOUND, MISSING, Case
from tests.messages.packets import opt, query, record
from tests.messages.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

NSID = (codes.NSID, b"")
COOKIE = bytes.fromhex("0123456789abcdef")
SUBNET = (8, bytes.fromhex("0001180a0000"))
WRONG = ("FORMERR", "edns 4096")
"""A broken OPT record is told by one that is not (section 7)."""


def cased(label: str, *options: tuple[int, bytes], echoed: str = "", size: int = 1232) -> Case:
    """A question with options, and what of them comes back."""
    return Case(label, query(opts=(opt(size, *options),)), (*FOUND, f"edns {size} {echoed}"))


VERSIONS = [
    Case(f"version {number}", query(opts=(opt(version=number),)), ("BADVERS", "edns 4096")) for number in (1, 2, 255)
]
SIZES = [cased(f"size {size}", size=size) for size in (0, 1, 511, 512, 513, 1232, 4096, 65535)]
FLAGS = [
    Case("no EDNS", query(), (*FOUND, "edns none")),
    Case("DO", query(opts=(opt(do=True),)), (*FOUND, "edns 1232 do")),
    *[Case(f"flag {1 << bit:#06x}", query(opts=(opt(flags=1 << bit),)), (*FOUND, "edns 1232")) for bit in range(15)],
    Case("all flags", query(opts=(opt(flags=0xFFFF),)), (*FOUND, "edns 1232 do")),
    Case("response code in the query", query(opts=(opt(rcode=255),)), (*FOUND, "edns 1232")),
    Case("no such name", query("no.shop.svc.cluster.local.", opts=(opt(),)), (*MISSING, "edns 1232")),
    Case("REFUSED", query("elsewhere.", opts=(opt(do=True),)), ("REFUSED", "edns 1232 do")),
    Case("version 1 in class CH", query(cls=codes.CH, opts=(opt(version=1),)), ("REFUSED", "edns 1232")),
]
OPTIONS = [
    cased("unknown option", (65001, b"x")),
    cased("unknown option of no length", (100, b"")),
    cased("option 0", (0, b"x")),
    cased("option 65535", (65535, b"")),
    cased("twenty options", *[(65001 + number, bytes(number)) for number in range(20)]),
    cased("the same option twice", (65001, b"a"), (65001, b"b")),
    cased("NSID of a server without name", NSID),
    cased("client subnet", SUBNET),
    cased("client cookie", (codes.COOKIE, COOKIE)),
    cased("client and server cookie", (codes.COOKIE, COOKIE * 2)),
    cased("cookie of seven octets", (codes.COOKIE, COOKIE[:7])),
    cased("cookie of 41 octets", (codes.COOKIE, COOKIE * 5 + b"x")),
    cased("keepalive", (codes.KEEPALIVE, b"")),
    cased("keepalive with a time", (codes.KEEPALIVE, b"\0\x64")),
    cased("padding", (codes.PADDING, bytes(8)), echoed="12:0000000000000000"),
    cased("EXPIRE", (codes.EXPIRE, b""), echoed="9:"),
    Case(
        "NSID",
        query("id.nsid.test.", codes.MX, opts=(opt(1232, NSID),)),
        ("NOERROR aa", f"edns 1232 do 3:{b'dns-1'.hex()}"),
    ),
    Case("no NSID unasked", query("id.nsid.test.", codes.MX, opts=(opt(),)), ("NOERROR aa", "edns 1232")),
]
PLACES = [
    Case("two OPT records", query(opts=(opt(), opt(4096))), WRONG),
    Case("OPT with a name", query(opts=(opt(owner=name.from_text("a.")),)), WRONG),
    Case("OPT with a pointer for a name", query(opts=(opt(owner=b"\xc0\x0c"),)), WRONG),
    Case("OPT in the answer section", query(answer=(opt(),)), (*FOUND, "edns none")),
    Case("OPT in the authority section", query(authority=(opt(),)), (*FOUND, "edns none")),
    Case("OPT behind another record", query(opts=(record(), opt())), (*FOUND, "edns 1232")),
    Case("OPT before another record", query(opts=(opt(), record())), (*FOUND, "edns 1232")),
    Case("OPT that is not counted", query(opts=(opt(),), counts=(1, 0, 0, 0)), (*FOUND, "edns none")),
    Case("option longer than its record", query(opts=(record(rtype=codes.OPT, data=b"\0\3\0\1"),)), WRONG),
    Case("half an option", query(opts=(record(rtype=codes.OPT, data=b"\0\3\0"),)), WRONG),
    Case("OPT longer than the message", query(opts=(opt(1232, (10, COOKIE))[:-1],)), ("FORMERR", "edns none")),
]


@pytest.mark.parametrize("case", VERSIONS + SIZES + FLAGS + OPTIONS + PLACES, ids=str)
async def test_edns(server: Server, case: Case) -> None:
    assert not await server.judge(case)
