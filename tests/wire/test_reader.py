import struct

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kdns.wire import codes, name
from kdns.wire.edns import Edns, Option, opt_record
from kdns.wire.errors import WireError
from kdns.wire.message import Relay, read_message
from kdns.wire.reader import find_edns, question, read_name, read_question, read_records

HEADER = bytes.fromhex("123401000001000000000000")
QUESTION = b"\3web\4Shop\0\0\1\0\1"


def test_read_question() -> None:
    asked, end = read_question(HEADER + QUESTION)
    assert asked.name == b"\3web\4Shop\0"
    assert asked.folded == b"\3web\4shop\0"
    assert (asked.type, asked.cls) == (codes.A, codes.IN)
    assert asked.wire == QUESTION
    assert end == len(HEADER + QUESTION)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\3we",
        b"\3web",
        b"\3web\0",
        b"\3web\0\0\1\0",
        b"\xc0\x0c\0\1\0\1",
        b"\x40a\0\0\1\0\1",
        b"\x80a\0\0\1\0\1",
        b"".join(b"\x3f" + b"a" * 63 for _ in range(4)) + b"\0\0\1\0\1",
    ],
)
def test_question_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(WireError):
        read_question(HEADER + body)


def test_the_longest_name_is_read() -> None:
    longest = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"a" * 61 + b"\0"
    assert len(longest) == 255
    question, _ = read_question(HEADER + longest + b"\0\1\0\1")
    assert question.name == longest


@pytest.mark.parametrize(
    "packet",
    [b"\xc0\x00", b"\1a\xc0\x00", b"\xc0\x02\xc0\x00", b"\xc0", b"\1", b"\x41a\0", b"\xc0\x05aaaa"],
    ids=["itself", "loop", "forward", "half a pointer", "label cut", "label type", "behind the end"],
)
def test_names_that_never_end(packet: bytes) -> None:
    with pytest.raises(WireError):
        read_name(packet, 0)


def test_name_expanded_beyond_255_octets() -> None:
    part = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\0"
    with pytest.raises(WireError):
        read_name(part + b"\x3f" + b"b" * 63 + b"\xc0\x00", len(part))


@given(st.binary(max_size=200))
@settings(max_examples=500)
def test_any_octets_are_read_or_refused(tail: bytes) -> None:
    for packet in (tail, HEADER + tail, HEADER[:4] + b"\0\1\0\2\0\1\0\2" + QUESTION + tail):
        for read in (read_message, Relay):
            try:
                message = read(packet)
                if isinstance(message, Relay):
                    [list(message.section(index)) for index in range(3)]
            except WireError:
                pass


def test_edns() -> None:
    query = dns.message.make_query("web.shop.", "A", use_edns=0, payload=1232, want_dnssec=True)
    option = dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"xy")
    query.use_edns(0, ednsflags=0x8001, payload=1232, options=[option])
    packet = query.to_wire()
    _, end = read_question(packet)
    edns = find_edns(packet, read_records(packet, end))
    assert edns == Edns(1232, 0x8001, (Option(65001, b"xy"),))
    assert edns.do


@pytest.mark.parametrize(
    "tail",
    [opt_record(512) * 2, b"\1a\0" + opt_record(512)[1:] + opt_record(512)],
    ids=["two", "two, one of them named"],
)
def test_more_than_one_opt(tail: bytes) -> None:
    packet = HEADER[:10] + b"\0\2" + QUESTION + tail
    with pytest.raises(WireError):
        read_message(packet)


def test_option_longer_than_its_record() -> None:
    bad = opt_record(512, options=(Option(1, b"abc"),))
    packet = HEADER[:10] + b"\0\1" + QUESTION + bad[:-4] + b"\xff" + bad[-3:]
    with pytest.raises(WireError):
        read_message(packet)


def test_data_whose_name_leaves_the_record() -> None:
    record = b"\xc0\x0c\0\x05\0\1\0\0\0\5\0\2\3web\4shop\0"
    with pytest.raises(WireError):
        read_message(HEADER[:6] + b"\0\1\0\0\0\0" + QUESTION + record)


def test_trailing_octets_are_ignored() -> None:
    assert read_message(HEADER + QUESTION + b"rest").question is not None


def test_relay_needs_one_question() -> None:
    for count in (b"\0\0", b"\0\2"):
        with pytest.raises(WireError):
            Relay(HEADER[:4] + count + HEADER[6:] + QUESTION * 2)


def test_relay_with_opt_between_records_has_no_body() -> None:
    a = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\1\2\3\4"
    packet = HEADER[:10] + b"\0\2" + QUESTION + opt_record(512) + a
    relay = Relay(packet)
    assert relay.body() is None
    assert [record.owner for record in relay.section(2)] == [name.from_text("web.Shop")]


@given(
    rtype=st.sampled_from([codes.A, codes.TXT, codes.CNAME, codes.MX]),
    answers=st.lists(
        st.tuples(st.sampled_from([b"\xc0\x0c", b"\0", b"\xc0\x0d"]), st.integers(0, 2**32 - 1), st.binary(max_size=6))
    ),
    others=st.integers(0, 1),
    opt=st.booleans(),
)
def test_direct_replies_are_read_as_all_others(
    rtype: int, answers: list[tuple[bytes, int, bytes]], others: int, opt: bool
) -> None:
    """What is read in one go is what would be read record by record, and has no names to check."""
    fixed = struct.Struct(">HHIH")
    records = [owner + fixed.pack(codes.A, 1, ttl, len(data)) + data for owner, ttl, data in answers]
    tail = [b"\0" + fixed.pack(codes.A, 1, 9, 0)] * others + [opt_record(512)] * opt
    counts = struct.pack(">HHH", len(records), 0, len(tail))
    asked = question(name.from_text("web.shop"), rtype)
    packet = HEADER[:6] + counts + asked.wire + b"".join(records + tail)
    relay = Relay(packet, asked)
    plain = read_records(packet, relay.start)
    assert relay.records == [raw for raw in plain if raw.type != codes.OPT]
    assert (relay.edns is not None) == opt
    if relay.direct_ttl >= 0:
        assert relay.direct_ttl == min(ttl for _, ttl, _ in answers)
        assert {(raw.section, raw.type, packet[raw.start : raw.start + 2]) for raw in relay.records} == {
            (0, rtype, b"\xc0\x0c")
        }
    else:
        assert rtype != codes.A or others or not answers or any(owner != b"\xc0\x0c" for owner, _, _ in answers)


def test_relay_body_with_one_ttl_for_all() -> None:
    a = b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\1\2\3\4"
    relay = Relay(HEADER[:6] + b"\0\2\0\0\0\1" + QUESTION + a + a + opt_record(512))
    assert relay.body() == (a + a, (2, 0, 0))
    assert relay.body(7) == (a.replace(b"\0\0\0\5", b"\0\0\0\7") * 2, (2, 0, 0))
