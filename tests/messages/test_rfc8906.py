"""The tests that RFC 8906 gives to operators (section 8), each under its section."""

import pytest

from kdns.wire import codes
from tests.messages.case import APEX, EMPTY, Case
from tests.messages.packets import ZONE, opt, query
from tests.messages.server import Server
from tests.messages.transports import STREAMS

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOA = codes.SOA
UNKNOWN = (100, b"")
SUBNET = (8, b"\0\1\0\0")
COOKIE = (codes.COOKIE, b"\x01\x23\x45\x67\x89\xab\xcd\xef")


def apex(rtype: int = SOA, *opts: bytes, flags: int = 0, opcode: int = 0) -> bytes:
    """A question about the zone as `dig +norec +noad` asks it."""
    return query(ZONE, rtype, flags=flags, opcode=opcode, opts=opts)


BASIC = (
    Case("8.1.1 is the server configured for the zone", apex(), (*APEX, "edns none")),
    Case("8.1.2 unknown types", apex(1000), (*EMPTY, "edns none")),
    Case("8.1.3.1 CD=1", apex(flags=codes.CD), ("NOERROR aa cd", *APEX[1:], "edns none")),
    Case("8.1.3.2 AD=1", apex(flags=codes.AD), (*APEX, "edns none")),
    Case("8.1.3.3 reserved bit", apex(flags=codes.Z), (*APEX, "edns none")),
    Case("8.1.3.4 recursive queries", apex(flags=codes.RD), (*APEX, "edns none")),
    Case("8.1.4 unknown opcodes", query(questions=0, flags=0, opcode=15), ("NOTIMP noquestion", "edns none")),
)
EXTENDED = (
    Case("8.2.1 minimal EDNS", apex(SOA, opt()), (*APEX, "edns 1232")),
    Case("8.2.2 version negotiation", apex(SOA, opt(version=1)), ("BADVERS", "edns 4096")),
    Case("8.2.3 unknown options", apex(SOA, opt(1232, UNKNOWN)), (*APEX, "edns 1232")),
    Case("8.2.4 unknown flags", apex(SOA, opt(flags=0x40)), (*APEX, "edns 1232")),
    Case("8.2.5 version, unknown flags", apex(SOA, opt(version=1, flags=0x40)), ("BADVERS", "edns 4096")),
    Case("8.2.6 version, unknown options", apex(SOA, opt(1232, UNKNOWN, version=1)), ("BADVERS", "edns 4096")),
    Case("8.2.7 truncated responses", apex(codes.DNSKEY, opt(512, do=True)), (*EMPTY, "edns 512 do")),
    Case("8.2.8 DO=1", apex(SOA, opt(do=True)), (*APEX, "edns 1232 do")),
    Case("8.2.9 version, DO=1", apex(SOA, opt(version=1, do=True)), ("BADVERS", "edns 4096 do")),
    Case(
        "8.2.10 several defined options",
        apex(SOA, opt(1232, (codes.NSID, b""), SUBNET, (codes.EXPIRE, b""), COOKIE)),
        (*APEX, "edns 1232 9:"),
    ),
)


@pytest.mark.parametrize("case", BASIC + EXTENDED, ids=str)
async def test_section_8(server: Server, case: Case) -> None:
    assert not await server.judge(case)


@pytest.mark.parametrize("server", STREAMS, ids=str, indirect=True)
async def test_section_8_1_5_tcp(server: Server) -> None:
    assert not await server.judge(Case("8.1.5", apex(), (*APEX, "edns none")))
