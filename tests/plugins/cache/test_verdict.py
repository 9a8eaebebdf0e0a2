from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from dnslib import EDNS0
from hypothesis import given
from hypothesis import strategies as st

from kdns.chain.answer import Answer, refuse, relayed
from kdns.chain.classify import DELEGATION, META, NODATA, NOERROR, NXDOMAIN, OTHERERROR, SERVERERROR
from kdns.plugins.cache.aliases import answers
from kdns.plugins.cache.options import DENIAL, SUCCESS, Limits, Options
from kdns.plugins.cache.verdict import Judge, Verdict
from kdns.wire import codes, name
from kdns.wire.message import Relay
from kdns.wire.record import Record
from tests.kit.query import query
from tests.plugins.cache.test_aliases import CASES
from tests.plugins.cache.upstream import SOA, packet

OPTIONS = Options((".",), success=Limits(1024, 600, 5), denial=Limits(1024, 120, 7), servfail=4.5)
NOW = 1_700_000_000.0

A = "www.example. 300 IN A 192.0.2.1"
CNAME = "www.example. 100 IN CNAME cdn.example."
TARGET = "cdn.example. 50 IN A 192.0.2.1"
NS = "example. 900 IN NS ns.example."
GLUE = "ns.example. 40 IN A 192.0.2.53"
VALID = "www.example. 300 IN RRSIG A 8 2 300 20231201000000 20231101000000 1 example. AAAA"
EXPIRED = "www.example. 300 IN RRSIG A 8 2 300 20231101000000 20231001000000 1 example. AAAA"
DO = EDNS0(flags="do", udp_len=1232)


def judged(octets: bytes, options: Options = OPTIONS, **how: Any) -> Verdict:
    relay = Relay(octets)
    text, rtype = name.to_text(relay.question.name), codes.type_name(relay.question.type)
    return Judge(options, lambda: NOW)(query(text, rtype, **how), relayed(relay))


def reply(*answer: str, rtype: str = "A", **how: Any) -> bytes:
    return packet("www.example.", codes.TYPE_NUMBERS[rtype], *answer, **how)


