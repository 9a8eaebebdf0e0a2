"""Names of Services as they are reached from outside (kubernetes.md section 6.1)."""

from pathlib import Path

import pytest

from kdns.chain.answer import Answer
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from kdns.wire.record import Record
from tests.kit import manifests
from tests.kit.chain import Chain, Next, chain_of, root_chain

LB = {"loadBalancer": {"ingress": [{"hostname": "lb.vendor.example"}]}}
UPSTREAM = Answer(answer=(Record(None, codes.A, b"\xc0\0\2\x1e", 60),))
SOA = "ext.example. 30 IN SOA ns1.dns.ext.example. hostmaster.dns.ext.example. 1700000000 7200 1800 86400 30"


def folder_of(path: Path) -> str:
    return manifests.write(
        path,
        manifests.namespace("edge"),
        manifests.service(
            "edge", "gw", ("10.96.0.1",), {"http": 80, "": 8080}, externalIPs=["198.51.100.20", "2001:db8::20"]
        ),
        manifests.service("edge", "twin", ("10.96.0.2",), externalIPs=["198.51.100.20"]),
        manifests.service("edge", "lb", ("10.96.0.3",), {"http": 80}, type="LoadBalancer", status=LB),
        manifests.service("edge", "db", ("None",), {"pg": 5432}),
        manifests.endpoints("edge", "db", {"10.244.0.7": "db-0", "10.244.0.8": "db-1"}, {"pg": 5432}),
        manifests.service("edge", "inside", ("10.96.0.4",), {"http": 80}),
        manifests.endpoints("edge", "inside", {"10.244.0.53": ""}, {"http": 80}),
        manifests.service("hidden", "gw", ("10.96.0.5",), externalIPs=["198.51.100.21"]),
    )


def chain(folder: str, options: str = "ttl 30", addresses: tuple[str, ...] = (), more: str = "") -> Chain:
    text = f"""
        .:53 {{
            k8s_external ext.example in-addr.arpa ip6.arpa {{
                {options}
            }}
            {more}
            kubernetes cluster.local {{
                manifests {folder}
            }}
        }}
        """
    found = chain_of(text, behind=Next(UPSTREAM), addresses=lambda: addresses)
    found.site.connect(found.top.answer)
    return found


def lines(answer: Answer, asked: str) -> list[str]:
    question = name.from_text(asked)
    return [record.to_text(question) for s in (answer.answer, answer.authority, answer.additional) for record in s]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return folder_of(tmp_path)


@pytest.mark.parametrize(
    ("asked", "rtype", "records"),
    [
        ("gw.edge.ext.example.", "A", ["gw.edge.ext.example. 30 IN A 198.51.100.20"]),
        ("GW.edge.Ext.example.", "AAAA", ["GW.edge.Ext.example. 30 IN AAAA 2001:db8::20"]),
        (
            "_http._tcp.gw.edge.ext.example.",
            "SRV",
            [
                "_http._tcp.gw.edge.ext.example. 30 IN SRV 0 50 80 gw.edge.ext.example.",
                "gw.edge.ext.example. 30 IN A 198.51.100.20",
                "gw.edge.ext.example. 30 IN AAAA 2001:db8::20",
            ],
        ),
        (
            "lb.edge.ext.example.",
            "A",
            ["lb.edge.ext.example. 30 IN CNAME lb.vendor.example.", "lb.vendor.example. 60 IN A 192.0.2.30"],
        ),
        ("twin.edge.ext.example.", "SRV", [SOA]),
        ("edge.ext.example.", "A", [SOA]),
        ("ext.example.", "TXT", [SOA]),
        ("Ext.Example.", "SOA", [SOA]),
        ("dns.ext.example.", "A", [SOA]),
        ("ns1.dns.ext.example.", "A", [SOA]),
        ("ns1.dns.ext.example.", "MX", [SOA]),
        (
            "20.100.51.198.in-addr.arpa.",
            "PTR",
            [
                "20.100.51.198.in-addr.arpa. 30 IN PTR gw.edge.ext.example.",
                "20.100.51.198.in-addr.arpa. 30 IN PTR twin.edge.ext.example.",
            ],
        ),
    ],
)
async def test_what_there_is(folder: str, asked: str, rtype: str, records: list[str]) -> None:
    server = chain(folder)
    async with server.running():
        answer = server.ask(asked, rtype)
    assert (answer.rcode, answer.flags) == (codes.NOERROR, codes.AA)
    assert lines(answer, asked) == records


