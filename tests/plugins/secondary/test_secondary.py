"""Zones of other servers in a chain, and what their primaries tell (`plugins.md`, secondary)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.roles import Transferer
from kdns.chain.zone import Zone
from kdns.corefile import ConfigError
from kdns.plugins.secondary.handler import Secondary
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, chain_of
from tests.kit.house import House, packet
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, unused_port
from tests.plugins.secondary.test_primaries import primary
from tests.plugins.secondary.zones import zone, zone_of

NOTICE = codes.NOTIFY << codes.OPCODE_SHIFT | codes.AA


@pytest.fixture(autouse=True)
def looks_follow_each_other_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.plugins.secondary.copy.APART", 0.0)


class Primary:
    """Has zones, which may be replaced."""

    def __init__(self, *zones: Zone) -> None:
        self.zones = {zone.origin: zone for zone in zones}

    def put(self, of: Zone) -> None:
        self.zones[of.origin] = of

    def __call__(self, ask: Ask) -> Steps:
        of = self.zones.get(ask.question[:-4])
        return [ask.ident + b"\x80\x05" + b"\0\1" + bytes(6) + ask.question] if of is None else primary(of)(ask)


def chain(port: int, options: str = "", zones: str = "example.org", **how: Any) -> Chain:
    text = f"{zones}:53 {{\nsecondary {{\ntransfer from 127.0.0.1:{port}\n{options}\n}}\n}}\n"
    return chain_of(text, **how)


@asynccontextmanager
async def served(has: Primary, options: str = "", **how: Any) -> AsyncIterator[tuple[Chain, FakeUpstream]]:
    async with FakeUpstream(has) as peer:
        built = chain(peer.port, options, **how)
        built.site.connect(built.top.answer)
        async with built.running():
            yield built, peer


def address(answer: Answer) -> bytes | int:
    return answer.answer[0].data if answer.answer else answer.rcode


async def test_a_zone_is_served_after_it_was_fetched() -> None:
    async with served(Primary(zone())) as (built, _):
        found = built.ask("WWW.example.org.")
        assert (address(found), found.flags) == (b"\xc0\0\2\2", codes.AA)
        assert [record.type for record in found.authority] == [codes.NS]
        assert built.ask("nowhere.example.org.").rcode == codes.NXDOMAIN
        assert built.ask("example.org.", "AXFR", proto="tcp") == refuse(codes.REFUSED)
        assert isinstance(built.links["secondary"], Secondary)


async def test_before_that_it_is_servfail() -> None:
    built = chain(unused_port())
    (giver,) = built.site.find(Transferer)  # type: ignore[type-abstract]
    async with built.running():
        assert built.ask("www.example.org.") == refuse(codes.SERVFAIL)
        given = giver.transfer(zone().origin)
        assert given is not None
        assert given.soa is None
    assert giver.transfer(name.from_text("example.net.")) is None


async def test_what_goes_to_the_next_plugin() -> None:
    behind = Next(Answer(rcode=codes.NOTIMP))
    async with served(Primary(zone()), "fallthrough", behind=behind, zones="org") as (built, _):
        assert built.ask("example.net.").rcode == codes.NOTIMP
    async with served(Primary(zone()), "fallthrough", behind=behind) as (built, _):
        assert built.ask("nowhere.example.org.").rcode == codes.NOTIMP
        assert address(built.ask("www.example.org.")) == b"\xc0\0\2\2"
    async with served(Primary(zone()), "fallthrough x.example.org", behind=behind) as (built, _):
        assert built.ask("nowhere.example.org.").rcode == codes.NXDOMAIN


async def test_it_is_given_to_transfer_and_announced() -> None:
    told: list[bytes] = []

    class Told:
        def announce(self, zone: bytes) -> None:
            told.append(zone)

    async with FakeUpstream(Primary(zone())) as peer:
        built = chain(peer.port)
        built.site.offer(Told())
        async with built.running():
            (giver,) = built.site.find(Transferer)  # type: ignore[type-abstract]
            given = giver.transfer(zone().origin)
    assert given is not None
    assert given.soa == zone().soa
    assert told == [zone().origin]


async def test_a_notice_of_a_primary_is_answered_and_looked_into() -> None:
    has = Primary(zone())
    async with served(has) as (built, peer):
        keys = [*built.wiring.forgotten]
        has.put(zone(2, address="192.0.2.9"))
        answer = built.ask("example.org.", "SOA", flags=NOTICE, client="127.0.0.1")
        assert (answer.rcode, answer.flags, answer.answer) == (codes.NOERROR, codes.AA, ())
        await until(lambda: address(built.ask("www.example.org.")) == b"\xc0\0\2\x09")
        assert len(built.wiring.forgotten) > len(keys)
        assert len(peer.asks) == 3


async def test_a_notice_of_another_is_dropped(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kdns.plugins.secondary.copy.APART", 1.0)
    caplog.set_level(logging.INFO)
    async with served(Primary(zone())) as (built, peer):
        for _ in range(3):
            assert built.ask("example.org.", "SOA", flags=NOTICE, client="127.0.0.2") is DROP
        await asyncio.sleep(0)
        assert len(peer.asks) == 1
    texts = [record.getMessage() for record in caplog.records]
    assert texts[1:] == ["Dropping notify from 127.0.0.2 for example.org."]


async def test_a_notice_for_another_zone_is_refused() -> None:
    async with served(Primary(zone()), behind=Next(Answer())) as (built, _):
        assert built.ask("example.net.", "SOA", flags=NOTICE, client="127.0.0.1") == refuse(codes.REFUSED)


def house(port: int, words: str = "") -> House:
    return House(f"example.org:53 {{\n{words}\nsecondary {{\ntransfer from 127.0.0.1:{port}\n}}\n}}\n")


async def test_notices_reach_it_through_the_whole_server() -> None:
    """Past a cache that has the SOA, and with the memo."""
    has = Primary(zone())
    async with FakeUpstream(has) as peer, house(peer.port, "cache").running() as server:
        for _ in range(3):
            assert (await server.ask("example.org.", "SOA")).answer
        assert len(peer.asks) == 1
        notice = packet("example.org", "SOA", flags=NOTICE)
        assert await server.ask_raw(notice, client="127.0.0.2", patience=0.01) is None
        reply = await server.ask_raw(notice, client="127.0.0.1")
        assert reply == b"\x12\x34\xa4\0" + notice[4:]
        await until(lambda: len(peer.asks) == 2)


async def test_kept_replies_end_with_the_zone() -> None:
    has = Primary(zone())
    async with FakeUpstream(has) as peer, house(peer.port).running() as server:
        for _ in range(3):
            assert (await server.ask("www.example.org.")).answer[0].data == b"\xc0\0\2\2"
        has.put(zone(2, address="192.0.2.9"))
        epoch = server.service().memo.epoch
        await server.ask_raw(packet("example.org", "SOA", flags=NOTICE), client="127.0.0.1")
        await until(lambda: server.service().memo.epoch > epoch)
        assert (await server.ask("www.example.org.")).answer[0].data == b"\xc0\0\2\x09"


CATALOG = "$TTL 1\n@ SOA a b {serial} 1000 1 1 1\n@ NS invalid.\nversion TXT 2\n"


def catalog(serial: int, members: str) -> Zone:
    return zone_of(CATALOG.format(serial=serial) + members, "catalog.example.")


async def test_members_of_a_catalog_are_served() -> None:
    has = Primary(catalog(1, "a.zones PTR example.org.\n"), zone(), zone(origin="example.net."))
    behind = Next(Answer(rcode=codes.NOTIMP))
    async with served(has, "catalog", zones="catalog.example .", behind=behind) as (built, _):
        await until(lambda: address(built.ask("www.example.org.")) == b"\xc0\0\2\2")


async def test_members_come_and_go() -> None:
    has = Primary(catalog(1, "a.zones PTR example.org.\n"), zone(), zone(origin="example.net."))
    behind = Next(Answer(rcode=codes.NOTIMP))
    async with FakeUpstream(has) as peer:
        options = f"transfer from 127.0.0.1:{peer.port}\ncatalog example.org net"
        built = chain_of(f".:53 {{\nsecondary catalog.example {{\n{options}\n}}\n}}\n", behind=behind)
        async with built.running():
            await until(lambda: address(built.ask("www.example.org.")) == b"\xc0\0\2\2")
            assert built.ask("www.example.net.").rcode == codes.NOTIMP
            has.put(catalog(2, "b.zones PTR example.net.\nc.zones PTR example.com.\n"))
            built.ask("catalog.example.", "SOA", flags=NOTICE, client="127.0.0.1")
            await until(lambda: address(built.ask("www.example.net.")) == b"\xc0\0\2\2")
            assert built.ask("www.example.org.").rcode == codes.NOTIMP
            assert built.ask("www.example.com.").rcode == codes.NOTIMP
            assert built.ask("example.net.", "SOA", flags=NOTICE, client="127.0.0.1").flags == codes.AA


async def test_what_is_no_catalog_is_no_zone(caplog: pytest.LogCaptureFixture) -> None:
    async with served(Primary(zone()), "catalog") as (built, _):
        assert built.ask("www.example.org.") == refuse(codes.SERVFAIL)
    assert "catalog zone example.org. must have exactly one version TXT record" in caplog.text


async def test_the_end_of_the_instance_ends_a_transfer() -> None:
    async with FakeUpstream(lambda ask: []) as peer:
        built = chain(peer.port)
        built.hooks.settle.clear()
        async with built.running():
            await until(lambda: peer.asks)
        await until(lambda: not peer.streams)


async def test_a_reload_waits_for_the_zone_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.plugins.secondary.SETTLE", 0.01)
    async with FakeUpstream(lambda ask: []) as peer, chain(peer.port).running():
        assert len(peer.streams) == 1


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("", "secondary zones require a transfer from property"),
        ("fallthrough", "secondary zones require a transfer from property"),
        ("transfer", "Wrong argument count or unexpected line ending after 'transfer'"),
        ("transfer from", "Wrong argument count or unexpected line ending after 'from'"),
        ("transfer to 192.0.2.1", "unknown property to"),
        ("transfer from *", r"can't use '\*' in transfer from"),
        ("transfer from 192.0.2.1 *", r"can't use '\*' in transfer from"),
        ("transfer from ns.example.org", "must specify an IP address: `ns.example.org'"),
        ("transfer from ns.example.org:53", "must specify an IP address: `ns.example.org'"),
        ("transfer from 192.0.2.1:0", "invalid port"),
        ("transfer from 192.0.2.1\ncatalog :", 'invalid catalog member zone ":"'),
        ("transfer from 192.0.2.1\nnonsense", "unknown property 'nonsense'"),
    ],
)
def test_setup_errors(block: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        chain_of(f".:53 {{\nsecondary {{\n{block}\n}}\n}}\n")


def test_setup() -> None:
    text = (
        "a.org:53 b.org:53 {\nsecondary {\ntransfer from 192.0.2.1 192.0.2.2:5353\ntransfer from [2001:db8::1]:54\n}\n"
        "secondary c.org {\ntransfer from ::1\ncatalog x.org\ncatalog y.org X.org\nfallthrough\n}\n}\n"
    )
    built = chain_of(text)
    link = built.links["secondary"]
    assert isinstance(link, Secondary)
    copies = link._copies
    first, second = copies.servers(name.from_text("b.org.")), copies.servers(name.from_text("c.org."))
    assert [str(server) for server in first] == ["192.0.2.1:53", "192.0.2.2:5353", "[2001:db8::1]:54"]
    assert [str(server) for server in second] == ["[::1]:53"]
    assert len(copies.zones) == 3
    assert built.site.listen.notices
