import pytest

from kdns.chain.answer import DROP, Answer, refuse, relayed
from kdns.chain.counting import Counting, rcode_label, reply_size
from kdns.metrics import Registry
from kdns.wire import codes, name, rdata
from kdns.wire.edns import Option
from kdns.wire.message import Relay
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.query import query

A = Record(None, codes.A, rdata.a("192.0.2.1"), 30)
WEB = name.from_text("web.example.")
CNAME = Record(None, codes.CNAME, WEB, 30)


def test_every_family_is_counted_under_its_labels() -> None:
    registry = Registry()
    asked = query("a.example", "A")
    Counting(registry).series(asked.transport, ".", "inside", codes.A, True, codes.NXDOMAIN, "errors").count(
        40, 100, 0.003
    )
    text = registry.render().decode()
    where = 'server="dns://:53",view="inside",zone="."'
    for line in (
        'coredns_dns_requests_total{family="1",proto="udp",server="dns://:53",type="A",view="inside",zone="."} 1.0',
        'coredns_dns_responses_total{plugin="errors",rcode="NXDOMAIN",' + where + "} 1.0",
        "coredns_dns_do_requests_total{" + where + "} 1.0",
        'coredns_dns_request_duration_seconds_bucket{le="0.002",' + where + "} 0.0",
        'coredns_dns_request_duration_seconds_bucket{le="0.004",' + where + "} 1.0",
        'coredns_dns_request_size_bytes_bucket{le="0",proto="udp",' + where + "} 0.0",
        'coredns_dns_request_size_bytes_bucket{le="100",proto="udp",' + where + "} 1.0",
        'coredns_dns_response_size_bytes_bucket{le="100",proto="udp",' + where + "} 1.0",
        'coredns_dns_response_size_bytes_sum{proto="udp",' + where + "} 100.0",
    ):
        assert line in text.splitlines(), text


def test_without_do_there_is_no_do_series() -> None:
    registry = Registry()
    Counting(registry).series(query("a").transport, ".", "", codes.A, False, 0).count(1, 1, 0)
    assert b"coredns_dns_do_requests_total{" not in registry.render()


def test_hits_count_in_the_lowest_bucket_of_the_duration() -> None:
    registry = Registry()
    series = Counting(registry).series(query("a").transport, ".", "", 65280, True, 0)
    series.count_hits(40, 80, 7)
    text = registry.render().decode()
    assert 'request_duration_seconds_bucket{le="0.00025",server="dns://:53",view="",zone="."} 7.0' in text
    assert 'coredns_dns_response_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 560.0' in text
    assert registry.value("coredns_dns_requests_total", "dns://:53", ".", "", "udp", "1", "other") == 7
    assert registry.value("coredns_dns_responses_total", "dns://:53", ".", "", "NOERROR", "") == 7
    assert registry.value("coredns_dns_do_requests_total", "dns://:53", ".", "") == 7


@pytest.mark.parametrize("queries", [3, 10_000])
def test_several_are_counted_as_one_by_one(queries: int) -> None:
    sizes = [40 + number % 1000 for number in range(queries)]
    replies = [100 + number * 7 for number in range(queries)]
    seconds = [number / 4096 for number in range(queries)]
    texts = []
    for together in (True, False):
        registry = Registry()
        series = Counting(registry).series(query("a").transport, ".", "", codes.A, True, 0)
        if together:
            series.count_each(zip(sizes, replies, strict=True), seconds)
            assert registry.value("coredns_dns_requests_total", "dns://:53", ".", "", "udp", "1", "A") == (
                0 if queries == 3 else queries
            )
            series.hand_in()
        else:
            for each in zip(sizes, replies, seconds, strict=True):
                series.count(*each)
        texts.append(registry.render())
    assert texts[0] == texts[1]


def test_tallies_of_cut_replies_are_their_own() -> None:
    registry = Registry()
    series = Counting(registry).series(query("a").transport, ".", "", codes.A, False, 0)
    series.tally(41, 100)(1)
    series.tally(40, 65536 + 100)(1)
    assert 'coredns_dns_response_size_bytes_sum{proto="udp",server="dns://:53",view="",zone="."} 65736.0' in (
        registry.render().decode()
    )


@pytest.mark.parametrize(("rcode", "label"), [(0, "NOERROR"), (16, "BADSIG"), (23, "BADCOOKIE"), (99, "RCODE99")])
def test_rcode_labels(rcode: int, label: str) -> None:
    assert rcode_label(rcode) == label


QUESTION = 12 + 15 + 4  # header, "web1.example.", type and class


@pytest.mark.parametrize(
    ("answer", "size"),
    [
        (Answer(), QUESTION - 1),
        (refuse(codes.SERVFAIL), 0),
        (DROP, 0),
        (Answer(answer=(A, A)), QUESTION - 1 + 2 * (14 + 10 + 4)),
        (Answer(answer=(CNAME, A._replace(owner=WEB))), QUESTION - 1 + (14 + 10 + 13) + (13 + 10 + 4)),
        (Answer(authority=(A,), additional=(A,)), QUESTION - 1 + 2 * (14 + 10 + 4)),
        (Answer(options=(Option(15, b"\0\x0f"),)), QUESTION - 1 + 11 + 4 + 2),
        (Answer(answer=(A,), options=(Option(15, b"\0\x0f"),)), QUESTION - 1 + (14 + 10 + 4) + 11 + 4 + 2),
    ],
)
def test_size_is_uncompressed(answer: Answer, size: int) -> None:
    assert reply_size(query("web1.example").question, answer) == size


@pytest.mark.parametrize("records", [(A, A), (CNAME, A._replace(owner=WEB))])
def test_a_relayed_reply_has_the_size_of_the_same_records(records: tuple[Record, ...]) -> None:
    asked = query("web1.example").question
    packet = write_message(b"\0\0", codes.QR, asked.wire, (records, (), records))
    assert reply_size(asked, relayed(Relay(packet))) == reply_size(asked, Answer(answer=records, additional=records))


def test_a_relayed_record_with_a_broken_name_counts_as_it_stands() -> None:
    asked = query("web1.example").question
    record = Record(None, codes.TXT, b"\xc0\xff", 30)
    packet = write_message(b"\0\0", codes.QR, asked.wire, ((record,), (), ()))
    broken = packet.replace(b"\0\x10\0\x01\0\0\0\x1e", b"\0\x05\0\x01\0\0\0\x1e")
    assert reply_size(asked, relayed(Relay(broken))) == QUESTION - 1 + 2 + 10 + 2
