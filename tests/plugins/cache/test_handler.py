"""What clients see of kept replies, hit or miss, and what the memo is told."""

from typing import Any

import pytest
from dnslib import EDNS0

from kdns.chain.answer import DROP, Answer, refuse, relayed
from kdns.chain.basis import Basis
from kdns.corefile import ConfigError
from kdns.plugins.cache.stores import Stores
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from kdns.wire.message import Relay
from kdns.wire.record import Record
from tests.kit.chain import Chain, chain_of, chains_of, root_chain
from tests.kit.query import query
from tests.plugins.cache.upstream import (
    SOA,
    Seen,
    Upstream,
    denies,
    fails,
    figure,
    move,
    packet,
    says,
    seen,
    shown,
    times_out,
)

A = "www.example. 300 IN A 192.0.2.1"
GLUE = "ns.example. 7 IN A 192.0.2.53"
DO = Edns(1232, codes.DO)


def chain(directive: str, *steps: Any) -> tuple[Chain, Upstream]:
    upstream = Upstream(*steps)
    return root_chain(directive, behind=upstream), upstream


def test_a_reply_is_kept_and_its_ttl_counted_down() -> None:
    cached, upstream = chain("cache 30", says(A))
    miss = seen(cached, "www.example")
    assert miss == Seen("NOERROR", "rd,ra", ["www.example. 30 IN A 192.0.2.1"], [], [], None)
    for age, ttl in [(0.0, 30), (0.9, 30), (1.0, 29), (28.5, 2), (29.999, 1)]:
        cached.clock.now = 1000.0 + age
        hit = seen(cached, "www.example")
        assert hit == Seen("NOERROR", "aa,rd,ra", [f"www.example. {ttl} IN A 192.0.2.1"], [], [], None)
    assert upstream.asked == 1
    cached.clock.now = 1030.0
    assert seen(cached, "www.example") == miss
    assert upstream.asked == 2


@pytest.mark.parametrize(
    ("directive", "step", "rtype", "ttl", "kept"),
    [
        ("cache 30", says(A), "A", 30, True),
        ("cache", says(A), "A", 300, True),
        ("cache", says(A.replace("300", "7200")), "A", 3600, True),
        ("cache", says(A.replace("300", "0")), "A", 5, True),
        ("cache {\nsuccess 10 100 0\n}", says(A.replace("300", "0")), "A", 0, False),
        ("cache {\nsuccess 10 3 60\n}", says(A), "A", 3, True),
        ("cache", says(A, additional=[GLUE]), "A", 7, True),
        ("cache", says(A, authority=["example. 6 IN NS ns.example."], additional=[GLUE]), "A", 6, True),
        ("cache", denies(soa=SOA.replace("300", "7200", 1)), "A", 1800, True),
        ("cache 30", denies(), "A", 30, True),
        ("cache", denies(codes.NOERROR), "AAAA", 300, True),
        ("cache", denies(soa=None, additional=[GLUE]), "A", 7, False),
        ("cache", says("www.example. 90 IN CNAME a.example."), "A", 90, False),
        ("cache", says("www.example. 90 IN CNAME a.example.", authority=[SOA]), "A", 90, True),
        ("cache", says(authority=["example. 900 IN NS ns.example."]), "A", 5, True),
        ("cache", says(A, rcode=codes.REFUSED), "A", 5, False),
        ("cache", says(A, flags=codes.TC | codes.RA), "A", 300, False),
        ("cache", says(A, rcode=codes.SERVFAIL), "A", 5, True),
        ("cache {\nservfail 10s\n}", says(A, rcode=codes.SERVFAIL), "A", 10, True),
        ("cache {\nservfail 10s\n}", says(A, rcode=codes.NOTIMP), "A", 10, True),
        ("cache {\nservfail 0\n}", says(A, rcode=codes.SERVFAIL), "A", 0, False),
        ("cache {\ndisable success\n}", says(A), "A", 300, False),
        ("cache {\ndisable success example\n}", says(A), "A", 300, False),
        ("cache {\ndisable success ample\n}", says(A), "A", 300, True),
        ("cache {\ndisable denial\n}", says(A), "A", 300, True),
        ("cache {\ndisable denial Www.Example\n}", denies(), "A", 300, False),
        ("cache {\ndisable success\n}", denies(), "A", 300, True),
        ("cache", says(A), "AXFR", 5, False),
    ],
)
def test_every_record_is_shown_with_the_time_it_is_kept(
    directive: str, step: Any, rtype: str, ttl: int, kept: bool
) -> None:
    cached, upstream = chain(directive, step)
    first = seen(cached, "www.example", rtype)
    assert first.ttls == {ttl}
    second = seen(cached, "www.example", rtype)
    assert second.ttls == {ttl}
    assert upstream.asked == (1 if kept else 2)
    move(cached, ttl)
    seen(cached, "www.example", rtype)
    assert upstream.asked == (2 if kept else 3)


