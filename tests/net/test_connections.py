"""Questions over TCP and TLS against resolvers that work, are slow, hang up, stall at each step, or talk nonsense."""

import asyncio
import ssl
from pathlib import Path

import pytest

import tests.kit
from kdns.net.failures import UpstreamBusy, UpstreamClosed, UpstreamError, UpstreamTimeout
from kdns.net.limits import Limits
from tests.kit.until import until
from tests.kit.upstream import (
    Ask,
    Clock,
    FakeUpstream,
    MakeUpstream,
    Raw,
    Step,
    Steps,
    Tally,
    answer,
    black_hole,
    never,
    question,
    reply,
    unused_port,
)

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

ASKED = question("www.example.com", edns=True)
ONE = Limits(streams=1)
CERTIFICATES = Path(tests.kit.__path__[0]) / "tls"


def frame(message: bytes) -> bytes:
    return len(message).to_bytes(2, "big") + message


async def test_a_question_is_answered_under_its_own_id(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(udp=False) as resolver:
        upstream = upstream_at(resolver.port)
        assert (await upstream.exchange(ASKED, tcp=True))[:2] == b"\xab\xcd"
        assert resolver.asks[0].message[2:] == ASKED[2:]


async def test_many_questions_share_a_connection_and_are_answered_in_any_order(upstream_at: MakeUpstream) -> None:
    hold = [asyncio.Event() for _ in range(30)]
    async with FakeUpstream(lambda ask: [hold[ask.number], answer(ask, f"192.0.2.{ask.number}")]) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        asked = [upstream.exchange(question(f"n{number}."), tcp=True) for number in range(30)]
        await until(lambda: len(resolver.asks) == 30)
        assert len({ask.ident for ask in resolver.asks}) == 30
        for number in reversed(range(30)):
            hold[number].set()
            assert (await asked[number])[-1] == number
        assert resolver.dialled == 1


async def test_an_idle_connection_is_used_again(upstream_at: MakeUpstream, tally: Tally) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port)
        for _ in range(20):
            await upstream.exchange(ASKED, tcp=True)
        assert resolver.dialled == 1
        assert tally.dialled_by == {"tcp": 1}
        assert tally.reused_by == {"tcp": 19}


async def test_busy_connections_get_company_but_not_without_end(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(streams=3, stream_in_flight=4, streams_max=5))
        asked = [upstream.exchange(ASKED, tcp=True) for _ in range(25)]
        await until(lambda: resolver.dialled == 5)
        assert [isinstance(each.exception(), UpstreamBusy) for each in asked] == [False] * 20 + [True] * 5
        assert upstream.in_flight == 20


async def test_connections_are_closed_when_unused_or_old(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(expire=10, max_age=25))
        await upstream.exchange(ASKED, tcp=True)
        clock.advance(10)
        await upstream.exchange(ASKED, tcp=True)
        clock.advance(10)
        await upstream.exchange(ASKED, tcp=True)
        assert resolver.dialled == 1
        clock.advance(6)
        await until(lambda: not resolver.streams)
        await upstream.exchange(ASKED, tcp=True)
        assert resolver.dialled == 2
        clock.advance(10.1)
        await until(lambda: not resolver.streams)


async def test_only_so_many_unused_connections_are_kept(upstream_at: MakeUpstream, clock: Clock) -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as resolver:
        upstream = upstream_at(resolver.port, limits=Limits(max_idle_conns=1))
        asked = [upstream.exchange(ASKED, tcp=True) for _ in range(4)]
        await until(lambda: len(resolver.asks) == 4)
        assert len(resolver.streams) == 4
        hold.set()
        await asyncio.gather(*asked)
        clock.advance(0.1)
        await until(lambda: len(resolver.streams) == 1)


@pytest.mark.parametrize("end", [Step.CLOSE, Step.RESET])
async def test_a_connection_closed_by_the_peer_is_replaced_once(upstream_at: MakeUpstream, end: Step) -> None:
    async with FakeUpstream(lambda ask: [answer(ask) if ask.number == 0 else end]) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        await upstream.exchange(ASKED, tcp=True)
        assert await upstream.exchange(ASKED, tcp=True)
        assert resolver.dialled == 2
        assert len(resolver.asks) == 3


