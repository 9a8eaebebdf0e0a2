import pytest
from hypothesis import given
from hypothesis import strategies as some

from kdns.net import doh
from kdns.wire import codes
from kdns.wire.edns import opt_record
from kdns.wire.reader import question
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.net.doh_rows import BODIES, DROPPED, QUERY, ROWS, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_recorded_requests(row: Row) -> None:
    target = row.target.encode()
    if not doh.is_ours(target):
        found = doh.NOT_FOUND
    else:
        try:
            packet = doh.message(row.method.encode(), target, row.body)
            assert packet[4:29] in (QUERY[4:], DROPPED[4:29])
            found = doh.response(None if b"drop" in packet else packet)
        except doh.BadRequest:
            found = doh.INVALID
    assert found.status == row.status
    assert found.body == BODIES.get(row.status, found.body)
    names = {name for name, _ in found.headers}
    if row.status == 200:
        assert names == {"cache-control", "content-type"}
    else:
        assert found.headers == (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))


@pytest.mark.parametrize(
    ("target", "ours"),
    [
        ("http://other/dns-query?dns=AA", True),
        ("HTTPS://other:8443/dns-query", True),
        ("https://other", False),
        ("ftp://other/dns-query", False),
        ("*", False),
        ("", False),
        ("dns-query", False),
        ("/dns-query#x", False),
        ("/dns-query%", False),
        ("/%zzdns-query", False),
        ("/dns-query?%zz", True),
    ],
)
def test_targets(target: str, ours: bool) -> None:
    assert doh.is_ours(target.encode()) is ours


A, NS, SOA = codes.A, codes.NS, codes.SOA


def reply(
    *sections: list[tuple[int, int]], rcode: int = 0, asked: int = A, opcode: int = 0, do: int = 0, extended: int = 0
) -> bytes:
    """A reply with records of these types and TTLs; an OPT in each of `extended` and `do`."""
    filled = [[Record(None, rtype, _data(rtype), ttl) for rtype, ttl in section] for section in sections]
    answer, authority, additional = (*filled, [], [], [])[:3]
    opt = opt_record(1232, do, rcode=extended << 4) if do or extended else b""
    flags = codes.QR | opcode << 11 | rcode
    return write_message(b"\0\1", flags, question(b"\3web\0", asked).wire, (answer, authority, additional), opt)


def _data(rtype: int) -> bytes:
    if rtype == SOA:
        return b"\0\0" + bytes(20)
    return b"\0" if rtype == NS else bytes(4)


@pytest.mark.parametrize(
    ("packet", "seconds"),
    [
        (reply([(A, 77), (A, 60)]), 60),
        (reply([(A, 77)], [(NS, 40)], [(A, 30)]), 30),
        (reply([(A, 86400)]), 3600),
        (reply([(A, 0)]), 0),
        (reply([(A, 77)], do=codes.DO), 77),
        (reply(), 5),
        (reply(do=codes.DO), 5),
        (reply([], [(SOA, 20)]), 20),
        (reply([], [(SOA, 20), (NS, 30)]), 20),
        (reply([], [(NS, 300)]), 5),
        (reply([], [], [(A, 300)]), 300),
        (reply([], [(SOA, 20)], rcode=codes.NXDOMAIN), 20),
        (reply(rcode=codes.NXDOMAIN), 5),
        (reply([(A, 77)], [(SOA, 20)], rcode=codes.NXDOMAIN), 5),
        (reply([(A, 77)], rcode=codes.SERVFAIL), 5),
        (reply([], [(SOA, 20)], rcode=codes.REFUSED), 5),
        (reply([(A, 77)], extended=1), 5),
        (reply([(A, 77)], asked=codes.AXFR), 5),
        (reply([(A, 77)], opcode=codes.NOTIFY), 5),
        (reply([(A, 77)])[:-1], 5),
        (b"\0\1\x80\1" + bytes(8), 5),
    ],
)
def test_ages(packet: bytes, seconds: int) -> None:
    assert doh.max_age(packet) == seconds


@given(some.sampled_from([b"GET", b"POST", b"X"]), some.binary(max_size=60), some.binary(max_size=60))
def test_any_octets_are_a_query_or_a_bad_request(method: bytes, text: bytes, body: bytes) -> None:
    target = b"/dns-query?dns=" + text
    assert doh.is_ours(target)
    try:
        packet = doh.message(method, target, body)
    except doh.BadRequest:
        return
    assert len(packet) >= 12
    assert 0 <= doh.max_age(packet) <= doh.MAX_AGE


@given(some.binary(max_size=80))
def test_any_octets_are_some_target(target: bytes) -> None:
    assert doh.is_ours(target) in (True, False)
