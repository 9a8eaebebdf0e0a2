"""Asking primaries over TCP, honest ones and others."""

import asyncio
from collections.abc import Callable

import pytest

from kdns.chain.zone import Zone
from kdns.plugins.secondary import primaries as module
from kdns.plugins.secondary.primaries import Primaries, Server, TransferError
from kdns.wire import codes
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.upstream import Ask, FakeUpstream, Step, Steps, unused_port
from tests.plugins.secondary.zones import zone

OTHERS = zone(origin="example.net.")


def reply(ask: Ask, *records: Record, flags: int = codes.QR | codes.AA) -> bytes:
    return write_message(ask.ident, flags, ask.question, (records, (), ()))


def whole(of: Zone) -> list[Record]:
    return [of.soa, *(record for batch in of.records() for record in batch), of.soa]


def primary(of: Zone) -> Callable[[Ask], Steps]:
    """What a primary does that has a zone."""

    def script(ask: Ask) -> Steps:
        if ask.question[-4:-2] == codes.SOA.to_bytes(2, "big"):
            return [reply(ask, of.soa)]
        return [reply(ask, record) for record in whole(of)]

    return script


def of(*ports: int) -> Primaries:
    servers = [Server("127.0.0.1", port) for port in ports]
    return Primaries(zone().origin, servers, asyncio.Semaphore(1))


async def test_the_serial() -> None:
    async with FakeUpstream(primary(zone(7))) as peer:
        assert await of(peer.port).serial() == 7
    assert [ask.proto for ask in peer.asks] == ["tcp"]


async def test_the_zone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with FakeUpstream(primary(zone(7))) as peer:
        assert await of(peer.port).zone() == zone(7)
    assert [record.getMessage() for record in caplog.records] == [
        f"Transferred: example.org. from 127.0.0.1:{peer.port}"
    ]


async def test_the_next_one_is_asked_when_one_fails(caplog: pytest.LogCaptureFixture) -> None:
    closed = unused_port()
    async with FakeUpstream(primary(zone(7))) as peer:
        both = of(closed, peer.port)
        assert await both.serial() == 7
        assert await both.zone() == zone(7)
    (error,) = [record.getMessage() for record in caplog.records]
    assert error == (
        f'Failed to transfer `example.org.\' from "127.0.0.1:{closed}": '
        f"dial tcp 127.0.0.1:{closed}: connect: connection refused"
    )


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda ask: [reply(ask, flags=codes.QR | codes.REFUSED)], "REFUSED"),
        (lambda ask: [reply(ask)], "no SOA"),
        (lambda ask: [reply(ask, OTHERS.soa)], "no SOA"),
        (lambda ask: [b"junk"], "shorter than its header"),
        (lambda ask: [b"\0\0" + reply(ask, zone().soa)[2:]], "not a reply"),
        (lambda ask: [reply(ask, zone().soa, flags=0)], "not a reply"),
        (lambda ask: [ask.ident + bytes((128, 0)) + bytes(8)], "not a reply"),
        (lambda ask: [Step.CLOSE], "EOF"),
    ],
)
async def test_serials_that_are_none(script: Callable[[Ask], Steps], error: str) -> None:
    async with FakeUpstream(script) as peer:
        with pytest.raises(TransferError, match=error):
            await of(peer.port).serial()


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (lambda ask: [reply(ask, flags=codes.QR | codes.REFUSED)], "bad xfr rcode: 5"),
        (lambda ask: [reply(ask, *whole(OTHERS))], "no SOA of example.org. at the beginning"),
        (lambda ask: [reply(ask, *whole(zone())[:-1]), Step.CLOSE], "EOF"),
        (lambda ask: [reply(ask, *whole(zone())[:-1]), b"junk"], "shorter than its header"),
        (lambda ask: [b"junk"], "shorter than its header"),
        (lambda ask: [], "i/o timeout"),
    ],
)
async def test_zones_that_are_none(script: Callable[[Ask], Steps], error: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.net.dialogue.READ_TIMEOUT", 0.05)
    async with FakeUpstream(script) as peer:
        with pytest.raises(TransferError, match=error):
            await of(peer.port).zone()


async def test_a_primary_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_TRANSFER", 0.1)

    def script(ask: Ask) -> Steps:
        yield reply(ask, zone().soa)
        while True:
            yield 0.001
            yield reply(ask, whole(zone())[1])

    async with FakeUpstream(script) as peer:
        with pytest.raises(TransferError, match="not done after"):
            await of(peer.port).zone()


async def test_an_address_without_its_interface() -> None:
    one = Primaries(zone().origin, [Server("fe80::1%gone0", 53)], asyncio.Semaphore(1))
    with pytest.raises(TransferError, match="not an IP address"):
        await one.serial()


async def test_records_of_other_zones_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    mixed = [zone().soa, *whole(OTHERS)[1:-1], *whole(zone())[1:]]
    async with FakeUpstream(lambda ask: [reply(ask, *mixed)]) as peer:
        assert (await of(peer.port).zone()).nodes == zone().nodes
    assert caplog.records[-1].getMessage() == f"3 records from 127.0.0.1:{peer.port} are outside zone example.org."
