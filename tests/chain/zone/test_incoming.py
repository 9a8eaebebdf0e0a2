"""Zones that come in by AXFR (RFC 5936), from primaries of all kinds."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.chain.answer import Answer
from kdns.chain.roles import Transfer
from kdns.chain.zone import Zone, build, find, incoming
from kdns.chain.zone.incoming import Incoming
from kdns.chain.zones import Zones
from kdns.plugins.transfer.handler import Transfers
from kdns.plugins.transfer.stanza import EVERYBODY, Stanza
from kdns.server import reply
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER, question
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.chain import Next
from tests.kit.query import query

ZONE = name.from_text("example.org.")
IDENT = b"\x12\x34"
QUESTION = question(ZONE, codes.AXFR).wire
SOA = Record(ZONE, codes.SOA, rdata.soa(b"\x02ns" + ZONE, b"\x04host" + ZONE, 7, 3600, 900, 604800, 300), 60)
A = Record(b"\x03www" + ZONE, codes.A, b"\xc0\0\2\1", 60)


def message(*records: Record, flags: int = codes.QR | codes.AA, wire: bytes = QUESTION, ident: bytes = IDENT) -> bytes:
    return write_message(ident, flags, wire, (records, (), ()))


def taken(*packets: bytes) -> Incoming:
    one = Incoming(ZONE, IDENT)
    done = [one.take(packet) for packet in packets]
    assert done == [False] * (len(packets) - 1) + [True]
    return one


def test_one_message() -> None:
    zone = taken(message(SOA, A, SOA)).zone()
    assert (zone.serial, zone.nodes[b"\x03www" + ZONE]) == (7, {codes.A: [A]})


def test_several_messages_with_and_without_the_question() -> None:
    zone = taken(message(SOA), message(A, wire=b""), message(SOA, wire=b"")).zone()
    assert zone == taken(message(SOA, A, SOA)).zone()


def test_letter_case_of_names_does_not_matter() -> None:
    upper = SOA._replace(owner=ZONE.upper(), data=SOA.data[:-20].upper() + SOA.data[-20:])
    question_ = question(ZONE.upper(), codes.AXFR).wire
    assert taken(message(SOA, A, upper, wire=question_)).zone() == taken(message(SOA, A, SOA)).zone()


def test_records_of_other_zones_are_left_out() -> None:
    stranger = Record(name.from_text("www.example.net."), codes.A, b"\xc0\0\2\1", 60)
    below = Record(name.from_text("org."), codes.NS, ZONE, 60)
    zone = taken(message(SOA, stranger, A, below, SOA)).zone()
    assert (zone.outside, list(zone.nodes)) == (2, [ZONE, b"\x03www" + ZONE])


def test_a_ttl_out_of_range_is_none() -> None:
    zone = taken(message(SOA, A._replace(ttl=1 << 31), SOA)).zone()
    assert zone.nodes[b"\x03www" + ZONE][codes.A][0].ttl == 0


OTHER = name.from_text("example.net.")


@pytest.mark.parametrize(
    ("packets", "error"),
    [
        ([b"\x12\x34\x84"], "shorter than its header"),
        ([message(SOA, SOA, ident=b"\0\0")], "not a reply"),
        ([message(SOA, SOA, flags=0)], "not a reply"),
        ([message(SOA, SOA, flags=codes.QR | codes.TC)], "not a reply"),
        ([message(SOA, SOA, flags=codes.QR | codes.NOTIFY << 11)], "not a reply"),
        ([message(flags=codes.QR | codes.REFUSED)], "bad xfr rcode: 5"),
        ([message(SOA, SOA, wire=b"")], "0 questions"),
        ([IDENT + HEADER.pack(0, codes.QR, 2, 0, 0, 0)[2:] + 2 * QUESTION], "2 questions"),
        ([message(SOA, SOA, wire=question(OTHER, codes.AXFR).wire)], "another question"),
        ([message(SOA, SOA, wire=question(ZONE, codes.SOA).wire)], "another question"),
        ([message()], "without records"),
        ([message(SOA), message(wire=b"")], "without records"),
        ([message(A, SOA)], "no SOA of example.org. at the beginning"),
        ([message(SOA._replace(owner=OTHER), A)], "no SOA of example.org. at the beginning"),
        ([message(SOA, A, SOA, A)], "records after the last SOA"),
        ([message(SOA, A, SOA._replace(data=SOA.data[:-17] + b"\x08" + SOA.data[-16:]))], "SOA differ"),
        ([message(SOA, A._replace(cls=codes.CH))], "not a record of a zone: CH A"),
        ([message(SOA, A._replace(type=codes.TSIG))], "not a record of a zone: IN TSIG"),
        ([message(SOA, A._replace(type=0))], "not a record of a zone"),
        ([message(SOA, A._replace(data=b"\1"))], "bad A data"),
        ([message(SOA, A._replace(type=codes.HTTPS, data=b"\0\1\x09x"))], "bad name in HTTPS data"),
        ([message(SOA, A._replace(type=codes.NSEC, data=b"\xc0\x0c\0"))], "bad name in NSEC data"),
        ([message(SOA, A._replace(type=codes.SVCB, data=b""))], "bad name in SVCB data"),
        ([message(SOA, A)[:-1]], "cut short"),
    ],
)  # fmt: skip
def test_what_makes_no_zone(packets: list[bytes], error: str) -> None:
    *good, bad = packets
    one = Incoming(ZONE, IDENT)
    for packet in good:
        assert not one.take(packet)
    with pytest.raises(WireError, match=error):
        one.take(bad)


def test_letters_among_the_numbers_are_no_letters() -> None:
    """Serials 0x41 and 0x61 are `A` and `a`."""
    first, last = (SOA._replace(data=SOA.data[:-20] + bytes((0, 0, 0, n)) + SOA.data[-16:]) for n in (0x41, 0x61))
    with pytest.raises(WireError, match="SOA differ"):
        Incoming(ZONE, IDENT).take(message(first, last))


def test_it_is_a_zone_only_when_it_is_whole() -> None:
    one = Incoming(ZONE, IDENT)
    one.take(message(SOA, A))
    with pytest.raises(WireError, match="not complete"):
        one.zone()


def test_nsec3_is_not_supported() -> None:
    with pytest.raises(WireError, match="NSEC3"):
        taken(message(SOA, A._replace(type=50), SOA)).zone()


def test_a_stream_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "MAX_RECORDS", 10)
    one = Incoming(ZONE, IDENT)
    one.take(message(SOA, *[A] * 9))
    with pytest.raises(WireError, match="more than 10 records"):
        one.take(message(A, wire=b""))
    monkeypatch.setattr(incoming, "MAX_OCTETS", 300)
    one = Incoming(ZONE, IDENT)
    with pytest.raises(WireError, match="more than 300 octets"):
        one.take(message(SOA, *[A] * 30))


def test_names_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.chain.zone.data.MAX_NAMES", 20)
    deep = name.from_labels([b"x"] * 30, ZONE)
    with pytest.raises(WireError, match="more than 20 names"):
        taken(message(SOA, A._replace(owner=deep), SOA)).zone()


LABEL = st.binary(min_size=1, max_size=9)
NAMES = st.lists(LABEL, max_size=4).map(lambda labels: name.from_labels(labels, ZONE))
NUMBER = st.integers(0, (1 << 31) - 1)
DATA: dict[int, st.SearchStrategy[bytes]] = {
    codes.A: st.binary(min_size=4, max_size=4),
    codes.AAAA: st.binary(min_size=16, max_size=16),
    codes.NS: NAMES,
    codes.CNAME: NAMES,
    codes.DNAME: NAMES,
    codes.PTR: NAMES,
    codes.MX: st.builds(rdata.mx, st.integers(0, 65535), NAMES),
    codes.SRV: st.builds(lambda target: b"\0\1\0\2\0\3" + target, NAMES),
    codes.TXT: st.lists(st.binary(max_size=255), min_size=1, max_size=3).map(lambda texts: rdata.txt(*texts)),
    codes.HTTPS: NAMES.map(lambda target: b"\0\1" + target),
    codes.NSEC: NAMES.map(lambda after: after + b"\0\1\x40"),
    codes.DS: st.binary(min_size=4, max_size=40),
    65280: st.binary(max_size=600),
}
RECORDS = st.sampled_from(sorted(DATA)).flatmap(
    lambda rtype: st.builds(Record, NAMES, st.just(rtype), DATA[rtype], NUMBER, st.just(codes.IN))
)
ZONES = st.builds(
    lambda records, serial: build(ZONE, [SOA._replace(data=SOA.data[:-20] + serial + SOA.data[-16:]), *records]),
    st.lists(RECORDS, max_size=60),
    st.binary(min_size=4, max_size=4),
)


class Giver:
    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    def transfer(self, zone: bytes) -> Transfer:
        return Transfer(self.zone.soa, self.zone.records())


def sent(zone: Zone) -> Iterator[bytes]:
    """The messages of a zone, as kdns sends them."""
    asked = query("example.org.", "AXFR", proto="tcp", ident=IDENT)
    link = Transfers(Next(), [Stanza(Zones(["."]), frozenset((EVERYBODY,)))], [Giver(zone)])
    with pytest.raises(StopIteration) as done:
        link.answer(asked).send(None)
    answer: Answer = done.value.value
    return reply.messages(asked, answer, answer.more or iter(()))


def came(packets: Sequence[bytes]) -> Zone:
    return taken(*packets).zone()


@given(ZONES)
def test_what_goes_out_comes_in(zone: Zone) -> None:
    assert came(list(sent(zone))) == zone


@given(st.integers(2, 40), st.data())
def test_what_goes_out_in_many_messages_comes_in(count: int, data: st.DataObject) -> None:
    texts = data.draw(st.lists(st.binary(min_size=1, max_size=255), min_size=count, max_size=count))
    records = [Record(NAME, 65280, text * 255, 1) for NAME in (b"\1a" + ZONE, b"\1b" + ZONE) for text in texts]
    zone = build(ZONE, [SOA, *records])
    assert zone is not None
    packets = list(sent(zone))
    assert came(packets) == zone


@given(st.lists(st.binary(max_size=80) | RECORDS.map(lambda record: message(SOA, record)), max_size=4))
def test_whatever_comes_is_a_zone_or_an_error(packets: list[bytes]) -> None:
    one = Incoming(ZONE, IDENT)
    try:
        for packet in packets:
            one.take(packet)
        one.zone()
    except WireError:
        pass


@given(st.data(), RECORDS)
def test_a_message_that_was_changed_is_a_zone_or_an_error(data: st.DataObject, record: Record) -> None:
    packet = bytearray(message(SOA, record, SOA))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    one = Incoming(ZONE, IDENT)
    try:
        if one.take(bytes(packet)):
            zone = one.zone()
            for owner, node in zone.nodes.items():
                for rtype in (*node, codes.A):
                    find(zone, owner, rtype, True)
                find(zone, b"\1q" + owner, codes.A, True)
    except WireError:
        pass