@pytest.mark.parametrize(
    "asked",
    [
        "nowhere.ext.example.",
        "inside.edge.ext.example.",
        "db.edge.ext.example.",
        "x.gw.edge.ext.example.",
        "_no._tcp.gw.edge.ext.example.",
        "_._tcp.gw.edge.ext.example.",
        "a.b.c.gw.edge.ext.example.",
        "ns2.dns.ext.example.",
        "a.ns1.dns.ext.example.",
        "gw.hidden.ext.example.",
    ],
)
async def test_what_there_is_not(folder: str, asked: str) -> None:
    server = chain(folder)
    async with server.running():
        answer = server.ask(asked)
    assert answer.rcode == codes.NXDOMAIN
    assert lines(answer, asked) == [SOA]


async def test_headless(folder: str) -> None:
    server = chain(folder, "headless", ("10.244.0.7",))
    async with server.running():
        assert [r[-10:] for r in lines(server.ask("db.edge.ext.example."), "x.")] == ["10.244.0.7", "10.244.0.8"]
        assert lines(server.ask("db-1.db.edge.ext.example."), "q.") == ["q. 5 IN A 10.244.0.8"]
        assert lines(server.ask("_pg._tcp.db.edge.ext.example.", "SRV"), "q.")[0] == (
            "q. 5 IN SRV 0 50 5432 db-0.db.edge.ext.example."
        )
        assert server.ask("no.db.edge.ext.example.").rcode == codes.NXDOMAIN
        assert lines(server.ask("ns1.dns.ext.example."), "q.") == ["q. 5 IN A 10.244.0.7", "q. 5 IN A 10.244.0.8"]


@pytest.mark.parametrize(
    ("local", "glue"),
    [
        (("192.0.2.9",), ["ns1.dns.ext.example. 5 IN A 192.0.2.9"]),
        (("10.244.0.53",), []),
        ((), []),
    ],
)
async def test_name_servers(folder: str, local: tuple[str, ...], glue: list[str]) -> None:
    server = chain(folder, "", local)
    async with server.running():
        assert lines(server.ask("EXT.example.", "NS"), "q.") == ["ext.example. 5 IN NS ns1.dns.ext.example.", *glue]


async def test_fallthrough_is_for_names_that_do_not_exist(folder: str) -> None:
    server = chain(folder, "fallthrough ext.example")
    async with server.running():
        assert server.ask("nosuch.edge.ext.example.") is UPSTREAM
        assert server.ask("ns2.dns.ext.example.").rcode == codes.NXDOMAIN
        assert server.ask("99.100.51.198.in-addr.arpa.", "PTR").rcode == codes.NXDOMAIN
        assert server.ask("gw.edge.ext.example.", "TXT").answer == ()


async def test_a_second_occurrence_replaces_the_zones_and_adds_options(folder: str) -> None:
    server = chain(folder, "ttl 7\napex ns", more="k8s_external other.example")
    async with server.running():
        assert server.ask("gw.edge.ext.example.") is UPSTREAM
        assert lines(server.ask("other.example.", "NS"), "q.") == ["other.example. 7 IN NS ns1.ns.other.example."]


def test_before_the_first_sync(folder: str) -> None:
    assert chain(folder).ask("gw.edge.ext.example.").rcode == codes.SERVFAIL


async def test_other_classes_and_zones(folder: str) -> None:
    server = chain(folder)
    async with server.running():
        assert server.ask("gw.edge.ext.example.", cls=codes.CH).rcode == codes.REFUSED
        assert server.ask("www.example.org.") is UPSTREAM


async def test_an_alias_whose_lookup_fails_stands_alone(folder: str) -> None:
    server = chain_of(
        f".:53 {{\nk8s_external ext.example\nkubernetes cluster.local {{\nmanifests {folder}\n}}\n}}",
        behind=Next(Answer(rcode=codes.SERVFAIL)),
    )
    server.site.connect(server.top.answer)
    async with server.running():
        answer = server.ask("lb.edge.ext.example.")
    assert (answer.rcode, lines(answer, "q.")) == (codes.NOERROR, ["q. 5 IN CNAME lb.vendor.example."])


async def test_without_kubernetes() -> None:
    with pytest.raises(ConfigError, match=r"^plugin/k8s_external: .*kubernetes plugin not loaded"):
        await root_chain("k8s_external ext.example").fire("startup")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("apex", "Wrong argument count or unexpected line ending"),
        ("apex a..b", "label of 0 octets"),
        ("ttl", "Wrong argument count or unexpected line ending"),
        ("ttl x", 'parsing "x": invalid syntax'),
        ("ttl 3601", r"ttl must be in range \[0, 3600\]: 3601"),
        ("ttl -1", r"ttl must be in range \[0, 3600\]: -1"),
        ("headless yes", "Wrong argument count or unexpected line ending after 'yes'"),
        ("other", "unknown property 'other'"),
    ],
)
def test_setup_errors(option: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^plugin/k8s_external: .*{message}"):
        root_chain(f"k8s_external ext.example {{\n{option}\n}}")
