"""What one missing name tells of others: in which configurations, of which names, and that everything is counted."""

from pathlib import Path

import pytest

from kdns.chain.alike import respelled_of
from kdns.plugins.kubernetes.handler import Kubernetes
from kdns.wire import codes, name
from kdns.wire.edns import Edns, opt_record
from kdns.wire.message import read_message
from tests.kit.house import Ends, House, packet

KUBERNETES = "kubernetes cluster.local {\nmanifests deploy/demo/cluster\n}\n"
UNKEPT = "cache {\ndisable denial cluster.local\ndisable success cluster.local\n}\n"
PLAIN = ".:53 {\n" + KUBERNETES + "errors\nloadbalance\nprometheus 127.0.0.1:0\n" + UNKEPT + "}\n"


def fewest_labels(corefile: str) -> int:
    house = House(corefile)
    dispatch = house.service()._dispatch
    handler: object = dispatch._root[0].chain
    while not isinstance(handler, Kubernetes):
        handler = handler._next  # type: ignore[attr-defined]
    return handler.siblings


@pytest.mark.parametrize(
    ("corefile", "labels"),
    [
        (PLAIN, 3),
        (PLAIN.replace("errors", "errors\nlog"), 0),
        (PLAIN.replace("errors", "hosts {\n192.0.2.1 a.shop.svc.cluster.local\n}"), 0),
        (PLAIN.replace("errors", "rewrite name a.shop.svc.cluster.local web.shop.svc.cluster.local"), 0),
        (PLAIN.replace("errors", "acl {\nblock net 192.0.2.0/24\n}"), 0),
        (PLAIN + "a.shop.svc.cluster.local {\nwhoami\n}\n", 6),
        (PLAIN.replace("cluster.local {", "cluster.local b.shop.svc.cluster.local {", 1), 6),
        (PLAIN.replace("disable denial cluster.local", "disable denial a.b.c.d.e.f"), 7),
        (PLAIN.replace("errors", "view v {\nexpr name() != 'a.shop.svc.cluster.local.'\n}"), 0),
    ],
)
def test_nobody_in_front_may_tell_siblings_apart(corefile: str, labels: int) -> None:
    assert fewest_labels(corefile) == labels


async def test_siblings_are_denied_like_the_first_and_counted() -> None:
    house = House(PLAIN)
    async with house.running():
        service = house.service()
        names = [f"{label}.shop.svc.cluster.local" for label in ("abc", "ABD", "ab\\001", "web")]
        fresh = [house.service("tcp").miss(packet(name), Ends(proto="tcp")) for name in names]
        assert service.miss(packet(names[0]), Ends()) == fresh[0]
        kept = [service.hit(packet(name)) for name in names]
        assert kept == [None, fresh[1], fresh[2], None]
        assert read_message(kept[1] or b"").question == read_message(packet(names[1])).question
        service.memo.tell()
        text = house.process.registry.render().decode()
        labels = 'plugin="errors",rcode="NXDOMAIN",server="dns://:53",view="",zone="."'
        assert f"coredns_dns_responses_total{{{labels}}} 6" in text
        assert 'coredns_cache_misses_total{server="dns://:53",view="",zones="."} 7' in text


async def test_a_name_that_another_block_owns_is_no_sibling() -> None:
    house = House(PLAIN + "a.shop.svc.cluster.local {\nwhoami\n}\n")
    async with house.running():
        service = house.service()
        for label in ("x", "y"):
            service.miss(packet(f"{label}.shop.svc.cluster.local"), Ends())
        assert service.hit(packet("a.shop.svc.cluster.local")) is None
        deep = ["x.b.c.shop.svc.cluster.local", "y.b.c.shop.svc.cluster.local"]
        service.miss(packet(deep[0]), Ends())
        assert service.hit(packet(deep[1])) is not None


async def test_siblings_are_looked_for_where_there_are_some() -> None:
    house = House(PLAIN)
    async with house.running():
        service = house.service()
        memo = service.memo
        for first, other in (("abc", "abd"), ("abcde", "abcdf")):
            service.miss(packet(f"{first}.shop.svc.cluster.local"), Ends())
            assert service.hit(packet(f"{other}.shop.svc.cluster.local")) is not None
        assert len(memo._shapes) == 2
        memo.forget(list(memo._readers))
        assert not memo.entries
        assert not memo._shapes
        for number in range(100, 120):
            service.miss(packet(f"{'x' * (number - 99)}.shop.svc.cluster.local"), Ends())
        kept = len(memo._shapes)
        assert kept == 20
        while memo.entries:
            memo._turn()
        assert not memo._shapes


