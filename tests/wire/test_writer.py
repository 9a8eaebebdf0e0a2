import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.wire import codes, name, rdata
from kdns.wire.edns import Option, opt_record
from kdns.wire.message import read_message
from kdns.wire.reader import read_question
from kdns.wire.record import Record
from kdns.wire.writer import write_message

ASKED = name.from_text("db.Shop.svc.Cluster.local")
QUESTION = ASKED + b"\0\1\0\1"


def record(owner: str | None, kind: str, text: str) -> Record:
    rrset = dns.rrset.from_text(owner or "x.", 5, "IN", kind, text)
    return Record(name.from_text(owner) if owner else None, int(rrset.rdtype), rrset[0].to_wire(), 5)


EVERYTHING = [
    record(None, "A", "10.0.0.1"),
    record(None, "SRV", "0 50 80 web.shop.svc.cluster.local."),
    record("web.shop.svc.cluster.local.", "AAAA", "fd00::1"),
    record("cluster.local.", "NS", "ns.dns.cluster.local."),
    record("cluster.local.", "SOA", "ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5"),
    record("example.org.", "MX", "10 mail.example.org."),
    record("example.org.", "NAPTR", '1 2 "u" "E2U+sip" "!^.*$!sip:x@y!" .'),
    record("example.org.", "TXT", '"one" "two"'),
    record("1.0.0.10.in-addr.arpa.", "PTR", "web.example.org."),
    record(".", "HTTPS", "1 . alpn=h2"),
]


@given(
    st.lists(st.sampled_from(EVERYTHING)), st.lists(st.sampled_from(EVERYTHING)), st.lists(st.sampled_from(EVERYTHING))
)
def test_both_readers_read_what_is_written(answer: list[Record], authority: list[Record], extra: list[Record]) -> None:
    packet = write_message(b"\x12\x34", 0x8400, QUESTION, (answer, authority, extra), opt_record(1232))
    ours = read_message(packet)
    assert ours.question == read_question(packet)[0]
    for section, written in ((ours.answer, answer), (ours.authority, authority), (ours.additional, extra)):
        assert list(section) == [wrote if wrote.owner else wrote._replace(owner=ASKED) for wrote in written]
    theirs = dns.message.from_wire(packet)
    assert sum(map(len, theirs.answer)) == len({_folded(wrote) for wrote in answer})


def _folded(found: Record) -> Record:
    return found._replace(owner=(ASKED if found.owner is None else found.owner).lower(), data=found.data.lower())


@given(st.lists(st.sampled_from(EVERYTHING), max_size=60), st.integers(min_value=60, max_value=700))
def test_cut_to_the_limit(records: list[Record], limit: int) -> None:
    opt = opt_record(1232)
    packet = write_message(b"\0\0", 0x8000, QUESTION, (records, records, ()), opt, limit)
    message = read_message(packet)
    assert len(packet) <= limit
    assert message.edns is not None
    written = [*message.answer, *message.authority]
    assert list(map(_folded, written)) == list(map(_folded, [*records, *records][: len(written)]))
    assert bool(message.flags & codes.TC) is (len(written) < 2 * len(records))


def test_letter_case_survives() -> None:
    packet = write_message(b"\0\0", 0x8000, QUESTION, (EVERYTHING[:1], [EVERYTHING[4]], ()))
    message = read_message(packet)
    assert message.answer[0].owner == ASKED
    soa = "cluster.local. 5 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 5"
    assert message.authority[0].to_text() == soa


def test_srv_targets_are_not_compressed() -> None:
    packet = write_message(b"\0\0", 0x8000, QUESTION, ([EVERYTHING[1]], (), [EVERYTHING[2]]))
    assert packet.count(b"\3web\4shop\3svc\7cluster\5local\0") == 1


def test_pointers_beyond_14_bits_are_not_written() -> None:
    many = [Record(name.from_text(f"n{i}.example.org"), codes.TXT, rdata.txt(b"x" * 200), 5) for i in range(250)]
    packet = write_message(b"\0\0", 0x8000, QUESTION, (many, many, ()))
    assert len(packet) > 0x4000
    assert [found.owner for found in read_message(packet).answer] == [made.owner for made in many]


@pytest.mark.parametrize("size", [0, 1, 64, 255])
def test_no_question(size: int) -> None:
    packet = write_message(b"\0\0", 0x8000, b"", ((), (), ()), opt_record(512, options=(Option(12, b"\0" * size),)))
    assert read_message(packet).question is None
    assert dns.message.from_wire(packet).flags & dns.flags.QR


@given(st.sampled_from(EVERYTHING))
def test_text_of_a_record(wrote: Record) -> None:
    if wrote.type in (codes.HTTPS, rdata.NAPTR):
        assert "\\#" in wrote.to_text()
        return
    line = wrote.to_text(name.from_text("x."))
    owner, ttl, cls, kind, text = line.split(" ", 4)
    again = dns.rrset.from_text(owner, int(ttl), cls, kind, text)
    assert again[0].to_wire() == wrote.data