@pytest.mark.parametrize(
    ("octets", "verdict"),
    [
        # NOERROR
        (reply(A), Verdict(NOERROR, SUCCESS, 300, True)),
        (reply(A, A.replace("300", "80")), Verdict(NOERROR, SUCCESS, 80, True)),
        (reply(A.replace("300", "7200")), Verdict(NOERROR, SUCCESS, 600, True)),
        (reply(A.replace("300", "0")), Verdict(NOERROR, SUCCESS, 5, True)),
        (reply(A.replace("300", "4294967295")), Verdict(NOERROR, SUCCESS, 600, True)),
        (reply(A, authority=[NS], additional=[GLUE]), Verdict(NOERROR, SUCCESS, 40, True)),
        (reply(A, additional=[GLUE], edns=EDNS0()), Verdict(NOERROR, SUCCESS, 40, True)),
        (reply(CNAME, TARGET), Verdict(NOERROR, SUCCESS, 50, True)),
        (reply(TARGET, CNAME), Verdict(NOERROR, SUCCESS, 50, True)),
        (reply(), Verdict(NOERROR, SUCCESS, 5, False)),
        (reply(edns=EDNS0()), Verdict(NOERROR, SUCCESS, 5, False)),
        (reply(additional=[GLUE]), Verdict(NOERROR, SUCCESS, 40, False)),
        # Delegations are kept for 5 seconds whatever their TTLs are
        (reply(authority=[NS], additional=[GLUE]), Verdict(DELEGATION, SUCCESS, 5, False)),
        # NODATA and NXDOMAIN
        (reply(authority=[SOA]), Verdict(NODATA, DENIAL, 120, False)),
        (reply(authority=[SOA.replace("300", "60", 1)]), Verdict(NODATA, DENIAL, 60, False)),
        (reply(authority=[SOA.replace("300", "1", 1)]), Verdict(NODATA, DENIAL, 7, False)),
        (reply(rcode=3, authority=[SOA]), Verdict(NXDOMAIN, DENIAL, 120, False)),
        (reply(rcode=3), Verdict(NXDOMAIN, "", 7, False)),
        (reply(rcode=3, authority=[NS]), Verdict(NXDOMAIN, "", 120, False)),
        (reply(CNAME, rcode=3, authority=[SOA]), Verdict(OTHERERROR, "", 5, False)),
        # Answers that do not reach the type
        (reply(CNAME), Verdict(NOERROR, "", 100, False)),
        (reply(CNAME, authority=[SOA]), Verdict(NODATA, DENIAL, 100, False)),
        (reply(TARGET), Verdict(NOERROR, "", 50, False)),
        (reply("www.example. 9 IN CNAME www.example.", A), Verdict(NOERROR, "", 9, False)),
        (reply(CNAME, authority=[SOA], rtype="CNAME"), Verdict(NOERROR, SUCCESS, 100, True)),
        # Failures
        (reply(rcode=2), Verdict(SERVERERROR, DENIAL, 4, False)),
        (reply(rcode=4), Verdict(SERVERERROR, DENIAL, 4, False)),
        (reply(A, rcode=2), Verdict(SERVERERROR, DENIAL, 4, False)),
        (reply(rcode=5), Verdict(OTHERERROR, "", 5, False)),
        (reply(rcode=1), Verdict(OTHERERROR, "", 5, False)),
        # Cut short
        (reply(A, flags=codes.TC), Verdict(NOERROR, "", 300, True)),
        (reply(flags=codes.TC), Verdict(NOERROR, "", 5, False)),
        (reply(flags=codes.TC, rcode=3, authority=[SOA]), Verdict(NXDOMAIN, "", 120, False)),
        # Signatures count only where they were asked for
        (reply(A, VALID, edns=DO), Verdict(NOERROR, SUCCESS, 300, True)),
        (reply(A, EXPIRED, edns=DO), Verdict(OTHERERROR, "", 5, False)),
        (reply(authority=[SOA, EXPIRED], edns=DO), Verdict(OTHERERROR, "", 5, False)),
        (reply(A, EXPIRED), Verdict(NOERROR, SUCCESS, 300, True)),
        # Transfers
        (reply(A, rtype="AXFR"), Verdict(META, "", 5, False)),
    ],
)
def test_what_is_kept_where_and_for_how_long(octets: bytes, verdict: Verdict) -> None:
    assert judged(octets) == verdict
    relay = Relay(octets)
    if relay.edns is None:
        own = relayed(relay).replace(relay=None)
        text, rtype = name.to_text(relay.question.name), codes.type_name(relay.question.type)
        assert Judge(OPTIONS, lambda: NOW)(query(text, rtype), own) == verdict


@pytest.mark.parametrize(
    ("success", "ttl", "kept"),
    [
        (Limits(1, 30, 0), 0, 0),
        (Limits(1, 30, 0), 29, 29),
        (Limits(1, 30, 60), 0, 30),
        (Limits(1, 30, 60), 40, 30),
        (Limits(1, 2**31 - 1, 2**31 - 1), 1, 2**31 - 1),
        (Limits(1, 2**31 - 1, 0), 2**32 - 1, 2**31 - 1),
    ],
)
@pytest.mark.parametrize("records", [[A], [TARGET, CNAME]])
def test_limits_meet_ttls(success: Limits, ttl: int, kept: int, records: list[str]) -> None:
    with_ttl = [f"{record.split()[0]} {ttl} {' '.join(record.split()[2:])}" for record in records]
    assert judged(reply(*with_ttl), replace(OPTIONS, success=success)).ttl == kept


