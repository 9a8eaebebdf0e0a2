import pytest

from kdns.plugins.cache.aliases import MAX_NAMES, answers
from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.message import Relay
from kdns.wire.record import Record
from tests.kit.query import question
from tests.plugins.cache.upstream import packet

A, B, C = "a.example. 60 IN CNAME b.example.", "b.example. 60 IN CNAME c.example.", "c.example. 60 IN A 192.0.2.1"

CASES = [
    ("A", ["a.example. 60 IN A 192.0.2.1"], True),
    ("A", ["A.Example. 60 IN A 192.0.2.1"], True),
    ("A", ["b.example. 60 IN A 192.0.2.1"], False),
    ("AAAA", ["a.example. 60 IN A 192.0.2.1"], False),
    ("A", [A, B, C], True),
    ("A", [C, B, A], True),
    ("A", [A, B], False),
    ("A", [A, C], False),
    ("A", [A, "B.EXAMPLE. 60 IN CNAME C.example.", C], True),
    ("A", [A, A, B, C], True),
    ("A", [A, "a.example. 60 IN CNAME B.Example.", B, C], True),
    ("A", [A, "a.example. 60 IN CNAME d.example.", B, C], False),
    ("A", [A, "a.example. 60 IN CNAME d.example.", A, B, C], False),
    ("A", ["a.example. 60 IN CNAME a.example.", "a.example. 60 IN A 192.0.2.1"], False),
    ("A", [A, B, "c.example. 60 IN CNAME a.example.", C], False),
    ("A", [A, "a.example. 60 IN A 192.0.2.1"], False),
    ("A", ["a.example. 60 IN A 192.0.2.1", A], False),
    ("A", [A, "x.example. 60 IN CNAME y.example.", "x.example. 60 IN CNAME z.example.", B, C], True),
    ("CNAME", [A], True),
    ("CNAME", [B], False),
    ("CNAME", [A, "a.example. 60 IN CNAME d.example."], False),
    ("CNAME", ["a.example. 60 IN A 192.0.2.1"], False),
    ("ANY", ["a.example. 60 IN TXT x"], True),
    ("ANY", [A], True),
    ("ANY", [B], False),
    ("MX", ["a.example. 60 IN MX 5 mail.example."], True),
    ("SRV", [A, "b.example. 60 IN SRV 0 0 53 c.example."], True),
    ("A", ["a.example. 60 IN NS b.example."], False),
    ("A", ["a.example. 60 CH A 192.0.2.1"], False),
]


@pytest.mark.parametrize(("rtype", "records", "answered"), CASES)
def test_what_answers_a_question(rtype: str, records: list[str], answered: bool) -> None:
    asked = question("a.Example", rtype)
    relay = Relay(packet("a.example.", asked.type, *records))
    assert answers(asked, relay.section(0)) is answered
    decoded = [
        record._replace(owner=None) if record.owner == b"\1a\7example\0" else record for record in relay.section(0)
    ]
    assert answers(asked, decoded) is answered


def test_any_class_takes_records_of_all() -> None:
    asked = question("a.example", "A", cls=codes.ANY_CLASS)
    relay = Relay(packet("a.example.", codes.A, "a.example. 60 CH A 192.0.2.1", cls=codes.ANY_CLASS))
    assert answers(asked, relay.section(0))


def test_names_that_pointers_name_again_are_expanded_once() -> None:
    records = [f"b.example. 60 IN A 192.0.2.{n}" for n in range(MAX_NAMES * 2)]
    asked = question("a.example")
    assert answers(asked, Relay(packet("a.example.", codes.A, A, *records)).section(0))


def test_too_many_names_are_not_expanded() -> None:
    records = [f"n{n}.example. 60 IN A 192.0.2.1" for n in range(MAX_NAMES + 1)]
    section = Relay(packet("a.example.", codes.A, *records)).section(0)
    with pytest.raises(WireError, match="more than 64 names"):
        answers(question("a.example"), section)


def test_names_that_cannot_be_read() -> None:
    octets = packet("a.example.", codes.A, "b.example. 60 IN A 192.0.2.1")
    looping = octets.replace(b"\1b\xc0", b"\1b\xff")
    with pytest.raises(WireError):
        answers(question("a.example"), Relay(looping).section(0))


def test_an_alias_that_is_longer_than_its_name() -> None:
    octets = packet("a.example.", codes.A, "a.example. 60 IN CNAME b.c.")
    assert octets.endswith(b"\0\5\1b\1c\0")
    broken = octets[:-7] + b"\0\x06\1b\1c\0\0"
    with pytest.raises(WireError, match="CNAME"):
        answers(question("a.example"), Relay(broken).section(0))


def test_an_alias_to_the_root() -> None:
    relay = Relay(packet("a.example.", codes.NS, "a.example. 60 IN CNAME .", ". 60 IN NS ns.example."))
    assert answers(question("a.example", "NS"), relay.section(0))
    assert answers(
        question("a.example", "NS"), [Record(None, codes.CNAME, b"\0", 5), Record(b"\0", codes.NS, b"\0", 5)]
    )


def test_a_long_chain_counts_every_name_once() -> None:
    records = [f"n{n}.example. 60 IN CNAME n{n + 1}.example." for n in range(MAX_NAMES - 4)]
    section = ["a.example. 60 IN CNAME n0.example.", *records, f"n{MAX_NAMES - 4}.example. 60 IN A 192.0.2.1"]
    asked = question("a.example")
    assert answers(asked, Relay(packet("a.example.", codes.A, *section)).section(0))
    assert not answers(asked, Relay(packet("a.example.", codes.A, *section[:-1])).section(0))
