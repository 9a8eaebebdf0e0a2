"""A whole server that keeps replies sends what one that keeps none sends, and counts the same.

Corefiles are put together by chance of what has a say in who may share a reply: zones in zones, options, caches that
change TTLs, other blocks that lead into the cluster. Queries differ in what a shared reply must not miss: first labels,
letter case, cookies, and what only looks like them. The cluster and the clock change meanwhile.
"""

import random
import re
from pathlib import Path
from typing import Any

import pytest

from kdns.cluster import kinds
from kdns.cluster.values import (
    Change,
    Endpoint,
    EndpointSlice,
    Gone,
    ImportedSlice,
    Namespace,
    Pod,
    Port,
    Put,
    Service,
    ServiceImport,
)
from kdns.plugins.kubernetes.feed import Feed
from kdns.wire import codes, name
from kdns.wire.edns import Option, opt_record
from tests.kit.chain import Clock, process
from tests.kit.house import Ends, House

STEPS = 600
SEEDS = range(40)

ZONES = (
    "cluster.local in-addr.arpa ip6.arpa",
    "cluster.local svc.cluster.local clusterset.local {\nmulticluster clusterset.local",
    ".",
    "arpa cluster.local",
    "local",
)
OPTIONS = (
    *("pods insecure", "pods verified", "ttl 30", "ttl 0", "namespaces shop", "zonal", "ignore empty_service"),
    *("fallthrough", "fallthrough in-addr.arpa a.shop.svc.cluster.local", "endpoint_pod_names"),
)
CLUSTER_UNKEPT = "{\ndisable denial cluster.local arpa\ndisable success cluster.local arpa\n}"
CACHES = (
    "",
    "cache",
    "cache 10",
    f"cache {CLUSTER_UNKEPT}",
    f"cache 10 {CLUSTER_UNKEPT}",
    "cache 3 a.shop.svc.cluster.local",
)
BEHIND = ("", "", "whoami", "file {db} .", "dns64", "bufsize 700", "view v {{\nexpr type() != 'TXT'\n}}")
OTHERS = (
    "example.org {{\nfile {db}\nprometheus 127.0.0.1:0\ncache 5\n}}\n",
    "clusterset.local {{\nkubernetes {{\nmanifests {empty}\nmulticluster clusterset.local\n}}\nerrors\n}}\n",
    "b.shop.svc.cluster.local {{\nwhoami\nprometheus 127.0.0.1:0\n}}\n",
)
DB = """
@ 60 IN SOA ns host 7 2 3 4 5
@ 60 IN NS ns
foo 60 IN CNAME foo.shop.svc.cluster.local.
web 60 IN CNAME web.shop.svc.cluster.local.
bar 60 IN CNAME bar.shop.svc.clusterset.local.
far 60 IN CNAME far.example.com.
zzz 60 IN A 192.0.2.1
*.wild 60 IN CNAME web.shop.svc.cluster.local.
"""
FIRST = (
    ("web", "foo", "bar", "zzz", "far", "svc", "pod", "dns", "Abc"),
    ("none", "shop", "http", "_tcp", "in\\000x", "wild"),
    ("hostmaster", "abcdefghij", "\\000\\000\\001\\000\\001\\000\\000\\041\\255z"),
    ("10-0-0-1", "10-0-0-9", "_http--x"),
    ("dns-version", "dns-versiom", "x-y-z-x-y-z"),
    ("ns", "fs", "z1", "c1", "db"),
    ("1", "2", "3", "_", "a", "b"),
    ("pod-0", "pod-1", "_http", "_zone", "empty"),
    ("in-addr", "foobarx", "x" * 7),
)
"""Labels of one length in each row."""
TAILS = (
    *(f"{tail}.cluster.local" for tail in ("shop.svc", "none.svc", "svc", "web.shop.svc", "foo.shop.svc", "shop.pod")),
    *(
        f"{tail}.cluster.local"
        for tail in ("ns.dns", "dns", "_tcp.web.shop.svc", "pin._zone.db.shop.svc", "com.shop.svc")
    ),
    *("cluster.local", "example.org", "wild.example.org", "clusterset.local", "shop.svc.clusterset.local", "shop.svc"),
    *("c1.web.shop.svc.clusterset.local", "0.96.10.in-addr.arpa", "0.0.10.in-addr.arpa", "arpa", "shop.svc.local", ""),
)
TYPES = (1, 1, 1, 1, 28, 33, 12, 5, 16, 6, 65, 97, 255)
NOT_ALIKE = re.compile(r"^#|duration|^process_|^python_|_programming_")
TYPED = re.compile(r"^coredns_cache_(?:hits|misses)_total(.*?,)(?:type=\"\w+\",)?(view.*)")


def corefile(pick: random.Random, folder: Path) -> str:
    """A block with the cluster, and maybe others."""
    zones, _, option = pick.choice(ZONES).partition(" {\n")
    options = "\n".join([f"manifests {folder}/empty", option, *pick.sample(OPTIONS, 3)])
    names = {"db": folder / "db", "empty": folder / "empty"}
    links = [
        pick.choice(CACHES),
        *pick.sample(("errors", "loadbalance", "", ""), 1),
        pick.choice(BEHIND).format(**names),
    ]
    block = "\n".join([f". {{\nkubernetes {zones} {{\n{options}\n}}\nprometheus 127.0.0.1:0", *links, "}\n"])
    return block + "".join(other.format(**names) for other in pick.sample(OTHERS, 2))


