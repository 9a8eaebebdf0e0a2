"""The program that compares two servers: what it takes for the same, what it explains, and a run of it."""

import tempfile
from pathlib import Path

import dns.flags
import dns.message
import dns.rrset
import pytest

from kdns.plugins import ORDER
from tests.conformance.beside import asked, setups
from tests.conformance.beside.asking import ask_all
from tests.conformance.beside.compare import NOTHING, Pair, read
from tests.conformance.beside.questions import question
from tests.conformance.beside.report import Report
from tests.conformance.beside.rules import RULES
from tests.conformance.beside.servers import KDNS, both, objects, world

README = Path(__file__).parents[2] / "README.md"
SETUPS = {setup.name: setup for setup in setups.read()}
NAME = "web.shop.svc.cluster.local."


def reply(*lines: str, rcode: int = 0, flags: str = "QR AA", name: str = NAME) -> bytes:
    """A reply with these records in its answer section."""
    message = dns.message.make_response(dns.message.make_query(name, "A", id=7))
    message.flags = dns.flags.from_text(flags)
    message.set_rcode(rcode)  # type: ignore[arg-type]
    for line in lines:
        owner, ttl, kind, data = line.split(" ", 3)
        message.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    return message.to_wire()


def kinds(ours: bytes, theirs: bytes) -> set[str]:
    return set(Pair(SETUPS["kubeadm"], question(NAME, "A"), "udp", read([ours]), read([theirs])).kinds())


A1, A2, A3 = (f"{NAME} 30 A 192.0.2.{number}" for number in (1, 2, 3))
SOA = "cluster.local. 30 SOA ns.cluster.local. host.cluster.local. {} 1 1 1 1"


@pytest.mark.parametrize(
    ("ours", "theirs", "different"),
    [
        (reply(A1, A2), reply(A2, A1), set()),
        (reply(A1, A1.replace(" 30 ", " 29 ")), reply(A1, A1), set()),
        (reply(A1), reply(A1.replace(" 30 ", " 20 ")), {"ttl"}),
        (reply("b.example. 5 A 192.0.2.1"), reply("B.example. 5 A 192.0.2.1"), {"answer"}),
        (reply(A1), reply(A1, A2), {"answer"}),
        (reply(A1), reply(A1, flags="QR"), {"flags"}),
        (reply(), reply(rcode=3), {"rcode"}),
        (reply(), reply(name="WEB.shop.svc.cluster.local."), {"question"}),
        (reply(A1, A2, flags="QR TC"), reply(A3, A2, flags="QR TC"), set()),
        (reply(A1, A2, flags="QR TC"), reply(A3, flags="QR TC"), {"answer"}),
        (reply(SOA.format(1)), reply(SOA.format(2)), set()),
        (
            reply(f"{NAME} 5 CNAME a.example.", "a.example. 5 A 192.0.2.1"),
            reply("a.example. 5 A 192.0.2.1", f"{NAME} 5 CNAME a.example."),
            {"order"},
        ),
    ],
    ids=range(12),
)
def test_what_is_the_same(ours: bytes, theirs: bytes, different: set[str]) -> None:
    assert kinds(ours, theirs) == different
    assert kinds(theirs, ours) == different


def test_no_reply_is_told_from_any() -> None:
    assert read([]) == NOTHING
    assert read([b"\0" * 5]).rcode.startswith("unreadable")


def test_every_rule_names_one_row_of_the_readme_or_comes_of_asking() -> None:
    rows = [line for line in README.read_text().splitlines() if line.startswith("| ")]
    for row in {rule.row for rule in RULES} - {""}:
        assert sum(line.startswith(f"| {row}") for line in rows) == 1, row
    assert [rule.holds.__name__ for rule in RULES if not rule.row] == ["ran_out"]


def test_a_difference_is_explained_as_a_whole() -> None:
    report = Report()
    denied, there = read([reply(rcode=3)]), read([reply()])
    soa = read([reply(SOA.format(1))])
    report.add(Pair(SETUPS["kubeadm"], question("x.cluster.local.", "SOA"), "udp", denied, there))
    report.add(Pair(SETUPS["kubeadm"], question("x.cluster.local.", "SOA"), "udp", denied, there))
    report.add(Pair(SETUPS["kubeadm"], question("x.cluster.local.", "A"), "udp", denied, there))
    report.add(Pair(SETUPS["kubeadm"], question("x.cluster.local.", "A"), "udp", soa, soa))
    assert report.totals == [4, 1, 2, 1]
    assert "NXDOMAIN for NOERROR" in "\n".join(report.lines())


def test_there_is_a_set_up_for_every_plugin() -> None:
    apart = {"on", "trace", "etcd", "route53", "azure", "clouddns", "nomad", "grpc", "grpc_server", "quic", "https3"}
    apart |= {"dnssec", "sign"}  # not there yet
    apart |= {"tls", "https", "proxyproto", "dnstap"}  # need more than datagrams and connections
    assert set(ORDER) - apart == {word for setup in SETUPS.values() for word in setup.plugins}


def test_what_is_asked_follows_from_the_objects() -> None:
    found = objects()
    rows = list(asked.rows(SETUPS["kubeadm"], found))
    assert len(rows) > 30_000
    assert len({repr(row.given) for row in rows}) > 0.9 * len(rows)
    names = {str(row.given["name"]) for row in rows}
    assert {NAME, "db-0.db.shop.svc.cluster.local.", "10.12.96.10.in-addr.arpa.", "www.example.org."} <= names
    assert len([row.query() for row in rows[:1000]]) == 1000


@pytest.mark.integration
async def test_kdns_beside_itself() -> None:
    report = Report()
    async with world(objects()) as around:
        with tempfile.TemporaryDirectory() as folder:
            setup = SETUPS["hosts"]
            rows = list(asked.rows(setup, around.objects))[::10]
            async with both(setup, around, KDNS, Path(folder)) as ports:
                for proto in ("udp", "tcp"):
                    for row, (ours, theirs) in zip(rows, await ask_all(rows, ports, proto), strict=True):
                        report.add(Pair(setup, row, proto, read(ours), read(theirs)))
    assert report.totals == [2 * len(rows), 2 * len(rows), 0, 0]