async def test_it_is_replaced_once_only(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        await upstream.exchange(ASKED, tcp=True)
        resolver.script = lambda ask: [Step.CLOSE]
        with pytest.raises(UpstreamError, match=r"^read tcp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: EOF$"):
            await upstream.exchange(ASKED, tcp=True)
        assert len(resolver.asks) == 3


async def test_a_new_connection_that_is_closed_is_a_failure(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(lambda ask: [Step.RESET]) as resolver:
        with pytest.raises(UpstreamError, match=r"^read tcp .*: read: connection reset by peer$"):
            await upstream_at(resolver.port).exchange(ASKED, tcp=True)
        assert len(resolver.asks) == 1


async def test_who_gave_up_is_not_asked_for_again(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        await upstream.exchange(ASKED, tcp=True)
        resolver.script = never
        transaction = upstream.exchange(ASKED, tcp=True)
        await until(lambda: len(resolver.asks) == 2)
        transaction.cancel()
        resolver.streams[0].end(Step.CLOSE)
        await until(lambda: upstream.in_flight == 0)
        assert resolver.dialled == 1


@pytest.mark.parametrize("bears", [1, 2, 7])
async def test_an_upstream_that_bears_only_so_many_questions_on_a_connection(
    upstream_at: MakeUpstream, bears: int
) -> None:
    def script(ask: Ask) -> Steps:
        return [Step.CLOSE] if ask.number == bears else [answer(ask)]

    async with FakeUpstream(script) as resolver:
        upstream = upstream_at(resolver.port)
        for _ in range(3):
            outcomes = await asyncio.gather(
                *[upstream.exchange(ASKED, tcp=True) for _ in range(60)], return_exceptions=True
            )
            assert [outcome for outcome in outcomes if isinstance(outcome, BaseException)] == []


async def test_an_upstream_that_closes_when_questions_are_not_asked_one_by_one(upstream_at: MakeUpstream) -> None:
    hold = asyncio.Event()

    def script(ask: Ask) -> Steps:
        return [Step.CLOSE] if ask.number else [hold, answer(ask)]

    async with FakeUpstream(script) as resolver:
        upstream = upstream_at(resolver.port)
        asked = [upstream.exchange(ASKED, tcp=True) for _ in range(20)]
        await until(lambda: len(resolver.asks) >= 20 and len(resolver.streams) == 20)
        hold.set()
        assert len(await asyncio.gather(*asked)) == 20


async def test_nobody_listens(upstream_at: MakeUpstream) -> None:
    port = unused_port()
    asked = [upstream_at(port).exchange(ASKED, tcp=True) for _ in range(3)]
    for outcome in await asyncio.gather(*asked, return_exceptions=True):
        assert isinstance(outcome, UpstreamError)
        assert str(outcome) == f"dial tcp 127.0.0.1:{port}: connect: connection refused"


async def test_nobody_answers_the_door(upstream_at: MakeUpstream, clock: Clock) -> None:
    with black_hole() as port:
        upstream = upstream_at(port)
        asked = [upstream.exchange(ASKED, tcp=True, timeout=0.5) for _ in range(3)]
        await asyncio.sleep(0)
        clock.advance(1.9)
        assert not asked[0].done()
        clock.advance(0.2)
        for each in asked:
            assert isinstance(each.exception(), UpstreamTimeout)
            assert str(each.exception()) == f"dial tcp 127.0.0.1:{port}: i/o timeout"


async def test_the_time_to_answer_begins_when_the_connection_is_there(upstream_at: MakeUpstream, clock: Clock) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port)
        transaction = upstream.exchange(ASKED, tcp=True, timeout=1)
        clock.advance(1.5)
        assert not transaction.done()
        await until(lambda: resolver.asks)
        clock.advance(0.9)
        assert not transaction.done()
        clock.advance(0.1)
        with pytest.raises(UpstreamTimeout, match=r"^read tcp 127\.0\.0\.1:\d+->127\.0\.0\.1:\d+: i/o timeout$"):
            await transaction


async def test_a_connection_that_kept_somebody_waiting_gets_no_new_questions(
    upstream_at: MakeUpstream, clock: Clock
) -> None:
    """Those who still wait on it get their replies; the late one is no reason to close it."""
    hold, more = asyncio.Event(), asyncio.Event()
    holds = [hold, more, more]
    async with FakeUpstream(lambda ask: [holds[ask.number], answer(ask)]) as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        short = upstream.exchange(ASKED, tcp=True, timeout=0.5)
        long = [upstream.exchange(ASKED, tcp=True, timeout=5) for _ in range(2)]
        await until(lambda: len(resolver.asks) == 3)
        clock.advance(1)
        assert isinstance(short.exception(), UpstreamTimeout)
        hold.set()
        resolver.script = lambda ask: [answer(ask)]
        assert await upstream.exchange(ASKED, tcp=True)
        assert resolver.dialled == 2
        more.set()
        assert len(await asyncio.gather(*long)) == 2
        clock.advance(0.1)
        await until(lambda: len(resolver.streams) == 1)


NONSENSE: dict[str, Steps] = {
    "an empty frame": [b""],
    "half a header": [b"\1\2\3\4\5\6"],
    "an id nobody asked with": [b"\0" * 600],
    "a long frame": [b"\xff" * 65535],
    "a web page": [Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 800)],
}


@pytest.mark.parametrize("kind", NONSENSE)
async def test_nonsense_closes_the_connection(upstream_at: MakeUpstream, kind: str) -> None:
    async with FakeUpstream(lambda ask: NONSENSE[kind]) as resolver:
        upstream = upstream_at(resolver.port)
        with pytest.raises(UpstreamError, match=r"^read tcp .*: not a reply to what was asked$"):
            await upstream.exchange(ASKED, tcp=True)
        await until(lambda: not resolver.streams)


async def test_a_reply_to_another_question_closes_the_connection(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(lambda ask: [reply(ask, asked=question("evil.example.com")[12:])]) as resolver:
        with pytest.raises(UpstreamError, match="not a reply to what was asked"):
            await upstream_at(resolver.port).exchange(ASKED, tcp=True)
        await until(lambda: not resolver.streams)


@pytest.mark.parametrize("cut", [0, 1, 2, 14, 40])
async def test_a_reply_that_ends_in_the_middle(upstream_at: MakeUpstream, clock: Clock, cut: int) -> None:
    async with FakeUpstream(lambda ask: [Raw(frame(answer(ask))[:cut]), Step.CLOSE]) as resolver:
        with pytest.raises(UpstreamError, match="EOF"):
            await upstream_at(resolver.port).exchange(ASKED, tcp=True)
        resolver.script = lambda ask: [Raw(frame(answer(ask))[:cut])]
        transaction = upstream_at(resolver.port).exchange(ASKED, tcp=True)
        await until(lambda: len(resolver.asks) == 2)
        clock.advance(2)
        with pytest.raises(UpstreamTimeout):
            await transaction


async def test_a_reply_in_crumbs(upstream_at: MakeUpstream) -> None:
    def script(ask: Ask) -> Steps:
        steps: list[bytes | float] = []
        for octet in frame(answer(ask)):
            steps += [Raw([octet]), 0.0]
        return steps

    async with FakeUpstream(script) as resolver:
        assert await upstream_at(resolver.port).exchange(ASKED, tcp=True)


async def test_large_messages_both_ways(upstream_at: MakeUpstream) -> None:
    padding = b"\0" * (65535 - len(ASKED))
    async with FakeUpstream(lambda ask: [reply(ask) + b"\0" * (65535 - len(reply(ask)))]) as resolver:
        upstream = upstream_at(resolver.port)
        assert len(await upstream.exchange(ASKED + padding, tcp=True)) == 65535
        assert resolver.asks[0].message[2:] == (ASKED + padding)[2:]


async def test_a_message_that_no_frame_can_carry(upstream_at: MakeUpstream) -> None:
    with pytest.raises(UpstreamError, match="message too long"):
        await upstream_at(53).exchange(ASKED + b"\0" * 65536, tcp=True)


async def test_the_source_address_is_the_one_given(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, source_address="127.0.0.3")
        await upstream.exchange(ASKED, tcp=True)
        transport = resolver.streams[0].transport
        assert transport is not None
        assert transport.get_extra_info("peername")[0] == "127.0.0.3"
    with pytest.raises(UpstreamError, match=r"^dial tcp 192\.0\.2\.1:0->127\.0\.0\.1:53: bind: cannot assign"):
        await upstream_at(53, source_address="192.0.2.1").exchange(ASKED, tcp=True)


@pytest.mark.parametrize("moment", ["dialling", "waiting", "idle"])
async def test_closing_leaves_nothing_behind(upstream_at: MakeUpstream, moment: str) -> None:
    async with FakeUpstream(never) as resolver:
        tasks = len(asyncio.all_tasks())
        upstream = upstream_at(resolver.port)
        if moment == "idle":
            resolver.script = lambda ask: [answer(ask)]
            await upstream.exchange(ASKED, tcp=True)
        asked = [upstream.exchange(ASKED, tcp=True) for _ in range(9 if moment != "idle" else 0)]
        if moment == "waiting":
            await until(lambda: len(resolver.asks) == 9)
        upstream.close()
        assert all(isinstance(each.exception(), UpstreamClosed) for each in asked)
        await until(lambda: len(asyncio.all_tasks()) <= tasks + len(resolver._playing))
        await until(lambda: not resolver.streams)


async def test_who_is_told_of_a_loss_may_close(upstream_at: MakeUpstream) -> None:
    """Those behind it would be asked again on a new connection, but there is to be none."""
    async with FakeUpstream() as resolver:
        upstream = upstream_at(resolver.port, limits=ONE)
        await upstream.exchange(ASKED, tcp=True)
        resolver.script = never
        first = upstream.exchange(ASKED, tcp=True)
        await until(lambda: len(resolver.asks) == 2)
        resolver.streams[0].end(Step.CLOSE)
        await until(lambda: len(resolver.asks) == 3)
        second = upstream.exchange(ASKED, tcp=True)
        await until(lambda: len(resolver.asks) == 4)
        first.add_done_callback(lambda _: upstream.close())
        resolver.streams[-1].end(Step.CLOSE)
        await until(lambda: first.done() and second.done())
        assert "EOF" in str(first.exception())
        assert isinstance(second.exception(), UpstreamClosed)
        assert resolver.dialled == 2
        await until(lambda: not resolver.streams)


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    return context


def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(CERTIFICATES / "ca.crt"))


@pytest.mark.parametrize("name", [None, "localhost"])
async def test_tls_checks_the_name_or_the_address(upstream_at: MakeUpstream, tally: Tally, name: str | None) -> None:
    async with FakeUpstream(udp=False, tls=server_tls()) as resolver:
        upstream = upstream_at(resolver.port, tls=client_tls(), server_name=name)
        for _ in range(3):
            assert await upstream.exchange(ASKED)
        assert resolver.dialled == 1
        assert tally.dialled_by == {"tcp-tls": 1}
        assert tally.reused_by == {"tcp-tls": 2}


async def test_tls_with_a_certificate_for_another_name(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(tls=server_tls()) as resolver:
        upstream = upstream_at(resolver.port, tls=client_tls(), server_name="dns.example")
        with pytest.raises(UpstreamError, match="tls: failed to verify certificate: Hostname mismatch"):
            await upstream.exchange(ASKED)
        assert resolver.asks == []


async def test_tls_with_a_certificate_of_nobody_we_trust(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(tls=server_tls()) as resolver:
        upstream = upstream_at(resolver.port, tls=ssl.create_default_context())
        with pytest.raises(UpstreamError, match=r"^dial tcp 127.*: tls: failed to verify certificate: "):
            await upstream.exchange(ASKED)


async def test_tls_that_stalls_in_the_handshake(upstream_at: MakeUpstream, clock: Clock) -> None:
    """A plain TCP server that waits for the rest of what it takes for a frame."""
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, tls=client_tls())
        transaction = upstream.exchange(ASKED)
        await until(lambda: resolver.streams)
        clock.advance(2.1)
        with pytest.raises(UpstreamTimeout, match=r"^dial tcp .*: i/o timeout$"):
            await transaction
        await until(lambda: not resolver.streams)


async def test_tls_with_a_server_that_speaks_none(upstream_at: MakeUpstream) -> None:
    async with FakeUpstream(never) as resolver:
        upstream = upstream_at(resolver.port, tls=client_tls())
        transaction = upstream.exchange(ASKED)
        await until(lambda: resolver.streams)
        transport = resolver.streams[0].transport
        assert transport is not None
        transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        with pytest.raises(UpstreamError, match=r"^dial tcp .*: tls: "):
            await transaction
