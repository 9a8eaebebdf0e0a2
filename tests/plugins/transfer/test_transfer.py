"""AXFR and IXFR out (kubernetes.md section 6.3, plugins.md `transfer`)."""

from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rdatatype
import pytest

from kdns.chain.answer import Answer, Records
from kdns.chain.query import Query
from kdns.chain.roles import Transfer
from kdns.chain.zones import Zones
from kdns.corefile import ConfigError
from kdns.plugins.transfer.handler import MAX_MESSAGE, Transfers
from kdns.plugins.transfer.stanza import EVERYBODY, Stanza
from kdns.wire import codes, name, rdata
from kdns.wire.edns import Edns
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit import manifests
from tests.kit.chain import Next, root_chain
from tests.kit.house import Ends, House, packet
from tests.kit.query import query

ZONE = name.from_text("example.org.")
SOA = Record(ZONE, codes.SOA, rdata.soa(b"\0", b"\0", 7, 1, 2, 3, 4), 60)
BEHIND = Answer(rcode=codes.NXDOMAIN)


class Source:
    """Has one zone with as many records as it is told."""

    def __init__(self, count: int = 2, zone: bytes = ZONE) -> None:
        self.zone = zone
        self.count = count
        self.made = 0

    def transfer(self, zone: bytes) -> Transfer | None:
        return Transfer(SOA, self._records()) if zone == self.zone else None

    def _records(self) -> Iterator[Records]:
        for n in range(self.count):
            self.made += 1
            yield [Record(name.from_labels([b"n%d" % n], ZONE), codes.TXT, rdata.txt(b"x" * 200), 60)]


def ixfr(serial: int | None, zone: str = "example.org.") -> bytes:
    question = name.from_text(zone) + codes.IXFR.to_bytes(2, "big") + b"\0\1"
    soa = Record(name.from_text(zone), codes.SOA, rdata.soa(b"\0", b"\0", serial or 0, 0, 0, 0, 0), 0)
    return write_message(b"\x12\x34", 0, question, ((), (soa,) if serial is not None else (), ()))


def ask(
    question: Query, *sources: Source, to: str = "*", zones: tuple[str, ...] = (".",), behind: Answer = BEHIND
) -> Answer:
    allowed = frozenset((EVERYBODY,) if to == "*" else (bytes(map(int, to.split("."))),))
    link = Transfers(Next(behind), [Stanza(Zones(zones), allowed)], sources)
    work = link.answer(question)
    with pytest.raises(StopIteration) as done:
        work.send(None)
    answer: Answer = done.value.value
    return answer


def axfr(zone: str = "example.org", proto: str = "tcp", client: str = "192.0.2.1") -> Query:
    return query(zone, "AXFR", proto=proto, client=client)


def test_a_small_zone_is_one_message() -> None:
    answer = ask(axfr("Example.ORG"), Source())
    assert (answer.flags, answer.more) == (codes.AA, None)
    assert [record.type for record in answer.answer] == [codes.SOA, codes.TXT, codes.TXT, codes.SOA]


def test_a_big_zone_is_made_message_by_message() -> None:
    source = Source(1000)
    answer = ask(axfr(), source)
    made = source.made
    assert answer.more is not None
    sections = [answer.answer, *answer.more]
    records = [record for section in sections for record in section]
    assert made < 300
    assert (len(sections), len(records)) == (4, 1002)
    assert records[0] == records[-1] == SOA
    assert max(sum(len(r.owner or b"") + 10 + len(r.data) for r in section) for section in sections) <= MAX_MESSAGE