def test_an_empty_reply_is_kept_for_a_moment() -> None:
    cached, upstream = chain("cache", says())
    seen(cached, "www.example")
    move(cached, 4.9)
    assert seen(cached, "www.example") == Seen("NOERROR", "aa,rd,ra", [], [], [], None)
    move(cached, 0.2)
    seen(cached, "www.example")
    assert upstream.asked == 2


def test_what_nobody_wrote_is_not_seen() -> None:
    cached, upstream = chain("cache", times_out())
    for _ in range(2):
        assert cached.ask("www.example") == refuse(codes.SERVFAIL, "read udp: i/o timeout")
    assert upstream.asked == 2
    dropping, _ = chain("cache", lambda _: DROP)
    assert dropping.ask("www.example") is DROP


@pytest.mark.parametrize(
    ("how", "hit"),
    [
        ({}, True),
        ({"asked": "WWW.eXample"}, True),
        ({"edns": Edns(4096, 0, (Option(codes.COOKIE, b"12345678"),))}, True),
        ({"flags": 0}, True),
        ({"flags": codes.RD | codes.AD}, True),
        ({"client": "2001:db8::1"}, True),
        ({"proto": "tcp"}, True),
        ({"rtype": "AAAA"}, False),
        ({"cls": codes.CH}, False),
        ({"edns": DO}, False),
        ({"flags": codes.RD | codes.CD}, False),
        ({"asked": "ww.example"}, False),
    ],
)
def test_the_key(how: dict[str, Any], hit: bool) -> None:
    cached, upstream = chain("cache", says(A))
    seen(cached, "www.example")
    again = seen(cached, **({"asked": "www.example"} | how))
    assert upstream.asked == (1 if hit else 2)
    assert ("aa" in again.flags.split(",")) is hit
    if hit and "asked" in how:
        assert again.answer == ["WWW.eXample. 300 IN A 192.0.2.1"]


@pytest.mark.parametrize("flags", [codes.RD, codes.RD | codes.AD, codes.AD])
@pytest.mark.parametrize("edns", [None, Edns(1232), DO])
def test_ad_is_shown_to_who_asked_for_it(flags: int, edns: Edns | None) -> None:
    cached, upstream = chain("cache", says(A, flags=codes.AD | codes.RA))
    asks = bool(flags & codes.AD) or edns is DO
    for _ in range(2):
        assert ("ad" in seen(cached, "www.example", flags=flags, edns=edns).flags) is asks
    assert ("ad" in seen(cached, "www.example", flags=codes.RD, edns=edns).flags) is (edns is DO)
    assert "ad" in seen(cached, "www.example", flags=codes.AD, edns=edns).flags
    assert upstream.asked == 1


def test_the_next_plugin_is_asked_with_ad() -> None:
    cached, upstream = chain("cache", says(A))
    asked = query("www.example", flags=codes.RD | codes.CD, edns=DO, proto="tcp")
    cached.answer(asked)
    assert upstream.queries == [asked.replace(flags=asked.flags | codes.AD)]
    asked = query("b.example", flags=codes.AD)
    cached.answer(asked)
    assert upstream.queries[1] == asked


@pytest.mark.parametrize(("flags", "hit"), [(codes.RA, "aa,rd,ra"), (0, "aa,rd"), (codes.AA | codes.RA, "aa,rd,ra")])
def test_ra_is_kept_and_aa_is_always_set(flags: int, hit: str) -> None:
    cached, _ = chain("cache", says(A, flags=flags))
    assert seen(cached, "www.example").flags == codes.flag_names(flags | codes.RD)
    assert seen(cached, "www.example").flags == hit


def test_no_opt_but_the_client_s_is_shown() -> None:
    upstream_opt = EDNS0(flags="do", udp_len=4000)
    cached, _ = chain("cache", says(A, edns=upstream_opt))
    for _ in range(2):
        assert seen(cached, "www.example").edns is None
        assert seen(cached, "www.example", edns=Edns(1400)).edns == Edns(1400)


def test_options_of_later_plugins_are_removed() -> None:
    own = Answer(answer=(Record(None, codes.A, b"\1\2\3\4", 30),), options=(Option(codes.EDE, b"\0\x0f"),))
    cached, _ = chain("cache", lambda _: own)
    for _ in range(2):
        assert cached.ask("www.example", edns=Edns(1400)).options == ()


