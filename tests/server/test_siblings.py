"""What one missing name tells of others: in which configurations, of which names, and that everything is counted."""

import pytest

from kdns.plugins.kubernetes.handler import Kubernetes
from kdns.wire import codes
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