def test_an_own_answer_is_known_again_by_what_it_is() -> None:
    judge = Judge(OPTIONS, lambda: NOW)
    soa = Record(b"\7example\0", codes.SOA, b"", 30)
    for _ in range(200):
        denied, nodata = Answer(rcode=codes.NXDOMAIN, authority=(soa,)), Answer(authority=(soa,))
        for _ in range(2):
            assert judge(query("a.example"), denied) == Verdict(NXDOMAIN, DENIAL, 30, False)
            assert judge(query("b.example", "AAAA"), nodata) == Verdict(NODATA, DENIAL, 30, False)
            assert judge(query("b.example", "AXFR"), nodata) == Verdict(META, "", 5, False)
        assert len(judge._shared) <= 64


def test_records_of_another_owner_or_class_are_no_direct_answer() -> None:
    judge = Judge(OPTIONS, lambda: NOW)
    for record in (Record(b"\1b\0", codes.A, b"\1\2\3\4", 9), Record(None, codes.A, b"\1\2\3\4", 9, codes.CH)):
        assert judge(query("a"), Answer(answer=(record,))) == Verdict(NOERROR, "", 9, False)
    own = Record(b"\1a\0", codes.A, b"\1\2\3\4", 9)
    assert judge(query("A"), Answer(answer=(own,))) == Verdict(NOERROR, SUCCESS, 9, True)


def test_one_ttl_for_all_takes_the_place_of_theirs() -> None:
    answer = relayed(Relay(reply(A))).replace(ttl=44)
    assert Judge(OPTIONS, lambda: NOW)(query("www.example"), answer).ttl == 44


def test_what_cannot_be_read_is_not_kept() -> None:
    octets = reply(CNAME, TARGET).replace(b"\3cdn\xc0\x10", b"\3cdn\xff\x10")
    assert judged(octets) == Verdict(OTHERERROR, "", 5, False)


def test_an_unwritten_failure_has_a_kind_too() -> None:
    assert Judge(OPTIONS, lambda: NOW)(query("a"), refuse(codes.SERVFAIL)).kind == SERVERERROR


@pytest.mark.parametrize(("rtype", "records", "answered"), CASES)
def test_the_short_way_agrees_with_the_long_one(rtype: str, records: list[str], answered: bool) -> None:
    assert judged(packet("a.example.", codes.TYPE_NUMBERS[rtype], *records)).answering is answered


def test_a_loop_of_aliases_that_are_written_out() -> None:
    asked = query("a.example").question
    alias = b"\xc0\x0c" + bytes.fromhex("0005000100000009000b") + asked.folded
    target = (12 + len(asked.wire) + 12 | 0xC000).to_bytes(2, "big")
    address = target + bytes.fromhex("00010001000000090004c0000201")
    octets = bytes.fromhex("47118180000100020000 0000") + asked.wire + alias + address
    assert [record.owner for record in Relay(octets).section(0)] == [asked.folded] * 2
    assert judged(octets) == Verdict(NOERROR, "", 9, False)
    elsewhere = octets.replace(asked.folded + target, b"\1b" + asked.folded[2:] + target)
    assert judged(elsewhere) == Verdict(NOERROR, SUCCESS, 9, True)


NAMES = st.sampled_from(["a.example.", "b.example.", "c.b.example.", "d."])
RECORDS = st.one_of(
    st.builds("{} 60 IN CNAME {}".format, NAMES, NAMES),
    st.builds("{} 60 IN A 192.0.2.1".format, NAMES),
    st.builds("{} 60 IN AAAA 2001:db8::1".format, NAMES),
)


@given(st.sampled_from(["A", "AAAA", "CNAME", "ANY"]), st.lists(RECORDS, min_size=1, max_size=5))
def test_the_short_way_agrees_with_the_long_one_on_anything(rtype: str, records: Sequence[str]) -> None:
    asked = query("a.example", rtype)
    octets = packet("a.example.", asked.question.type, *records)
    assert judged(octets).answering is answers(asked.question, Relay(octets).section(0))