def test_a_reply_that_is_too_big_for_one_client_is_whole_for_another() -> None:
    records = [f"www.example. 300 IN A 192.0.2.{n}" for n in range(60)]
    cached, upstream = chain("cache", says(*records))
    for _ in range(2):
        small = seen(cached, "www.example")
        assert "tc" in small.flags
        assert len(small.answer) < 60
        assert len(seen(cached, "www.example", edns=Edns(4096)).answer) == 60
        assert len(seen(cached, "www.example", proto="tcp").answer) == 60
    assert upstream.asked == 1


def test_keepttl() -> None:
    cached, upstream = chain("cache {\nkeepttl\n}", says(A))
    seen(cached, "www.example")
    move(cached, 299)
    basis = Basis()
    assert seen(cached, "www.example", basis=basis).ttls == {300}
    assert (basis.expires, basis.fades) == (1300.0, False)
    move(cached, 1)
    seen(cached, "www.example")
    assert upstream.asked == 2


def test_a_plugin_s_own_answer_is_kept_too() -> None:
    records = (Record(None, codes.A, b"\1\2\3\4", 50), Record(b"\1b\0", codes.A, b"\1\2\3\4", 70))
    own = Answer(flags=codes.AA, answer=records[:1], additional=records[1:])
    cached, upstream = chain("cache", lambda _: own)
    assert seen(cached, "www.example").ttls == {50}
    move(cached, 10)
    hit = seen(cached, "Www.example")
    assert (hit.answer, hit.additional) == (["Www.example. 40 IN A 1.2.3.4"], ["b. 40 IN A 1.2.3.4"])
    assert upstream.asked == 1
    assert own.answer == records[:1]


def test_a_hit_marks_its_entry_and_decodes_it_once() -> None:
    cached, _ = chain("cache", says(A))
    seen(cached, "www.example")
    (entry,) = cached.site.find(Stores)[0].success.entries.values()
    before = (entry.used, type(entry.content))
    first, second = cached.ask("www.example"), cached.ask("www.example")
    assert (before, entry.used) == ((False, bytes), True)
    assert first.relay is second.relay


# Zones


def test_queries_outside_the_zones_pass_untouched_and_uncounted() -> None:
    cached, upstream = chain("cache 30 example.org", says(A))
    asked = query("www.example")
    for _ in range(2):
        assert shown(asked, cached.answer(asked)).ttls == {300}
    assert upstream.queries == [asked, asked]
    assert figure(cached, "requests_total", zones="example.org.") == 0
    seen(cached, "a.example.org")
    assert figure(cached, "requests_total", zones="example.org.") == 1


def test_zones_are_those_of_the_block_by_default() -> None:
    cached = chain_of("example.org example.net:5353 {\ncache\n}", behind=Upstream(says(A)))
    seen(cached, "www.example.net")
    assert figure(cached, "requests_total", zones="example.org.,example.net.") == 1


def test_blocks_have_caches_of_their_own() -> None:
    upstream = Upstream(says(A))
    first, second = chains_of(".:53 {\ncache\n}\n.:54 {\ncache\n}", behind=upstream)
    seen(first, "www.example")
    seen(second, "www.example")
    assert upstream.asked == 2


# Which of two entries


def test_a_kept_failure_yields_to_a_success() -> None:
    cached, upstream = chain("cache {\nservfail 1m\nserve_stale 1h verify\n}", says(A), fails())
    seen(cached, "www.example")
    move(cached, 300)
    assert seen(cached, "www.example").answer == ["www.example. 0 IN A 192.0.2.1"]
    assert upstream.asked == 2


def test_an_expired_denial_never_hides_a_success() -> None:
    cached, upstream = chain("cache {\nserve_stale 1h verify\n}", denies(), says(A))
    assert seen(cached, "www.example").rcode == "NXDOMAIN"
    move(cached, 300)
    assert seen(cached, "www.example").answer == ["www.example. 300 IN A 192.0.2.1"]
    assert seen(cached, "www.example").flags == "aa,rd,ra"
    assert upstream.asked == 2


# What the memo is told


def basis_of_hit(directive: str, step: Any, age: float = 0.0, **how: Any) -> Basis:
    cached, _ = chain(directive, step)
    cached.ask("www.example")
    move(cached, age)
    return cached.basis_of("www.example", **how)


def test_a_miss_is_fleeting() -> None:
    cached, _ = chain("cache", says(A))
    basis = cached.basis_of("www.example")
    assert basis.fleeting
    assert basis.tallies == []


