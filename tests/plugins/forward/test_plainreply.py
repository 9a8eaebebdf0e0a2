"""Which replies are plain, and what is noted of them. `.` stands for the asked name, in a reply to a question for A."""

import pytest

from kdns.plugins.forward.plain import PlainExchange
from kdns.plugins.forward.plainreply import read_plain
from kdns.wire import codes, rdata
from kdns.wire.reader import HEADER, read_question
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.house import packet

NAME = "www.example.org"
QUERY = packet(NAME)
ASKED, _ = read_question(QUERY)
BARE = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
ADDRESS = rdata.a("192.0.2.1")
A = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\x04" + ADDRESS
ALIAS = b"\xc0\x0c\0\5\0\1\0\0\0\x1e\0\x07\x04edge\xc0\x10"
TARGET = len(QUERY) + 12
THERE = (0xC000 | TARGET).to_bytes(2, "big") + A[2:]
SOA = b"\xc0\x10\0\6\0\1\0\0\0\x09\0\x1c\x01n\xc0\x10\x01h\xc0\x10" + bytes(20)


def plain(
    records: bytes, answers: int, authorities: int = 0, additionals: int = 0, **how: int | bytes
) -> PlainExchange:
    """A question with its reply."""
    flags = codes.QR | codes.RD | codes.RA | int(how.get("flags", 0))
    made = PlainExchange.__new__(PlainExchange)
    made.asked, made.opt = ASKED, bytes(how.get("opt", b""))
    made.reply = HEADER.pack(0, flags, 1, answers, authorities, additionals) + ASKED.wire + records
    return made


@pytest.mark.parametrize(
    ("reply", "noted"),
    [
        (plain(A, 1), (0, 0, 1, False, 60)),
        (plain(A + A, 2), (0, 0, 2, False, 60)),
        (plain(A + BARE, 1, 0, 1, opt=BARE), (0, 0, 1, False, 60)),
        (plain(ALIAS + THERE, 2), (0, 1, 1, False, 30)),
        (plain(ALIAS + THERE + THERE, 3), (0, 1, 2, False, 30)),
        (plain(ALIAS + SOA, 1, 1), (0, 1, 0, True, 9)),
        (plain(SOA, 0, 1), (0, 0, 0, True, 9)),
        (plain(SOA, 0, 1, flags=codes.NXDOMAIN), (3, 0, 0, True, 9)),
    ],
)
def test_what_is_plain(reply: PlainExchange, noted: tuple[object, ...]) -> None:
    assert read_plain(reply)
    assert (reply.rcode, len(reply.aliases), reply.count, bool(reply.soa), reply.ttl) == noted


@pytest.mark.parametrize("addresses", [1, 2])
def test_the_root_is_never_written_as_a_pointer(addresses: int) -> None:
    reply = plain(A * addresses, addresses)
    reply.asked, _ = read_question(packet("."))
    reply.reply = reply.reply[:12] + reply.asked.wire + A * addresses
    assert read_plain(reply) is (addresses == 1)


def test_sizes_are_those_without_compression() -> None:
    name, target = ASKED.name, b"\x04edge\7example\3org\0"
    both = [Record(name, codes.CNAME, target, 30), Record(target, codes.A, ADDRESS, 60)]
    whole = sum(len(each.owner or b"") + 10 + len(each.data) for each in both)
    reply = plain(ALIAS + THERE, 2)
    assert read_plain(reply)
    assert reply.size == whole
    written = write_message(bytes(2), 0, ASKED.wire, [both, [], []])
    assert written[12:] == ASKED.wire + ALIAS + THERE


@pytest.mark.parametrize(
    "reply",
    [
        plain(b"", 0),
        plain(A, 1, flags=codes.TC),
        plain(A, 1, flags=codes.SERVFAIL),
        plain(A, 1, flags=codes.NXDOMAIN),
        plain(A[:-1], 1),
        plain(A, 2),
        plain(A + SOA, 1, 1),
        plain(A + BARE, 1, 0, 1),
        plain(A + b"\0\0\x29\x04\xd0\0\0\x80\0\0\0", 1, 0, 1, opt=BARE),
        plain(A * 40, 40),
        plain(THERE + ALIAS, 2),
        plain(ALIAS + A, 2),
        plain(ALIAS, 1),
        plain(ALIAS[:11] + b"\x08" + ALIAS[12:] + b"\0" + THERE, 2),
        plain(ALIAS[:11] + b"\x06" + ALIAS[12:] + THERE, 2),
        plain(ALIAS[:11] + b"\x02\xc0\x0c" + THERE, 2),
        plain(ALIAS[:12] + b"\x04edge\xc0\x77" + THERE, 2),
        plain(ALIAS + THERE[:4] + b"\0\3" + THERE[6:], 2),
        plain(SOA + SOA, 0, 2),
        plain(SOA[:-1], 0, 1),
        plain(b"\xc0\x10\0\2\0\1\0\0\0\x09\0\x04\x01n\xc0\x10", 0, 1),
        plain(ALIAS[:11] + b"\x02\xc0\x0c" + A, 2),
        plain(ALIAS + SOA, 1, 1, flags=codes.NXDOMAIN),
    ],
)
def test_what_the_chain_has_to_see(reply: PlainExchange) -> None:
    assert not read_plain(reply)