@pytest.mark.parametrize(
    ("question", "to", "zones", "rcode", "written"),
    [
        (axfr(proto="udp"), "*", (".",), codes.REFUSED, False),
        (axfr(), "192.0.2.2", (".",), codes.REFUSED, True),
        (axfr(), "192.0.2.1", (".",), codes.NOERROR, True),
        (axfr(), "*", ("example.net",), codes.NXDOMAIN, True),
        (axfr("sub.example.org"), "*", (".",), codes.NXDOMAIN, True),
        (query("example.org", "SOA", proto="tcp"), "*", (".",), codes.NXDOMAIN, True),
        (query("example.org", "AXFR", proto="tcp", cls=codes.CH), "*", (".",), codes.NXDOMAIN, True),
    ],
)
def test_who_gets_what(question: Query, to: str, zones: tuple[str, ...], rcode: int, written: bool) -> None:
    answer = ask(question, Source(), to=to, zones=zones)
    assert (answer.rcode, answer.written) == (rcode, written)


@pytest.mark.parametrize(("serial", "records"), [(7, 1), (6, 4), (8, 4), (0, 4)])
def test_ixfr(serial: int, records: int) -> None:
    answer = ask(query("example.org", "IXFR", proto="tcp").replace(packet=ixfr(serial)), Source())
    assert (answer.flags, len(answer.answer)) == (codes.AA, records)


def test_what_was_sent_is_said_when_the_client_has_taken_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "kdns.transfer")
    ask(axfr().replace(question=query("example.org", "IXFR").question, packet=ixfr(7)), Source())
    ask(axfr("Example.ORG"), Source())
    messages = ask(axfr(), Source(1000)).more
    assert messages is not None
    next(messages)
    assert caplog.messages == [
        'Outgoing noop, incremental transfer for up to date zone "example.org." to 192.0.2.1 for 7 SOA serial',
        'Outgoing transfer of 4 records of zone "Example.ORG." to 192.0.2.1 for 7 SOA serial',
    ]
    assert list(messages)
    assert caplog.messages[2:] == [
        'Outgoing transfer of 1002 records of zone "example.org." to 192.0.2.1 for 7 SOA serial'
    ]


def test_ixfr_without_a_serial() -> None:
    answer = ask(query("example.org", "IXFR", proto="tcp").replace(packet=ixfr(None)), Source())
    assert (answer.rcode, answer.written) == (codes.SERVFAIL, False)


def test_the_longest_zone_decides_and_the_first_source_that_has_it() -> None:
    everybody, nobody = frozenset((EVERYBODY,)), frozenset((b"\1\2\3\4",))
    stanzas = [Stanza(Zones((".",)), nobody), Stanza(Zones(("example.org",)), everybody)]
    other = Source(1, name.from_text("other.example."))
    link = Transfers(Next(BEHIND), stanzas, [other, Source(5)])
    with pytest.raises(StopIteration) as done:
        link.answer(axfr()).send(None)
    assert len(done.value.value.answer) == 7


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("", "'to' is required"),
        ("source 192.0.2.1", "'to' is required"),
        ("to", "Wrong argument count or unexpected line ending"),
        ("to ns.example.org", "must specify an IP address: `ns.example.org'"),
        ("to 192.0.2.0/24", "must specify an IP address: `192.0.2.0/24'"),
        ("to 192.0.2.1 x", "must specify an IP address: `x'"),
        ("to *\nsource", "Wrong argument count or unexpected line ending"),
        ("to *\nsource 192.0.2.1 192.0.2.2", "Wrong argument count or unexpected line ending"),
        ("to *\nsource 192.0.2.1\nsource 192.0.2.2", "source already specified"),
        ("to *\nsource x", 'invalid source address "x"'),
        ("to *\nfrom *", 'unknown property "from"'),
    ],
)
def test_setup_errors(block: str, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"^plugin/transfer: .*{message}"):
        root_chain(f"transfer {{\n{block}\n}}")


@pytest.mark.parametrize("to", ["*", "192.0.2.1", "192.0.2.1:5353 192.0.2.9", "[2001:db8::1]:53", "2001:db8::1"])
def test_setup(to: str) -> None:
    root_chain(f"transfer example.org {{\nto {to}\nsource 192.0.2.1\n}}")


# Zones of a whole server


def house(folder: str) -> House:
    return House(
        f"""
        .:53 {{
            cache
            loadbalance
            transfer {{
                to *
            }}
            k8s_external ext.example 198.51.100.0/24 {{
                headless
            }}
            kubernetes cluster.local 10.in-addr.arpa {{
                manifests {folder}
            }}
        }}
        """
    )