class Questions:
    """Queries for names of few, in any letter case, with a few things behind them."""

    def __init__(self, pick: random.Random) -> None:
        self._pick = pick
        self._first = pick.sample(FIRST, 2)
        self._tails = pick.sample(TAILS, 5)
        self._types = pick.sample(TYPES, 2)
        self._behind = [self._records(), self._records()]

    def query(self) -> bytes:
        """One query."""
        pick = self._pick
        labels = [pick.choice(pick.choice(self._first)) for _ in range(pick.choice((1, 1, 1, 1, 0, 2)))]
        asked = name.from_text(".".join([*labels, pick.choice(self._tails)]).strip("."))
        if pick.random() < 0.3:
            asked = bytes(octet ^ 32 if 65 <= octet & 0xDF <= 90 and pick.random() < 0.5 else octet for octet in asked)
        records, rest = pick.choice(((0, b""), (0, b""), *self._behind))
        if pick.random() < 0.2 and rest:
            rest = rest[:-1] + pick.randbytes(1)
        flags = b"\1\0" if pick.random() < 0.95 else b"\1\x20"
        counts = b"\0\1\0\0\0\0" + records.to_bytes(2, "big")
        return pick.randbytes(2) + flags + counts + asked + pick.choice(self._types).to_bytes(2, "big") + b"\0\1" + rest

    def _records(self) -> tuple[int, bytes]:
        """How many records, and their octets: an OPT, at times with a cookie, at times not alone."""
        pick, other = self._pick, b"\1a\0\0\x10\0\1\0\0\0\0\0\2\1a"
        cookie = Option(codes.COOKIE, bytes(pick.choice((8, 8, 8, 16, 40, 0, 3))))
        options = pick.choice(((), (cookie,), (cookie,), (cookie,), (cookie, cookie), (Option(codes.NSID, b""),)))
        opt = opt_record(pick.choice((0, 1232, 0x6161)), pick.choice((0, codes.DO)), options)
        return pick.choice(
            ((1, opt), (1, opt), (1, opt), (2, other + opt), (2, opt + other), (0, opt), (1, opt + b"\0"))
        )


def change(pick: random.Random) -> Change:
    """A change of an object of a small cluster."""
    namespace, service, version = (
        pick.choice(("shop", "none")),
        pick.choice(("web", "foo", "db", "none", "empty", "pod", "ns")),
        str(pick.random()),
    )
    ports = pick.choice(((Port("http", 80),), (Port("http", 80), Port("dns", 53, "udp")), ()))
    endpoints = tuple(
        Endpoint(f"10.0.0.{pick.randrange(1, 4)}", hostname=pick.choice(("", f"pod-{number}")), zone="z1")
        for number in range(pick.randrange(3))
    )
    target = pick.choice(
        ("zzz.example.org", "foo.example.org", "web.shop.svc.cluster.local", "foo.shop.svc.clusterset.local")
    )
    address = f"10.96.0.{pick.randrange(1, 4)}"
    piece: dict[str, Any] = {"service": service, "ports": ports, "endpoints": endpoints}
    choices: tuple[Change, ...] = (
        Put(Namespace("shop")),
        Put(Namespace(namespace)),
        Gone(kinds.NAMESPACES, "", namespace),
        Gone(kinds.SERVICES, namespace, service),
        Gone(kinds.ENDPOINT_SLICES, namespace, f"{service}-1"),
        Gone(kinds.SERVICE_IMPORTS, namespace, service),
        Put(EndpointSlice(namespace, f"{service}-1", version, **piece)),
        Put(ImportedSlice(namespace, f"{service}-1", version, source_cluster="C1", **piece)),
        Put(ServiceImport(namespace, service, version, ips=(address,), ports=ports)),
        Put(Pod(namespace, "pod", version, addresses=("10.0.0.1",))),
        Put(Service(namespace, service, version, cluster_ips=("None",), ports=ports)),
        Put(Service(namespace, service, version, cluster_ips=(address,), ports=ports)),
        Put(Service(namespace, service, version, type="ExternalName", external_name=target)),
    )
    return pick.choice(choices)


def figures(house: House) -> dict[str, float]:
    """All that was counted, but for times; what the memo sends for a cache is a hit where it would miss again."""
    found: dict[str, float] = {}
    for line in house.process.registry.render().decode().splitlines():
        if not NOT_ALIKE.search(line):
            key, _, value = TYPED.sub(r"looked up \1\2", line).rpartition(" ")
            found[key] = found.get(key, 0) + float(value)
    return {key: value for key, value in found.items() if value}


@pytest.mark.parametrize("seed", SEEDS)
async def test_kept_replies_are_fresh_in_any_house(seed: int, tmp_path: Path) -> None:
    pick = random.Random(seed)
    (tmp_path / "empty").mkdir()
    (tmp_path / "db").write_text(DB)
    text, clock, time = corefile(pick, tmp_path), Clock(), Clock(1_700_000_000.0)
    kept, fresh = (House(text, memo=memo, outside=process(clock, time=time)) for memo in (True, False))
    questions = Questions(pick)
    async with kept.running(), fresh.running():
        feeds = [feed for house in (kept, fresh) for site in house.instance.sites for feed in site.find(Feed)]
        for _ in range(STEPS):
            chance = pick.random()
            if chance < 0.05:
                news = change(pick)
                for feed in feeds:
                    feed.mirror.apply(news)
            elif chance < 0.07:
                for each in (clock, time):
                    each.advance(2)
            else:
                asked = questions.query()
                assert kept.ask_now(asked, Ends()) == fresh.ask_now(asked, Ends()), (text, asked)
        assert figures(kept) == figures(fresh), text
