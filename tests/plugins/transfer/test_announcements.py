"""NOTIFY to other name servers (RFC 1996, `plugins.md` transfer)."""

import asyncio

import pytest

from kdns.chain.zones import Zones
from kdns.plugins.transfer import announcements
from kdns.plugins.transfer.announcements import Announcements, tell
from kdns.plugins.transfer.stanza import EVERYBODY, Stanza, Target
from kdns.wire import codes, name
from tests.kit.chain import Chain, chain_of
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, reply, unused_port

ZONE = name.from_text("example.org.")
ACCEPTED = 0xA400
"""QR, NOTIFY, AA."""


def accepts(ask: Ask) -> Steps:
    return [reply(ask, flags=ACCEPTED)]


def here(port: int) -> Target:
    return Target("127.0.0.1", port)


async def test_a_notification() -> None:
    async with FakeUpstream(accepts) as other:
        assert await tell(ZONE, here(other.port), "127.0.0.2") == ""
    (ask,) = other.asks
    assert ask.message[2:12] == bytes.fromhex("2400 0001 0000 0000 0000")
    assert ask.question == ZONE + codes.SOA.to_bytes(2, "big") + b"\0\1"
    assert ask.proto == "udp"


async def test_it_is_tried_three_times() -> None:
    async with FakeUpstream(lambda ask: [reply(ask, flags=ACCEPTED | codes.REFUSED)]) as other:
        assert await tell(ZONE, here(other.port), "") == 'rcode was "REFUSED"'
    assert len(other.asks) == 3


async def test_silence_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "TIMEOUT", 0.02)
    async with FakeUpstream(lambda ask: []) as other:
        assert "i/o timeout" in await tell(ZONE, here(other.port), "")
    assert len(other.asks) == 3


async def test_a_second_try_may_be_the_one() -> None:
    codes_sent = iter((codes.SERVFAIL, codes.NOERROR))
    async with FakeUpstream(lambda ask: [reply(ask, flags=ACCEPTED | next(codes_sent))]) as other:
        assert await tell(ZONE, here(other.port), "") == ""
    assert len(other.asks) == 2


async def test_nobody_there() -> None:
    assert "connection refused" in await tell(ZONE, here(unused_port()), "")


async def test_an_address_without_its_interface() -> None:
    assert "not an IP address" in await tell(ZONE, Target("fe80::1%gone0", 53), "")


def work_of(*stanzas: Stanza) -> tuple[Announcements, list[announcements.Job]]:
    """Announcements that only write down what they would do."""
    done: list[announcements.Job] = []

    class Written(Announcements):
        async def _tell(self, job: announcements.Job) -> None:
            done.append(job)
            del self._due[job]

    def spawn(work: object) -> None:
        with pytest.raises(StopIteration):
            work.send(None)  # type: ignore[attr-defined]

    return Written(stanzas, spawn), done


async def test_those_of_the_longest_zone_are_told_once_queries_are_answered() -> None:
    near, far = Target("192.0.2.1", 53), Target("192.0.2.2", 5353)
    told, done = work_of(
        Stanza(Zones(["org."]), frozenset(), (far,)),
        Stanza(Zones(["example.org."]), frozenset((EVERYBODY,)), (near, far), "192.0.2.9"),
    )
    told.announce(ZONE)
    told.announce(ZONE)
    told.announce(name.from_text("example.net."))
    assert done == []
    await told.begin()
    assert done == [(ZONE, near, "192.0.2.9"), (ZONE, far, "192.0.2.9")]
    told.announce(name.from_text("www.org."))
    assert done[2:] == [(name.from_text("www.org."), far, "")]


def chain(to: str, tmp_path: object, serial: int = 1) -> Chain:
    zone = tmp_path / "db"  # type: ignore[operator]
    zone.write_text(f"@ 1 SOA a b {serial} 1 1 1 1\n")
    return chain_of(f"example.org:53 {{\ntransfer {{\nto {to}\n}}\nfile {zone}\n}}\n")


async def test_zones_of_files_are_announced_at_start(tmp_path: object) -> None:
    told = asyncio.Event()

    def script(ask: Ask) -> Steps:
        told.set()
        return accepts(ask)

    async with FakeUpstream(script) as other, chain(f"* 127.0.0.1:{other.port}", tmp_path).running():
        async with asyncio.timeout(10):
            await told.wait()
    assert other.asks[0].question.startswith(ZONE)


async def test_whom_nobody_is_told_is_said(tmp_path: object, caplog: pytest.LogCaptureFixture) -> None:
    port = unused_port()
    built = chain(f"127.0.0.1:{port}", tmp_path)
    async with built.running():
        await until(lambda: "notif" in caplog.text)
    expected = f'Failed sending notifies: notify for zone "example.org." was not accepted by "127.0.0.1:{port}": '
    assert caplog.records[0].getMessage().startswith(expected)


async def test_the_end_of_the_instance_ends_it(tmp_path: object) -> None:
    async with FakeUpstream(lambda ask: []) as other, chain(f"127.0.0.1:{other.port}", tmp_path).running():
        await until(lambda: other.asks)
    assert len(other.asks) == 1