async def zone(server: House, text: str, edns: Edns | None = None) -> list[str]:
    """Lines of a zone, read by dnspython."""
    packets = await server.ask_all(packet(text, "AXFR", edns=edns), proto="tcp")
    messages = [dns.message.from_wire(each, one_rr_per_rrset=True) for each in packets]
    assert all((message.edns >= 0) == (edns is not None) for message in messages)
    assert {question.rdtype for message in messages for question in message.question} == {dns.rdatatype.AXFR}
    lines = [
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
        for message in messages
        for rrset in message.answer
        for rdata in rrset
    ]
    assert lines[0] == lines[-1]
    assert lines[0].split()[2] == "SOA"
    assert len(set(lines)) == len(lines) - 1
    return lines[1:-1]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    lb = {"loadBalancer": {"ingress": [{"hostname": "lb.vendor.example"}]}}
    return manifests.write(
        tmp_path,
        manifests.namespace("shop"),
        manifests.service("shop", "web", ("10.96.0.1", "fd00::1"), {"http": 80, "": 81}, externalIPs=["198.51.100.1"]),
        manifests.service("shop", "lb", ("10.96.0.2",), {"http": 80}, status=lb),
        manifests.service("shop", "db", ("None",), {"pg": 5432}),
        manifests.endpoints("shop", "db", {"10.244.0.7": "db-0", "10.244.0.8": ""}, {"pg": 5432}),
        manifests.service("shop", "alias", (), type="ExternalName", externalName="www.example.org"),
        manifests.service("hidden", "web", ("10.96.0.9",), {"http": 80}),
    )


async def test_a_cluster_zone(folder: str) -> None:
    server = house(folder)
    async with server.running():
        lines = await zone(server, "Cluster.Local", Edns(1232))
    assert lines == [
        "alias.shop.svc.cluster.local. 5 CNAME www.example.org.",
        "db.shop.svc.cluster.local. 5 A 10.244.0.7",
        "db-0.db.shop.svc.cluster.local. 5 A 10.244.0.7",
        "_pg._tcp.db.shop.svc.cluster.local. 5 SRV 0 50 5432 db-0.db.shop.svc.cluster.local.",
        "db.shop.svc.cluster.local. 5 A 10.244.0.8",
        "10-244-0-8.db.shop.svc.cluster.local. 5 A 10.244.0.8",
        "_pg._tcp.db.shop.svc.cluster.local. 5 SRV 0 50 5432 10-244-0-8.db.shop.svc.cluster.local.",
        "lb.shop.svc.cluster.local. 5 A 10.96.0.2",
        "lb.shop.svc.cluster.local. 5 SRV 0 100 80 lb.shop.svc.cluster.local.",
        "_http._tcp.lb.shop.svc.cluster.local. 5 SRV 0 100 80 lb.shop.svc.cluster.local.",
        "web.shop.svc.cluster.local. 5 A 10.96.0.1",
        "web.shop.svc.cluster.local. 5 AAAA fd00::1",
        "web.shop.svc.cluster.local. 5 SRV 0 100 80 web.shop.svc.cluster.local.",
        "_http._tcp.web.shop.svc.cluster.local. 5 SRV 0 100 80 web.shop.svc.cluster.local.",
        "web.shop.svc.cluster.local. 5 SRV 0 100 81 web.shop.svc.cluster.local.",
    ]


async def test_a_reverse_zone_has_what_points_back(folder: str) -> None:
    server = house(folder)
    async with server.running():
        lines = await zone(server, "10.in-addr.arpa")
    assert lines == [
        "1.0.96.10.in-addr.arpa. 5 PTR web.shop.svc.cluster.local.",
        "2.0.96.10.in-addr.arpa. 5 PTR lb.shop.svc.cluster.local.",
        "7.0.244.10.in-addr.arpa. 5 PTR db-0.db.shop.svc.cluster.local.",
        "8.0.244.10.in-addr.arpa. 5 PTR 10-244-0-8.db.shop.svc.cluster.local.",
    ]


