"""The twelve octets in front: opcodes, bits, counts, headers cut short, and what follows that should not."""

import pytest

from kdns.wire import codes
from tests.messages.case import FOUND, SILENCE, Case
from tests.messages.packets import opt, query, record
from tests.messages.server import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

UNREAD = ("FORMERR noquestion", "edns none")
READ = ("FORMERR", "edns none")
"""FORMERR to a message that is wrong behind its question."""
OTHER = ("NOTIMP noquestion", "edns none")
HEADER = query(questions=0, counts=(1, 0, 0, 0))
LONG = bytes(range(256)) * 2

OPCODES = [
    Case(f"opcode {number}, {what}", query(flags=0, opcode=number, questions=questions), OTHER)
    for number in range(1, 16)
    for what, questions in (("a question", 1), ("header only", 0))
] + [Case("opcode 0", query(flags=0), FOUND), Case("opcode 5 with EDNS", query(opcode=5, opts=(opt(),)), OTHER)]
BITS = [
    Case("TC", query(flags=codes.TC), FOUND),
    Case("AA", query(flags=codes.AA), FOUND),
    Case("RA", query(flags=codes.RA), FOUND),
    Case("AD", query(flags=codes.AD), FOUND),
    Case("CD", query(flags=codes.CD), ("NOERROR aa cd", *FOUND[1:])),
    Case("reserved", query(flags=codes.Z), FOUND),
    *[Case(f"response code {code}", query(flags=code), FOUND) for code in (1, 3, 15)],
    Case("all bits but QR and the opcode", query(flags=0x07FF), ("NOERROR aa cd", *FOUND[1:])),
    Case("QR", query(flags=codes.QR), SILENCE),
    Case("QR, opcode 15", query(flags=codes.QR, opcode=15), SILENCE),
    Case("QR, no question", query(flags=codes.QR, questions=0), SILENCE),
]
COUNTS = [
    Case("no question", query(questions=0), UNREAD),
    Case("no question, EDNS", query(questions=0, opts=(opt(),)), UNREAD),
    Case("two questions", query(questions=2), UNREAD),
    Case("65535 questions", query(counts=(65535, 0, 0, 0)), UNREAD),
    Case("a question that is not there", HEADER, UNREAD),
    Case("an answer", query(answer=(record(),)), FOUND),
    Case("an answer that is not there", query(counts=(1, 1, 0, 0)), READ),
    Case("two answers", query(answer=(record(),) * 2), UNREAD),
    Case("an authority record", query(authority=(record(),)), FOUND),
    Case("an authority record that is not there", query(counts=(1, 0, 1, 0)), READ),
    Case("two authority records", query(authority=(record(),) * 2), UNREAD),
    Case("two additional records", query(opts=(record(),) * 2), FOUND),
    Case("an additional record that is not there", query(counts=(1, 0, 0, 1)), READ),
    Case("three additional records", query(opts=(record(),) * 3), UNREAD),
    Case("one record in every section", query(answer=(record(),), authority=(record(),), opts=(record(),)), FOUND),
    Case("65535 records in every section", query(counts=(1, 65535, 65535, 65535)), UNREAD),
]
SHORT = [Case(f"{size} octets", query()[:size], SILENCE) for size in range(12)] + [
    Case(f"{size} octets", query()[:size], UNREAD) for size in range(12, len(query()))
]
CUT = [
    Case(f"a record without its last {cut} octets", query(opts=(record(),))[:-cut], READ)
    for cut in range(1, len(record()) + 1)
]
TAILS = [
    Case("an octet too many", query(tail=b"\0"), FOUND),
    Case("hundreds of octets too many", query(tail=LONG[:400]), FOUND),
    Case("a second message behind the first", query(tail=query()), FOUND),
    Case("octets behind OPT", query(opts=(opt(),), tail=b"xyz"), (*FOUND, "edns 1232")),
]


@pytest.mark.parametrize("case", OPCODES + BITS + COUNTS + SHORT + CUT + TAILS, ids=str)
async def test_header(server: Server, case: Case) -> None:
    assert not await server.judge(case)
