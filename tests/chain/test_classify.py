from struct import pack

import pytest

from kdns.chain import classify
from kdns.chain.answer import DROP, Answer, refuse, relayed
from kdns.wire import codes, edns, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.message import Relay
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.query import query

A = Record(None, codes.A, rdata.a("192.0.2.1"), 30)
SOA = Record(None, codes.SOA, rdata.soa(name.ROOT, name.ROOT, 1, 2, 3, 4, 5), 30)
NS = Record(None, codes.NS, name.from_text("ns.example."), 30)
NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("answer", "kind", "cls"),
    [
        (Answer(answer=(A,)), "NOERROR", "success"),
        (Answer(rcode=codes.NXDOMAIN, answer=(A,)), "OTHERERROR", "error"),
        (Answer(authority=(SOA,)), "NODATA", "denial"),
        (Answer(authority=(NS, SOA)), "NODATA", "denial"),
        (Answer(rcode=codes.NXDOMAIN), "NXDOMAIN", "denial"),
        (Answer(rcode=codes.SERVFAIL), "SERVERERROR", "error"),
        (Answer(rcode=codes.NOTIMP), "SERVERERROR", "error"),
        (refuse(codes.SERVFAIL), "SERVERERROR", "error"),
        (Answer(authority=(NS,)), "DELEGATION", "success"),
        (Answer(), "NOERROR", "success"),
        (Answer(rcode=codes.REFUSED), "OTHERERROR", "error"),
        (refuse(codes.REFUSED), "OTHERERROR", "error"),
        (DROP, "OTHERERROR", "error"),
        (refuse(codes.NXDOMAIN), "OTHERERROR", "error"),
    ],
)
def test_kind_and_class(answer: Answer, kind: str, cls: str) -> None:
    assert classify.kind(query("a.example"), answer, NOW) == kind
    assert classify.class_of(kind) == cls


@pytest.mark.parametrize(
    ("rtype", "opcode", "kind"),
    [("A", codes.UPDATE, "UPDATE"), ("A", codes.NOTIFY, "META"), ("AXFR", 0, "META"), ("IXFR", 0, "META")],
)
def test_what_was_asked_comes_before_what_was_answered(rtype: str, opcode: int, kind: str) -> None:
    asked = query("a.example", rtype, flags=opcode << 11)
    assert classify.kind(asked, Answer(answer=(A,)), NOW) == kind
    assert classify.class_of(kind) == "error"


@pytest.mark.parametrize(
    ("since", "until", "do", "kind"),
    [
        (NOW - 1, NOW + 1, True, "NOERROR"),
        (NOW - 9, NOW - 1, True, "OTHERERROR"),
        (NOW + 1, NOW + 9, True, "OTHERERROR"),
        (NOW - 9, NOW - 1, False, "NOERROR"),
    ],
)
def test_stale_signatures_spoil_a_reply_with_do(since: float, until: float, do: bool, kind: str) -> None:
    asked = query("a.example", "A")
    sig = pack(">HBBIIIH", codes.A, 13, 2, 30, int(until), int(since), 7) + name.ROOT + b"signature"
    opt = edns.opt_record(1232, codes.DO if do else 0)
    sections = ((A, Record(None, codes.RRSIG, sig, 30)), (), ())
    packet = write_message(b"\0\0", codes.QR, asked.question.wire, sections, opt)
    assert classify.kind(asked, relayed(Relay(packet)), NOW) == kind


def test_a_relayed_section_is_not_decoded() -> None:
    asked = query("a.example", "A")
    packet = write_message(
        b"\0\0", codes.QR, asked.question.wire, ((), (Record(None, codes.TXT, b"\xc0\xff", 30),), ())
    )
    broken = packet.replace(b"\0\x10\0\x01\0\0\0\x1e", b"\0\x06\0\x01\0\0\0\x1e")
    answer = relayed(Relay(broken))
    with pytest.raises(WireError):
        list(answer.authority)
    assert classify.kind(asked, answer, NOW) == "NODATA"