async def test_a_zone_of_external_addresses(folder: str) -> None:
    server = house(folder)
    async with server.running():
        assert await zone(server, "ext.example") == [
            "ext.example. 5 NS ns1.dns.ext.example.",
            "db.shop.ext.example. 5 A 10.244.0.7",
            "db-0.db.shop.ext.example. 5 A 10.244.0.7",
            "db.shop.ext.example. 5 A 10.244.0.8",
            "10-244-0-8.db.shop.ext.example. 5 A 10.244.0.8",
            "db.shop.ext.example. 5 SRV 0 50 5432 db-0.db.shop.ext.example.",
            "db.shop.ext.example. 5 SRV 0 50 5432 10-244-0-8.db.shop.ext.example.",
            "_pg._tcp.db.shop.ext.example. 5 SRV 0 50 5432 db-0.db.shop.ext.example.",
            "_pg._tcp.db.shop.ext.example. 5 SRV 0 50 5432 10-244-0-8.db.shop.ext.example.",
            "lb.shop.ext.example. 5 CNAME lb.vendor.example.",
            "_http._tcp.lb.shop.ext.example. 5 SRV 0 100 80 lb.vendor.example.",
            "web.shop.ext.example. 5 A 198.51.100.1",
            "web.shop.ext.example. 5 SRV 0 50 80 web.shop.ext.example.",
            "web.shop.ext.example. 5 SRV 0 50 81 web.shop.ext.example.",
            "_http._tcp.web.shop.ext.example. 5 SRV 0 100 80 web.shop.ext.example.",
        ]
        assert await zone(server, "100.51.198.in-addr.arpa") == [
            "100.51.198.in-addr.arpa. 5 NS ns1.dns.100.51.198.in-addr.arpa.",
            "1.100.51.198.in-addr.arpa. 5 PTR web.shop.ext.example.",
        ]


def test_nothing_is_given_away_before_the_first_sync(folder: str) -> None:
    server = root_chain(
        f"transfer {{\nto *\n}}\nk8s_external ext.example\nkubernetes cluster.local {{\nmanifests {folder}\n}}"
    )
    assert server.ask("cluster.local", "AXFR", proto="tcp").rcode == codes.REFUSED
    assert server.ask("ext.example", "AXFR", proto="tcp").answer == ()


@pytest.mark.parametrize(("serial", "records"), [(1_700_000_000, 1), (5, 17)])
async def test_ixfr_of_a_whole_server(folder: str, serial: int, records: int) -> None:
    server = house(folder)
    async with server.running():
        replies = await server.ask_all(ixfr(serial, "cluster.local."), proto="tcp")
    assert sum(len(dns.message.from_wire(each, one_rr_per_rrset=True).answer) for each in replies) == records


async def test_a_zone_of_many_messages_over_the_whole_server(tmp_path: Path) -> None:
    services = [manifests.service("shop", f"web-{n}", (f"10.96.{n >> 8}.{n & 255}",), {"http": 80}) for n in range(900)]
    server = house(manifests.write(tmp_path, manifests.namespace("shop"), *services))
    async with server.running():
        packets = await server.ask_all(packet("cluster.local", "AXFR"), proto="tcp")
        assert len(await zone(server, "cluster.local")) == 2700
        assert not server.service("tcp").waiting
    assert len(packets) > 2


async def test_an_exchange_that_takes_one_message_only_is_refused(tmp_path: Path) -> None:
    services = [manifests.service("shop", f"web-{n}", (f"10.96.{n >> 8}.{n & 255}",), {"http": 80}) for n in range(900)]
    server = house(manifests.write(tmp_path, manifests.namespace("shop"), *services))
    async with server.running():
        reply = server.ask_now(packet("cluster.local", "AXFR"), Ends(proto="tcp"), "tcp")
    assert reply is not None
    assert dns.message.from_wire(reply).rcode() == codes.REFUSED
