"""Classes and types that nobody asks for, and some that only look like questions."""

import pytest

from kdns.wire import codes
from tests.messages.case import EMPTY, FOUND, Case
from tests.messages.packets import ZONE, opt, query
from tests.messages.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLASSES = [
    Case(f"class {codes.class_name(number)}", query(cls=number, opts=(opt(),)), ("REFUSED", "edns 1232"))
    for number in (0, 2, codes.CH, codes.HS, codes.NONE, codes.ANY_CLASS, 65535)
] + [Case("class IN", query(), FOUND), Case("version.bind", query("version.bind.", codes.TXT, codes.CH), ("REFUSED",))]
NO_DATA = (
    0,
    codes.MX,
    codes.OPT,
    codes.DS,
    codes.RRSIG,
    codes.DNSKEY,
    codes.SVCB,
    249,
    codes.TSIG,
    codes.ANY,
    1000,
    65535,
)
TYPES = [Case(f"type {codes.type_name(number)}", query(rtype=number), EMPTY) for number in NO_DATA] + [
    Case("AXFR", query(ZONE, codes.AXFR), ("REFUSED",)),
    Case("IXFR", query(ZONE, codes.IXFR), ("REFUSED",)),
    Case("MAILB", query(rtype=253), EMPTY),
]


@pytest.mark.parametrize("case", CLASSES + TYPES, ids=str)
async def test_questions(server: Server, case: Case) -> None:
    assert not await server.judge(case)
