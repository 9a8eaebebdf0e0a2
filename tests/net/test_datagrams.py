"""Questions over UDP against resolvers that work, lie, stay silent or are not there."""

import asyncio
import errno
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest

from kdns.net import datagrams
from kdns.net.failures import UpstreamBusy, UpstreamClosed, UpstreamError, UpstreamTimeout
from kdns.net.limits import Limits
from kdns.net.port import Port
from kdns.net.transaction import Transaction
from tests.kit.until import until
from tests.kit.upstream import (
    Ask,
    Clock,
    FakeUpstream,
    MakeUpstream,
    Steps,
    Tally,
    answer,
    never,
    question,
    reply,
    unused_port,
)
from tests.net.conftest import open_files

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

ASKED = question("www.example.com", edns=True)
ONE_PORT = Limits(ports=1)


async def test_a_question_is_answered_under_its_own_id(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port)
        got = await upstream.exchange(ASKED)
        assert got[:2] == b"\xab\xcd"
        assert got[2:] == answer(resolver.asks[0])[2:]
        assert resolver.asks[0].message[2:] == ASKED[2:]
        assert resolver.asks[0].proto == "udp"


async def test_a_question_that_is_handed_in_is_not_looked_for(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port)
        assert await upstream.exchange(ASKED, question=ASKED[12:33])
        wrong = upstream.exchange(ASKED, question=question("www.example.org")[12:])
        await until(lambda: len(resolver.asks) == 2)
        await upstream.exchange(ASKED)
        assert not wrong.done()


async def test_it_works_over_ipv6(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(address="::1") as resolver:
        upstream = upstream_at(resolver.port, "::1")
        assert await upstream.exchange(ASKED)
        assert str(upstream) == f"[::1]:{resolver.port}"


async def test_ids_and_ports_cannot_be_guessed(upstream_at: MakeUpstream) -> None:
    """3000 draws: each bit of the id is set about half of the time (8 standard deviations), all ports are used."""
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port)
        for _ in range(100):
            await asyncio.gather(*[upstream.exchange(ASKED) for _ in range(30)])
        idents = [int.from_bytes(ask.ident, "big") for ask in resolver.asks]
        for bit in range(16):
            assert 1280 < sum(ident >> bit & 1 for ident in idents) < 1720
        assert len(set(idents)) > 2800
        assert len({ask.port for ask in resolver.asks}) == 16


async def test_a_port_serves_only_so_many_questions(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(ports=1, port_questions=10))
        for _ in range(50):
            await upstream.exchange(ASKED)
        ports = [ask.port for ask in resolver.asks]
        assert all(len(set(ports[at : at + 10])) == 1 for at in range(0, 50, 10))
        assert len(set(ports)) >= 4


async def test_worn_ports_are_closed_when_the_last_reply_is_there(upstream_at: MakeUpstream, clock: Clock) -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as resolver:
        limits = Limits(ports=1, port_questions=2)
        upstream = upstream_at(resolver.port, limits=limits)
        before = open_files()
        asked = [upstream.exchange(ASKED) for _ in range(100)]
        await asyncio.sleep(0)  # questions leave at the end of the round
        assert open_files() == before + 2, "one in use, one about to close; more would be an attack on ourselves"
        clock.advance(0.1)
        assert open_files() == before + 2
        hold.set()
        assert len(await asyncio.gather(*asked)) == 100
        clock.advance(0.1)
        clock.advance(11)
        assert open_files() == before


