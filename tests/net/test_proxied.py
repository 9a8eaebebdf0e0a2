"""Clients behind proxies, on sockets of both event loops. Time passes by hand, but for a connection's header."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_network

import pytest

from kdns.net import sockets
from kdns.net.bounds import StreamLimits
from kdns.net.doh import ALPN
from kdns.net.exchange import Exchange
from kdns.net.https import Https
from kdns.net.proxied import IGNORE, REJECT, SKIP, USE, ByFamily, Gate, Unwrapping
from kdns.net.session import Session
from kdns.net.stream import StreamListener
from kdns.net.tls import server_context
from kdns.net.udp import UdpListener
from tests.kit.chain import Clock
from tests.kit.desk import Desk, TcpClient, UdpClient, answer
from tests.kit.house import Ends
from tests.kit.until import until
from tests.kit.web import TLS, Web1, client_context
from tests.net.test_proxyheader import ONE, SIX, TWO, V4, V6, v2

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

CONTEXT = server_context(str(TLS / "server.crt"), str(TLS / "server.key"), alpn=ALPN)
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 53\r\n"
HOME = (ip_network("127.0.0.0/8"),)
AWAY = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
PEER = ("10.1.2.3", 5000)


@pytest.mark.parametrize(
    ("allowed", "otherwise", "host", "policy"),
    [
        ((), USE, "203.0.113.1", USE),
        ((), REJECT, "203.0.113.1", REJECT),
        (AWAY, IGNORE, "10.255.0.1", USE),
        (AWAY, IGNORE, "11.0.0.1", IGNORE),
        (AWAY, SKIP, "2001:db8:1::9", USE),
        (AWAY, SKIP, "2001:db9::", SKIP),
        (AWAY, SKIP, "::ffff:10.0.0.1", USE),
    ],
)
async def test_policies(allowed: tuple[()], otherwise: str, host: str, policy: str) -> None:
    assert Gate(allowed, otherwise).policy(host) == policy


# Datagrams


@dataclass(slots=True)
class Wall:
    """`Unwrapping` in front of a desk for each family."""

    gate: Gate
    clock: Clock = field(default_factory=Clock)
    desks: dict[int, Desk] = field(default_factory=lambda: {1: Desk(), 2: Desk()})
    unwrapping: Unwrapping = field(init=False)

    def __post_init__(self) -> None:
        self.unwrapping = Unwrapping(self.gate, self.desks.__getitem__, self.clock)

    def ask(self, packet: bytes, peer: tuple[str, int] = PEER) -> tuple[str, int] | None:
        """Who the desk thinks has asked; `None` if it was not asked."""
        ends = Ends(peer)
        assert self.unwrapping.hit(packet) is None
        reply = self.unwrapping.miss(packet, ends)
        for family, desk in self.desks.items():
            if desk.exchanges:
                exchange = desk.exchanges.pop()
                assert exchange.family == family
                assert exchange.proto == "udp"
                assert exchange.local == ends.local
                assert reply == answer(b"01keep")
                exchange.reply(b"late")
                assert ends.replies == [b"late"]
                return exchange.client
        assert reply is None
        return None


KEEP = b"01keep"


async def test_a_datagram_is_the_client_s() -> None:
    wall = Wall(Gate())
    assert wall.ask(v2(0x12, V4) + KEEP) == ONE
    assert wall.ask(v2(0x22, V6) + KEEP) == SIX
    assert wall.ask(KEEP) == PEER
    assert wall.ask(v2(0x00, b"", 0x20) + KEEP) == PEER
    assert wall.ask(v2(0x12, V4)) is None  # a header alone, which nobody wants to remember
    assert wall.ask(KEEP) == PEER


async def test_a_reply_that_is_known_comes_without_a_question() -> None:
    wall = Wall(Gate())
    assert wall.unwrapping.miss(v2(0x12, V4) + b"01hit", Ends(PEER)) == b"01hit="
    assert wall.unwrapping.miss(b"01hit", Ends(PEER)) == b"01hit="


@pytest.mark.parametrize(("policy", "bare", "wrapped"), [(USE, PEER, ONE), (IGNORE, PEER, PEER), (REJECT, PEER, None)])
async def test_datagrams_by_policy(
    policy: str, bare: tuple[str, int], wrapped: tuple[str, int] | None, caplog: pytest.LogCaptureFixture
) -> None:
    wall = Wall(Gate((), policy))
    assert wall.ask(KEEP) == bare
    assert wall.ask(v2(0x12, V4) + KEEP) == wrapped
    start = "dropping invalid Proxy Protocol packet from 10.1.2.3:5000:"
    assert caplog.messages == [f"{start} connection rejected by Proxy Protocol connection policy"] * (wrapped is None)


async def test_a_header_that_is_not_looked_for_is_part_of_the_message() -> None:
    wall = Wall(Gate((), SKIP))
    packet = v2(0x12, V4) + KEEP
    assert wall.unwrapping.miss(packet, Ends(PEER)) == answer(packet)


async def test_broken_datagrams_are_dropped_and_not_all_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    wall = Wall(Gate())
    for _ in range(5):
        assert wall.ask(v2(0x11, V4) + KEEP, ("2001:db8::9", 53)) is None
    wall.clock.advance(1.5)
    assert wall.ask(b"PROXY UNKNOWN\r\n" + KEEP) is None
    start, more = "dropping invalid Proxy Protocol packet from", " (and 4 more since the last warning)"
    assert caplog.messages == [
        f"{start} [2001:db8::9]:53: PROXY Protocol header is not UDP type (transport protocol: 0x11)",
        f"{start} 10.1.2.3:5000: unsupported Proxy Protocol version 1 (only v2 supported for UDP){more}",
    ]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


async def test_a_header_sent_ahead_is_for_those_that_follow() -> None:
    wall = Wall(Gate(ttl=28))
    assert wall.ask(KEEP) == PEER
    assert wall.ask(v2(0x12, V4)) is None
    for _ in range(3):
        wall.clock.advance(27)
        assert wall.ask(KEEP) == ONE
    assert wall.ask(KEEP, ("10.1.2.3", 5001)) == ("10.1.2.3", 5001)
    assert wall.ask(v2(0x22, V6) + KEEP) == SIX
    assert wall.ask(KEEP) == SIX
    wall.clock.advance(28)
    assert wall.ask(KEEP) == PEER


async def test_as_many_sources_are_remembered_as_were_allowed() -> None:
    wall = Wall(Gate(ttl=28, sessions=2))
    peers = [("10.0.0.1", port) for port in (1, 2, 3)]
    wall.ask(v2(0x12, V4), peers[0])
    wall.ask(v2(0x12, V4), peers[1])
    assert wall.ask(KEEP, peers[0]) == ONE  # so the second has been silent for longest
    wall.ask(v2(0x12, V4), peers[2])
    assert [wall.ask(KEEP, peer) == ONE for peer in peers] == [True, False, True]
    assert len(wall.unwrapping._sources) == 2


async def test_datagrams_on_a_socket() -> None:
    (sock,) = sockets.listen("udp", "127.0.0.1", 0)
    port = sock.getsockname()[1]
    desks = {1: Desk(), 2: Desk()}
    listener = UdpListener(sock, Unwrapping(Gate(), desks.__getitem__, Clock()))
    listener.start()
    client = UdpClient("127.0.0.1", port)
    assert await client.ask(v2(0x12, V4) + b"01hit") == b"01hit="
    client.send(v2(0x22, V6) + b"02late")
    await until(lambda: desks[2].late)
    assert desks[2].late[0][1].client == SIX
    desks[2].reply()
    assert await client.receive() == b"02late="
    listener.close()
    client.sock.close()


# Connections


class Door:
    """A listener that proxies connect to."""

    def __init__(self) -> None:
        self.desks = {1: Desk(), 2: Desk()}
        self.closed: list[Callable[[], object]] = []
        self.listener: StreamListener
        self.port = 0

    def open(self, gate: Gate, *, tls: bool = False, https: bool = False, first_read: float = 3.0) -> None:
        (sock,) = sockets.listen("tcp", "127.0.0.1", 0)
        self.port = sock.getsockname()[1]
        self.listener = StreamListener(
            sock,
            ByFamily(self.desks.__getitem__),
            StreamLimits(first_read=first_read),
            tls=CONTEXT if tls else None,
            gate=gate,
            session=Https(lambda status: None) if https else Session,
        )
        self.listener.start()

    async def client(self, before: bytes = b"") -> TcpClient:
        client = TcpClient(*await asyncio.open_connection("127.0.0.1", self.port))
        client.writer.write(before)
        self.closed.append(client.writer.close)
        return client

    async def seen(self) -> tuple[str, int]:
        """Who the next kept query was from."""
        await until(lambda: any(desk.exchanges for desk in self.desks.values()))
        ((family, exchange),) = [
            (family, desk.exchanges.pop()) for family, desk in self.desks.items() if desk.exchanges
        ]
        assert exchange.family == family
        return exchange.client


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    door = Door()
    yield door
    for close in door.closed:
        close()
    door.listener.close()
    await until(lambda: not door.listener.sessions)
    assert not door.listener._by_client


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (LINE, ONE),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 53\r\n", SIX),
        (v2(0x11, V4 + b"\4\0\1x"), ONE),
        (v2(0x21, V6), SIX),
    ],
)
async def test_a_connection_is_the_client_s(door: Door, header: bytes, source: tuple[str, int]) -> None:
    door.open(Gate())
    client = await door.client(header)
    assert await client.ask(KEEP) == b"01keep="
    assert await door.seen() == source
    (session,) = door.listener.sessions
    assert isinstance(session, Session)
    assert session.local == ("198.51.100.1" if source == ONE else "2001:db8::1")
    assert dict(door.listener._by_client) == {source[0]: 1}
    client.send(b"02hit", b"03late")
    assert await client.receive() == b"02hit="
    await until(lambda: any(desk.late for desk in door.desks.values()))
    next(desk for desk in door.desks.values() if desk.late).reply()
    assert await client.receive() == b"03late="


@pytest.mark.parametrize("header", [b"", b"PROXY UNKNOWN what ever\r\n", v2(0x00, b"", 0x20), v2(0x31, bytes(216))])
async def test_a_proxy_s_own_connection(door: Door, header: bytes) -> None:
    door.open(Gate())
    client = await door.client(header)
    assert await client.ask(KEEP) == b"01keep="
    assert await door.seen() == client.writer.get_extra_info("sockname")


async def test_a_header_may_come_in_crumbs(door: Door) -> None:
    door.open(Gate())
    client = await door.client()
    for octets in (LINE[:3], LINE[3:20], LINE[20:]):
        client.writer.write(octets)
        await asyncio.sleep(0.02)
    assert await client.ask(KEEP) == b"01keep="
    assert await door.seen() == ONE


@pytest.mark.parametrize(
    "octets",
    [
        b"PROXY TCP4 1.1.1.1\r\n",
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \n",
        v2(0x11, V4[:-1]),
        v2(0x55, V4),
        b"PROXY ".ljust(200, b"x"),
    ],
)
async def test_a_broken_header_ends_the_connection(door: Door, octets: bytes) -> None:
    door.open(Gate())
    client = await door.client(octets)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await client.ask(KEEP)
    await until(lambda: not door.listener.sessions)
    assert not any(desk.packets for desk in door.desks.values())


@pytest.mark.parametrize("octets", [b"", LINE[:-1], v2(0x11, V4)[:20]])
async def test_a_header_that_does_not_come_is_waited_for_as_long_as_a_message(door: Door, octets: bytes) -> None:
    door.open(Gate(), first_read=0.2)
    client = await door.client(octets)
    with suppress(ConnectionError):
        assert await client.ended()
    await until(lambda: not door.listener.sessions)


async def test_a_client_that_leaves_before_its_header(door: Door) -> None:
    door.open(Gate())
    client = await door.client()
    await until(lambda: door.listener.sessions)
    await client.close()
    await until(lambda: not door.listener.sessions)


async def test_connections_by_policy(door: Door) -> None:
    door.open(Gate(AWAY, IGNORE))
    client = await door.client(LINE)
    own = client.writer.get_extra_info("sockname")
    assert await client.ask(KEEP) == b"01keep="
    assert await door.seen() == own
    door.listener.gate = Gate(AWAY, REJECT)
    refused = await door.client(LINE)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await refused.ask(KEEP)
    bare = await door.client()
    assert await bare.ask(KEEP) == b"01keep="
    await door.seen()
    door.listener.gate = Gate(AWAY, SKIP)
    skipped = await door.client(LINE)  # "PR" is a length, and the rest a message that is not complete
    await until(lambda: len(door.listener.sessions) == 3)
    assert not any(desk.exchanges for desk in door.desks.values())
    await skipped.close()
    door.listener.gate = None
    assert await (await door.client()).ask(b"09hit") == b"09hit="


async def test_headers_come_before_tls(door: Door) -> None:
    door.open(Gate(HOME, REJECT), tls=True)
    client = await door.client(LINE)
    await client.writer.start_tls(client_context(), server_hostname="localhost")
    assert await client.ask(KEEP) == b"01keep="
    assert await door.seen() == ONE


async def test_headers_come_before_http(door: Door) -> None:
    door.open(Gate(), https=True)
    query = b"\0\1\1\0\0\1\0\0\0\0\0\0\4keep\0\0\1\0\1"
    web = await Web1.connect(door.port, before=LINE)
    door.closed.append(web.writer.close)
    kept: list[Exchange] = []

    def miss(packet: bytes, exchange: Exchange) -> bytes:
        kept.append(exchange)
        return packet

    door.desks[1].miss = miss  # type: ignore[method-assign]
    assert (await web.fetch("POST", "/dns-query", query)).status == 200
    assert kept[0].client == ONE
    assert kept[0].local == TWO[0]
