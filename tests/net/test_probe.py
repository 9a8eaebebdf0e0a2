"""Health probes: anything that speaks DNS is healthy, and nothing else is."""

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

import tests.kit
from kdns.net.endpoint import Endpoint
from kdns.net.failures import UpstreamError, UpstreamTimeout
from kdns.net.probe import probe
from tests.kit.until import until
from tests.kit.upstream import Ask, Clock, FakeUpstream, Steps, answer, black_hole, never, reply, unused_port

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

CERTIFICATES = Path(tests.kit.__path__[0]) / "tls"
ROOT_NS = b"\0\1\0\0\0\0\0\0\0\0\2\0\1"


@pytest.mark.parametrize("tcp", [False, True])
async def test_it_asks_for_the_roots_servers(tcp: bool) -> None:
    async with FakeUpstream() as resolver:
        await probe(Endpoint(resolver.address, resolver.port), tcp=tcp)
        assert resolver.asks[0].message[2:] == b"\1\0" + ROOT_NS
        assert resolver.asks[0].proto == ("tcp" if tcp else "udp")


async def test_it_may_ask_something_else_and_without_recursion() -> None:
    async with FakeUpstream() as resolver:
        await probe(Endpoint(resolver.address, resolver.port), name=b"\7example\0", recursion_desired=False)
        assert resolver.asks[0].message[2:] == b"\0\0\0\1\0\0\0\0\0\0\7example\0\0\2\0\1"


SPOKEN: dict[str, Callable[[Ask], Steps]] = {
    "SERVFAIL": lambda ask: [reply(ask, flags=0x8182)],
    "REFUSED without the question": lambda ask: [reply(ask, flags=0x8185, asked=b"")],
    "garbage, then the truth": lambda ask: [b"\0", reply(ask, ident=b"\0\0"), ask.message, answer(ask)],
}


@pytest.mark.parametrize("kind", SPOKEN)
async def test_any_message_is_a_sign_of_life(kind: str) -> None:
    async with FakeUpstream(SPOKEN[kind]) as resolver:
        await probe(Endpoint(resolver.address, resolver.port))


@pytest.mark.parametrize("tcp", [False, True])
async def test_refusal_is_known_at_once(tcp: bool) -> None:
    with pytest.raises(UpstreamError, match="connection refused"):
        await probe(Endpoint("127.0.0.1", unused_port()), tcp=tcp)


@pytest.mark.parametrize("tcp", [False, True])
async def test_silence_takes_a_second(clock: Clock, tcp: bool) -> None:
    async with FakeUpstream(never) as resolver:
        probing = asyncio.create_task(
            probe(Endpoint(resolver.address, resolver.port), tcp=tcp, ticker=clock.ticker),
        )
        await until(lambda: resolver.asks)
        clock.advance(0.9)
        await asyncio.sleep(0)
        assert not probing.done()
        clock.advance(0.1)
        with pytest.raises(UpstreamTimeout):
            await probing


async def test_a_closed_door_takes_two_seconds(clock: Clock) -> None:
    with black_hole() as port:
        probing = asyncio.create_task(probe(Endpoint("127.0.0.1", port), tcp=True, ticker=clock.ticker))
        await asyncio.sleep(0)
        clock.advance(1.9)
        await asyncio.sleep(0)
        assert not probing.done()
        clock.advance(0.2)
        with pytest.raises(UpstreamTimeout, match="dial tcp"):
            await probing


async def test_guesses_keep_nobody_alive() -> None:
    def script(ask: Ask) -> Steps:
        return [bytes([ask.ident[0], ask.ident[1] ^ 1]) + answer(ask)[2:]] * 100

    async with FakeUpstream(script) as resolver:
        with pytest.raises(UpstreamError, match="too many datagrams that are no replies"):
            await probe(Endpoint(resolver.address, resolver.port))


async def test_it_checks_the_certificate_as_queries_do() -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    client = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.crt"))
    async with FakeUpstream(tls=server) as resolver:
        await probe(Endpoint(resolver.address, resolver.port, tls=client))
        assert resolver.asks[0].proto == "tcp"
        with pytest.raises(UpstreamError, match="failed to verify certificate"):
            await probe(Endpoint(resolver.address, resolver.port, tls=client, server_name="dns.example"))


async def test_it_uses_the_source_address_of_the_queries() -> None:
    text = r"^dial udp 192\.0\.2\.1:0->127\.0\.0\.1:53: bind: cannot assign requested address$"
    with pytest.raises(UpstreamError, match=text):
        await probe(Endpoint("127.0.0.1", 53, source_address="192.0.2.1"))


async def test_a_cancelled_probe_leaves_nothing_behind() -> None:
    async with FakeUpstream(never) as resolver:
        probing = asyncio.create_task(probe(Endpoint(resolver.address, resolver.port), tcp=True))
        await until(lambda: resolver.asks)
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
        await until(lambda: not resolver.streams)