GARBAGE: dict[str, Callable[[Ask], bytes]] = {
    "an id": lambda ask: ask.ident,
    "half a header": lambda ask: ask.message[:7],
    "a header": lambda ask: reply(ask)[:12],
    "another id": lambda ask: reply(ask, ident=bytes([ask.ident[0] ^ 1, ask.ident[1]])),
    "a query": lambda ask: ask.message,
    "another opcode": lambda ask: reply(ask, flags=0xA180),
    "no question": lambda ask: reply(ask, flags=0x8181, asked=b""),
    "two questions": lambda ask: reply(ask)[:4] + b"\0\2" + reply(ask)[6:] + ask.question,
    "half a question": lambda ask: reply(ask)[:20],
    "another name": lambda ask: reply(ask, asked=question("www.example.org", 1)[12:]),
    "another type": lambda ask: reply(ask, asked=question("www.example.com", 28)[12:]),
    "another class": lambda ask: reply(ask, asked=ask.question[:-1] + b"\3"),
    "truncated garbage": lambda ask: reply(ask, flags=0x8380, asked=b"\xc0\x0c\0\1\0\1"),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_the_truth_wins_over_earlier_garbage(upstream_at: MakeUpstream, kind: str, tally: Tally) -> None:
    def script(ask: Ask) -> Steps:
        junk = GARBAGE[kind](ask)
        return [junk, junk, answer(ask)]

    async with FakeUpstream(script) as resolver:
        upstream = upstream_at(resolver.port)
        assert (await upstream.exchange(ASKED))[2:] == answer(resolver.asks[0])[2:]
        assert tally.ignored_by == {("udp", "forged"): 2}


async def test_empty_datagrams_are_ignored(upstream_at: MakeUpstream) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.bind(("127.0.0.1", 0))
        transaction = upstream_at(resolver.getsockname()[1]).exchange(ASKED)
        await asyncio.sleep(0)  # questions leave at the end of the round
        message, peer = resolver.recvfrom(512)
        for datagram in (b"", b"", answer(Ask(message, "udp", 0, peer[1]))):
            resolver.sendto(datagram, peer)
        assert await transaction


async def test_a_truncated_reply_is_a_reply(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(lambda ask: [reply(ask, flags=0x8380)]) as resolver:
        upstream = upstream_at(resolver.port)
        assert (await upstream.exchange(ASKED))[2:4] == b"\x83\x80"


async def test_a_reply_from_elsewhere_is_never_seen(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        transaction = upstream.exchange(ASKED)
        await until(lambda: resolver.asks)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.sendto(answer(resolver.asks[0]), ("127.0.0.1", resolver.asks[0].port))
        resolver.script = lambda ask: [answer(ask, "192.0.2.9")]
        assert (await upstream.exchange(ASKED))[-4:] == b"\xc0\0\2\x09"
        assert not transaction.done()


async def test_a_flood_of_guesses_makes_the_question_go_by_tcp(upstream_at: MakeUpstream, tally: Tally) -> None:
    def script(ask: Ask) -> Steps:
        if ask.proto == "tcp":
            return [answer(ask, "192.0.2.7")]
        return [ask.ident[:1] + bytes([ask.ident[1] ^ guess]) + answer(ask)[2:] for guess in range(1, 200)]

    async with FakeUpstream(script) as resolver:
        limits = Limits(ports=1, port_forgeries=20)
        upstream = upstream_at(resolver.port, limits=limits)
        replies = await asyncio.gather(*[upstream.exchange(ASKED) for _ in range(3)])
        assert {got[-4:] for got in replies} == {b"\xc0\0\2\7"}
        assert tally.ignored_by["udp", "forged"] == 20
        resolver.script = lambda ask: [answer(ask)]
        asks = len(resolver.asks)
        await upstream.exchange(ASKED)
        assert resolver.asks[-1].port not in {ask.port for ask in resolver.asks[:asks]}


async def test_one_that_is_not_sent_holds_up_no_other(
    upstream_at: MakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        gone, *others = [upstream.exchange(ASKED) for _ in range(3)]
        gone.cancel()
        assert len(await asyncio.gather(*others)) == 2
        assert len(resolver.asks) == 2

        attempts = iter([UpstreamError("no socket")])

        def scarce(*how: Any) -> Port:
            for error in attempts:
                raise error
            return Port(*how)

        monkeypatch.setattr(datagrams, "Port", scarce)
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        unlucky, *others = [upstream.exchange(ASKED) for _ in range(3)]
        assert len(await asyncio.gather(*others)) == 2
        assert str(unlucky.exception()) == "no socket"


async def test_a_silent_upstream_is_given_up(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port)
        short, long = upstream.exchange(ASKED, timeout=0.5), upstream.exchange(ASKED)
        await asyncio.sleep(0)  # questions leave at the end of the round
        clock.advance(0.49)
        assert not short.done()
        clock.advance(0.01)
        assert short.done()
        assert not long.done()
        clock.advance(1.5)
        with pytest.raises(UpstreamTimeout) as failure:
            await long
        assert re.fullmatch(
            rf"read udp 127\.0\.0\.1:\d+->127\.0\.0\.1:{resolver.port}: i/o timeout", str(failure.value)
        )


async def test_a_late_reply_is_known_as_one(upstream_at: MakeUpstream, clock: Clock, tally: Tally) -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask), answer(ask)]) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        late = upstream.exchange(ASKED)
        await until(lambda: resolver.asks)
        await asyncio.sleep(0)  # questions leave at the end of the round
        clock.advance(2)
        assert isinstance(late.exception(), UpstreamTimeout)
        hold.set()
        await upstream.exchange(ASKED)
        await until(lambda: len(tally.ignored_by) == 2)
        assert tally.ignored_by["udp", "late"] == 1


async def test_a_closed_port_fails_all_who_wait_there_at_once(upstream_at: MakeUpstream) -> None:
    port = unused_port()
    upstream = upstream_at(port, limits=ONE_PORT)
    outcomes = await asyncio.gather(*[upstream.exchange(ASKED) for _ in range(4)], return_exceptions=True)
    text = rf"read udp 127\.0\.0\.1:\d+->127\.0\.0\.1:{port}: read: connection refused"
    assert all(isinstance(outcome, UpstreamError) and re.fullmatch(text, str(outcome)) for outcome in outcomes)


async def test_an_earlier_refusal_does_not_fail_the_next_question(upstream_at: MakeUpstream) -> None:
    """Linux reports the refusal of the first question to the call that sends the second, and does not send it."""
    port = unused_port()
    upstream = upstream_at(port, limits=ONE_PORT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        first = upstream.exchange(ASKED)
        first.add_done_callback(lambda _: resolver.bind(("127.0.0.1", port)))
        second, third = upstream.exchange(ASKED), upstream.exchange(ASKED)
        await asyncio.sleep(0)  # questions leave at the end of the round
        assert "connection refused" in str(first.exception())
        assert not second.done()
        assert not third.done()
        message, peer = resolver.recvfrom(512)
        resolver.sendto(answer(Ask(message, "udp", 0, peer[1])), peer)
        assert await second


async def test_a_refused_upstream_is_asked_again_when_it_is_back(upstream_at: MakeUpstream) -> None:
    port = unused_port()
    upstream = upstream_at(port, limits=ONE_PORT)
    with pytest.raises(UpstreamError, match="connection refused"):
        await upstream.exchange(ASKED)
    async with FakeUpstream(port=port):
        assert await upstream.exchange(ASKED)


async def test_an_address_that_cannot_be_reached(upstream_at: MakeUpstream) -> None:
    upstream = upstream_at(53, "255.255.255.255")
    with pytest.raises(UpstreamError, match=r"^dial udp 255\.255\.255\.255:53: connect: permission denied$"):
        await upstream.exchange(ASKED)


async def test_a_message_that_no_datagram_can_carry(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port)
        with pytest.raises(UpstreamError, match=r"^write udp .*: write: message too long$"):
            await upstream.exchange(ASKED + b"\0" * (65535 - len(ASKED)))
        assert upstream.in_flight == 0


async def test_no_socket_is_left(upstream_at: MakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_socket(*args: object) -> socket.socket:
        raise OSError(errno.EMFILE, "")

    upstream = upstream_at(53)
    monkeypatch.setattr("kdns.net.endpoint.socket.socket", no_socket)
    with pytest.raises(UpstreamError, match=r"^dial udp 127\.0\.0\.1:53: socket: too many open files$"):
        await upstream.exchange(ASKED)


async def test_the_source_address_is_the_one_given(upstream_at: MakeUpstream) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver:
        resolver.bind(("127.0.0.1", 0))
        upstream = upstream_at(resolver.getsockname()[1], source_address="127.0.0.2")
        upstream.exchange(ASKED)
        await asyncio.sleep(0)  # questions leave at the end of the round
        assert resolver.recvfrom(512)[1][0] == "127.0.0.2"


async def test_a_source_address_of_another_machine(upstream_at: MakeUpstream) -> None:
    upstream = upstream_at(53, source_address="192.0.2.1")
    text = r"^dial udp 192\.0\.2\.1:0->127\.0\.0\.1:53: bind: cannot assign requested address$"
    with pytest.raises(UpstreamError, match=text):
        await upstream.exchange(ASKED)


async def test_only_so_many_are_in_flight(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(ports=1, port_in_flight=5))
        asked = [upstream.exchange(ASKED) for _ in range(8)]
        await asyncio.sleep(0)  # questions leave at the end of the round
        assert [isinstance(each.exception(), UpstreamBusy) for each in asked] == [False] * 5 + [True] * 3
        assert upstream.in_flight == 5


async def test_who_gave_up_is_not_missed(upstream_at: MakeUpstream) -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as resolver:
        upstream = upstream_at(resolver.port)

        async def ask() -> bytes:
            return await upstream.exchange(ASKED)

        task = asyncio.create_task(ask())
        await until(lambda: resolver.asks)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        hold.set()
        await until(lambda: upstream.in_flight == 0)


async def test_who_has_not_left_yet_is_looked_after(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port)
        asked = upstream.exchange(ASKED)
        clock.advance(0.05)  # a tick before the end of the round
        await until(lambda: len(resolver.asks) == 1)
        clock.advance(5)
        with pytest.raises(UpstreamTimeout):
            await asyncio.wait_for(asked, 1)


async def test_unused_sockets_are_closed(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(ports=4, expire=10))
        before = open_files()
        await asyncio.gather(*[upstream.exchange(ASKED) for _ in range(100)])
        clock.advance(1)
        assert open_files() == before + 4
        clock.advance(10)
        assert open_files() == before + 4
        clock.advance(0.1)
        assert open_files() == before
        assert await upstream.exchange(ASKED)


async def test_old_sockets_get_no_new_questions(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream() as resolver:
        limits = Limits(ports=1, expire=10, max_age=15)
        upstream = upstream_at(resolver.port, limits=limits)
        for _ in range(5):
            await upstream.exchange(ASKED)
            clock.advance(4)
        ports = [ask.port for ask in resolver.asks]
        assert len(set(ports[:4])) == 1
        assert ports[4] != ports[3]


async def test_sockets_are_counted(upstream_at: MakeUpstream, tally: Tally, clock: Clock) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        for _ in range(5):
            await upstream.exchange(ASKED)
        clock.advance(0.1)
        assert tally.dialled_by == {"udp": 1}
        assert tally.reused_by == {"udp": 4}
        await upstream.exchange(ASKED)
        upstream.close()
        assert tally.reused_by == {"udp": 5}


async def test_closing_tells_all_who_wait_and_frees_all(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(never) as resolver:
        before = open_files()
        upstream = upstream_at(resolver.port)
        asked = [upstream.exchange(ASKED) for _ in range(50)]
        upstream.close()
        assert open_files() == before
        assert all(isinstance(each.exception(), UpstreamClosed) for each in asked)
        assert str(asked[0].exception()) == f"127.0.0.1:{resolver.port}: use of closed network connection"
        with pytest.raises(UpstreamClosed, match="use of closed network connection"):
            await upstream.exchange(ASKED)


async def test_who_is_told_may_close_or_ask(upstream_at: MakeUpstream) -> None:
    """Callbacks run in the middle of reading: closing and asking there must not confuse the reader."""
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        second: list[Transaction] = []
        upstream.exchange(ASKED).add_done_callback(lambda _: second.append(upstream.exchange(ASKED)))
        await until(lambda: second and second[0].done())
        assert second[0].result()
        asked = [upstream.exchange(ASKED) for _ in range(5)]
        asked[0].add_done_callback(lambda _: upstream.close())
        await until(lambda: all(each.done() for each in asked))
        assert asked[0].result()
        assert any(isinstance(each.exception(), UpstreamClosed) for each in asked)


async def test_who_is_given_up_may_close_or_ask(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        asked = [upstream.exchange(ASKED) for _ in range(3)]
        await asyncio.sleep(0)  # questions leave at the end of the round
        again: list[Transaction] = []
        asked[0].add_done_callback(lambda _: again.append(upstream.exchange(ASKED)))
        asked[1].add_done_callback(lambda _: upstream.close())
        await asyncio.sleep(0)  # questions leave at the end of the round
        clock.advance(2)
        assert [type(each.exception()) for each in asked] == [UpstreamTimeout] * 3
        assert isinstance(again[0].exception(), UpstreamClosed)


async def test_who_is_refused_may_close(upstream_at: MakeUpstream) -> None:
    """The refusal of the first is found while the second is sent; by then there is nothing to send it with."""
    before = open_files()
    upstream = upstream_at(unused_port(), limits=ONE_PORT)
    first = upstream.exchange(ASKED)
    first.add_done_callback(lambda _: upstream.close())
    second = upstream.exchange(ASKED)
    await asyncio.sleep(0)
    assert "connection refused" in str(first.exception())
    assert isinstance(second.exception(), UpstreamClosed)
    assert open_files() == before


async def test_errors_that_many_share_do_not_grow(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE_PORT)
        asked = [upstream.exchange(ASKED) for _ in range(20)]
        await asyncio.sleep(0)  # questions leave at the end of the round
        clock.advance(2)
        depths = set()
        for each in asked:
            with pytest.raises(UpstreamTimeout) as failure:
                await each
            depths.add(len(failure.traceback))
        assert len(depths) == 1