async def test_what_the_cache_keeps_has_no_siblings() -> None:
    house = House(PLAIN.replace(UNKEPT, "cache\n"))
    async with house.running():
        service = house.service()
        for label in ("abc", "abd", "abe"):
            query = packet(f"{label}.shop.svc.cluster.local")
            assert service.hit(query) is None
            assert read_message(service.miss(query, Ends()) or b"").rcode == codes.NXDOMAIN


async def test_queries_cut_short_have_no_siblings() -> None:
    house = House(PLAIN)
    async with house.running():
        service = house.service()
        query = packet("abc.shop.svc.cluster.local")
        service.miss(query, Ends())
        for size in range(len(query)):
            assert service.hit(query[:size]) is None


async def ask_both(corefile: str, queries: list[bytes]) -> None:
    """Ask a server that keeps replies and one that does not; each query twice, as some are kept at the second sight."""
    house, fresh = House(corefile), House(corefile, memo=False)
    async with house.running(), fresh.running():
        for query in (*queries, *queries):
            assert house.ask_now(query, Ends()) == fresh.ask_now(query, Ends()), query


async def test_what_is_looked_up_in_passing_says_nothing_of_the_name_asked(tmp_path: Path) -> None:
    zone = tmp_path / "db"
    zone.write_text(
        "@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns\nmissing 60 IN CNAME missing.shop.svc.cluster.local.\n"
        "present 60 IN A 192.0.2.1\nempties 60 IN CNAME web.shop.svc.cluster.local.\n"
    )
    corefile = PLAIN + f"example:53 {{\nfile {zone}\n}}\n"
    names = ["missing.example", "present.example", "mISSing.EXAMPLE", "Empties.example", "emptieS.EXAMPLE"]
    await ask_both(corefile, [packet(text, rtype) for text in names for rtype in ("A", "TXT")])


@pytest.mark.parametrize("zone", [".", "arpa cluster.local"])
async def test_reverse_names_in_a_forward_zone_are_looked_up(zone: str) -> None:
    corefile = f".:53 {{\nkubernetes {zone} {{\nmanifests deploy/demo/cluster\n}}\n}}\n"
    names = ["2.0.96.10.in-addr.arpa", "1.0.96.10.in-addr.arpa", "foobarx.arpa", "in-addr.arpa", "ip5.arpa", "ip6.arpa"]
    await ask_both(corefile, [packet(text, "PTR") for text in names])


async def test_names_of_the_soa_are_no_part_of_the_question() -> None:
    corefile = PLAIN.replace("deploy/demo/cluster\n", "deploy/demo/cluster\nttl 30\n").replace("cache", "cache 10")
    names = ["hostmaster", "abcdefghij", "HostMaster", "hOSTmASTER", "a.ns.dns", "A.ns.dns", "a.NS.dns", "a.Ns.Dns"]
    queries = [packet(f"{text}.{zone}") for text in names for zone in ("cluster.local", "CLUSTER.local")]
    await ask_both(corefile, queries)


def with_nul(tail: str) -> bytes:
    """A query for a name whose first label looks like the end of a question, and an OPT with a cookie behind it."""
    rest = name.from_text(tail) + b"\0\1\0\1"
    head = b"A\0\0\1\0\1\0\0\x29\4\xd0\0\0\0\0" + (1 + 4 + len(rest)).to_bytes(2, "big") + b"\0\x0a"
    label = head + (1 + len(rest)).to_bytes(2, "big") + b"x"
    return b"\1\2\1\0\0\1\0\0\0\0\0\0" + bytes((len(label),)) + label + rest


def with_two_records(opt: Edns) -> bytes:
    """A query with a record in front of its OPT, so that something else stands where the length of OPT would."""
    behind = opt_record(opt.size, opt.flags)
    rest = 10 + len(behind) + 2
    other = b"\1a\0" + b"\0\x10\0\1" + b"\0\0" + rest.to_bytes(2, "big") + b"\0\x0a" + (rest - 4).to_bytes(2, "big")
    query = packet("Web.shop.svc.cluster.local")
    return query[:11] + b"\2" + query[12:] + other + bytes(8) + behind


@pytest.mark.parametrize(
    "queries",
    [
        [with_nul("svc.cluster.local"), with_nul("svc.cluster.local"), with_nul("svc.cluster.loca1")],
        [with_two_records(Edns(1232, codes.DO)), with_two_records(Edns(4096))],
    ],
)
async def test_what_only_looks_like_an_opt_is_no_cookie(queries: list[bytes]) -> None:
    assert len({respelled_of(query)[0] for query in queries} - {None}) == 1
    await ask_both(PLAIN, queries)