def test_a_hit_ends_when_the_entry_does() -> None:
    basis = basis_of_hit("cache", says(A), 10.5)
    assert (basis.fleeting, basis.private, basis.expires, basis.fades) == (False, False, 1300.0, True)
    assert len(basis.tallies) == 1


def test_a_hit_in_its_last_second_is_not_kept() -> None:
    assert basis_of_hit("cache", says(A), 299.001).fleeting
    assert not basis_of_hit("cache", says(A), 298.999).fleeting


def test_a_hit_that_has_to_be_seen_is_not_kept() -> None:
    assert basis_of_hit("cache {\nprefetch 10\n}", says(A)).fleeting
    assert not basis_of_hit("cache {\nprefetch 0\n}", says(A)).fleeting


@pytest.mark.parametrize("fleeting", [True, False])
@pytest.mark.parametrize("private", [True, False])
def test_what_was_noted_before_stays_noted(fleeting: bool, private: bool) -> None:
    cached, _ = chain("cache", says(A))
    for expected_fleeting in (True, fleeting):
        basis = Basis()
        basis.fleeting, basis.private, basis.expires = fleeting, private, 1010.0
        basis.reads.append(("outer",))
        cached.ask("www.example", basis=basis)
        assert (basis.fleeting, basis.private, basis.expires) == (expected_fleeting, private, 1010.0)
        assert basis.reads == [("outer",)]


# Figures


def test_figures() -> None:
    cached, _ = chain("cache", says(A))
    assert b"coredns_cache_" not in b"".join(
        line for line in cached.registry.render().splitlines() if not line.startswith(b"#")
    )
    for name in ("www.example", "www.example", "b.example", "www.example"):
        seen(cached, name)
    assert figure(cached, "requests_total") == 4
    assert figure(cached, "misses_total") == 2
    assert figure(cached, "hits_total", "success") == 2
    assert figure(cached, "entries", "success") == 1
    assert figure(cached, "entries", "denial") == 0
    assert (
        b'coredns_cache_hits_total{server="dns://:53",type="success",view="",zones="."} 2.0' in cached.registry.render()
    )


def test_figures_of_denials() -> None:
    cached, _ = chain("cache", denies())
    for _ in range(3):
        seen(cached, "www.example")
    assert figure(cached, "hits_total", "denial") == 2
    assert figure(cached, "entries", "denial") == 1
    assert b'type="success",view="",zones="."} 0' in cached.registry.render()


def test_replies_sent_from_the_memo_are_hits() -> None:
    cached, _ = chain("cache", says(A))
    cached.ask("www.example")
    basis = cached.basis_of("www.example")
    basis.tallies[0](10)
    assert figure(cached, "requests_total") == 12
    assert figure(cached, "hits_total", "success") == 11


def test_evictions() -> None:
    cached, _ = chain("cache {\nsuccess 1\n}", lambda asked: says(A.replace("www.example.", asked.text))(asked))
    for n in range(1030):
        seen(cached, f"n{n}.example")
    assert figure(cached, "evictions_total", "success") == 6
    assert figure(cached, "entries", "success") == 1024


@pytest.mark.parametrize(
    ("text", "rtype", "cls", "qr", "kept"),
    [
        ("wWw.exAmple.", codes.A, codes.IN, True, True),
        ("evil.example.", codes.A, codes.IN, True, False),
        ("www.example.", codes.AAAA, codes.IN, True, False),
        ("www.example.", codes.A, codes.CH, True, False),
        ("www.example.", codes.A, codes.IN, False, False),
    ],
)
def test_a_reply_to_another_question_is_not_kept(text: str, rtype: int, cls: int, qr: bool, kept: bool) -> None:
    octets = bytearray(packet(text, rtype, "www.example. 300 IN A 192.0.2.1", cls=cls, authority=[SOA]))
    octets[2] ^= 0 if qr else 0x80
    cached, upstream = chain("cache", lambda _: relayed(Relay(bytes(octets))))
    for _ in range(2):
        seen(cached, "www.example")
    assert upstream.asked == (1 if kept else 2)
    assert figure(cached, "drops_total") == (0 if kept else 2)


def test_the_view_is_a_label() -> None:
    cached, upstream = chain("cache", says(A))
    cached.site.view = "inside"
    again = Chain(cached.site, cached.hooks, cached.wiring, cached.clock, upstream)
    seen(again, "www.example")
    assert figure(again, "requests_total", view="inside") == 1


def test_setup_errors_name_the_plugin() -> None:
    with pytest.raises(ConfigError, match="cache TTL can not be zero or negative: 0"):
        root_chain("cache 0")
