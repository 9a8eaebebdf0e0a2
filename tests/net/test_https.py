"""DNS over HTTPS on real sockets, both versions of HTTP on both event loops. Time passes by hand."""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from h2.events import DataReceived
from hyperframe.frame import HeadersFrame

from kdns.net import bounds, sockets
from kdns.net.bounds import StreamLimits
from kdns.net.doh import ALPN
from kdns.net.exchange import Exchange
from kdns.net.https import Https, HttpsSession
from kdns.net.stream import StreamListener
from kdns.net.tls import server_context
from tests.kit.until import until
from tests.kit.upstream import Clock
from tests.kit.web import TLS, Fetched, Web1, Web2
from tests.net.doh_rows import BODIES, DROPPED, QUERY, ROWS, Row, encoded

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

CONTEXT, OTHER = [
    server_context(str(TLS / f"{name}.crt"), str(TLS / f"{name}.key"), alpn=ALPN) for name in ("server", "client")
]
GET = f"/dns-query?dns={encoded(QUERY)}"
LATE = QUERY.replace(b"\3web", b"\4late")
BIG = QUERY.replace(b"\3web", b"\3big")
REPLY = QUERY[:2] + b"\x85\0" + QUERY[4:6] + b"\0\1" + QUERY[8:] + b"\xc0\x0c\0\1\0\1\0\0\0\x4d\0\4\xc0\0\2\1"


class Answers:
    """A responder: late names when told to, dropped ones never, big ones with 60 000 octets behind, others at once."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.exchanges: list[Exchange] = []
        self.late: list[Exchange] = []

    def hit(self, packet: bytes) -> bytes | None:
        return None

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        self.packets.append(packet)
        if b"\4late" in packet:
            self.late.append(exchange)
            return None
        if b"\4drop" in packet:
            return None
        if b"\4keep" in packet:
            self.exchanges.append(exchange)
        return REPLY + bytes(60000 if b"\3big" in packet else 0)


class Place:
    """A listener, and clients that come in."""

    def __init__(self, clock: Clock) -> None:
        self.answers = Answers()
        self.statuses: Counter[int] = Counter()
        self.clock = clock
        self.clients: list[Web1] = []
        self.listener: StreamListener
        self.port = 0

    def open(self, *, tls: bool = True, **limits: Any) -> StreamListener:
        (sock,) = sockets.listen("tcp", "127.0.0.1", 0)
        self.port = sock.getsockname()[1]
        context = CONTEXT if tls else None
        https = Https(lambda status: self.statuses.update([status]))
        self.listener = StreamListener(
            sock, self.answers, StreamLimits(**limits), tls=context, session=https, ticker=self.clock.ticker
        )
        self.listener.start()
        return self.listener

    async def web(self, version: int, **options: Any) -> Web1:
        kind = Web2 if version == 2 else Web1
        client = await kind.connect(self.port, tls=self.listener.tls is not None, **options)
        self.clients.append(client)
        return client

    async def web2(self) -> Web2:
        client = await self.web(2)
        assert isinstance(client, Web2)
        while not client.events:
            await client.read()
        return client

    @property
    def session(self) -> HttpsSession:
        (session,) = self.listener.sessions
        assert isinstance(session, HttpsSession)
        return session

    async def sessions(self, number: int) -> None:
        await until(lambda: len(self.listener.sessions) == number)


@pytest.fixture
async def place(clock: Clock) -> AsyncIterator[Place]:
    place = Place(clock)
    yield place
    for client in place.clients:
        await client.close()
    place.listener.close()
    await place.sessions(0)
    assert place.listener.held == 0


versions = pytest.mark.parametrize("version", [1, 2], ids=["http1", "http2"])


# What is asked, and what comes back


@versions
async def test_recorded_requests(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    for row in ROWS:
        found = await _fetched(place, client, version, row)
        assert found.status == row.status, row.name
        body = BODIES.get(row.status, REPLY)
        assert found.body == (b"" if row.method == "HEAD" else body), row.name
        headers = {name: value for name, value in found.headers.items() if name not in ("date", "connection")}
        assert headers == _headers(row.status, len(body)), row.name
        assert found.headers["date"].endswith(" GMT")
    assert place.statuses == Counter(row.status for row in ROWS)


async def _fetched(place: Place, client: Web1, version: int, row: Row) -> Fetched:
    if len(row.body) <= 65536:
        return await client.fetch(row.method, row.target, row.body)
    other = await place.web(version)  # the connection may end before all of the body is read
    return await other.fetch(row.method, row.target, row.body)


def _headers(status: int, size: int) -> dict[str, str]:
    if status == 200:
        named = {"cache-control": "max-age=77", "content-type": "application/dns-message"}
    else:
        named = {"content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff"}
    return {**named, "content-length": str(size)}


@pytest.mark.parametrize("tls", [True, False])
async def test_http1_with_and_without_tls(place: Place, tls: bool) -> None:
    place.open(tls=tls)
    client = await place.web(1)
    for _ in range(3):
        assert (await client.fetch("GET", GET)).body == REPLY
    assert place.statuses == {200: 3}


@versions
async def test_the_client_is_known(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    await client.fetch("POST", "/dns-query", QUERY.replace(b"\3web", b"\4keep"))
    (exchange,) = place.answers.exchanges
    assert exchange.client == client.writer.get_extra_info("sockname")
    assert (exchange.local, exchange.family, exchange.proto) == ("127.0.0.1", 1, "tcp")


@versions
async def test_replies_may_come_later(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    fetching = asyncio.create_task(client.fetch("POST", "/dns-query", LATE))
    await until(lambda: place.answers.late)
    assert place.session.waiting == 1
    place.answers.late.pop().reply(REPLY)
    assert (await fetching).body == REPLY
    assert place.session.waiting == 0


@versions
async def test_a_reply_that_never_comes_is_told(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    fetching = asyncio.create_task(client.fetch("POST", "/dns-query", LATE))
    await until(lambda: place.answers.late)
    place.answers.late.clear()
    assert (await fetching).status == 500
    assert (await client.fetch("GET", f"/dns-query?dns={encoded(DROPPED)}")).status == 500


@versions
async def test_long_replies_arrive_whole(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    for _ in range(3):
        found = await client.fetch("POST", "/dns-query", BIG)
        assert found.body == REPLY + bytes(60000)


@versions
async def test_a_client_that_has_left_costs_nothing(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    fetching = asyncio.create_task(client.fetch("POST", "/dns-query", LATE))
    await until(lambda: place.answers.late)
    fetching.cancel()
    await client.close()
    await place.sessions(0)
    place.answers.late.pop().reply(REPLY)


# Times


@versions
async def test_a_connection_without_a_request_is_closed(place: Place, version: int) -> None:
    place.open(first_read=3, idle=10)
    client = await place.web(version)
    await until(lambda: place.listener.sessions and place.session.is_idle)
    place.clock.advance(12)
    assert await client.ended()


@versions
async def test_a_connection_stays_while_requests_follow_each_other(place: Place, version: int) -> None:
    place.open(first_read=3, idle=10)
    client = await place.web(version)
    for _ in range(4):
        await client.fetch("GET", GET)
        place.clock.advance(9)
    place.clock.advance(4)
    assert await client.ended()


@versions
async def test_nobody_is_late_while_a_reply_is_owed(place: Place, version: int) -> None:
    place.open(first_read=3, idle=10)
    client = await place.web(version)
    fetching = asyncio.create_task(client.fetch("POST", "/dns-query", LATE))
    await until(lambda: place.answers.late)
    for _ in range(5):
        place.clock.advance(9)
    place.answers.late.pop().reply(REPLY)
    assert (await fetching).status == 200


async def test_a_request_in_crumbs_ends_the_connection(place: Place) -> None:
    place.open(tls=False, first_read=3)
    client = await place.web(1)
    client.writer.write(b"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nxx")
    await until(lambda: place.listener.sessions and place.session._speaker.is_busy)
    place.clock.advance(4)
    assert await client.ended()


async def test_an_unfinished_stream_is_reset_and_others_go_on(place: Place) -> None:
    place.open(first_read=3)
    client = await place.web2()
    slow = client.begin("POST", "/dns-query", end=False)
    await until(lambda: place.session._speaker.is_busy)
    assert (await client.fetch("GET", GET)).status == 200
    place.clock.advance(4)
    assert not isinstance(await client.response(slow), Fetched)
    assert (await client.fetch("GET", GET)).status == 200


async def test_a_client_that_takes_no_response_is_closed(place: Place) -> None:
    place.open(write=5)
    client = await place.web2()
    client.h2.update_settings({4: 0})  # INITIAL_WINDOW_SIZE
    client.flush()
    client.post("/dns-query", BIG)
    await until(lambda: place.statuses[200])
    await until(lambda: place.session._full)
    place.clock.advance(4)
    assert place.listener.sessions
    place.clock.advance(3)
    await client.ended()
    await place.sessions(0)


async def test_a_client_that_takes_a_response_in_crumbs_may(place: Place) -> None:
    place.open(write=5)
    client = await place.web2()
    client.h2.update_settings({4: 10_000})
    client.flush()
    stream = client.post("/dns-query", BIG)
    await until(lambda: place.session._full)
    taken = 0
    while taken < 50_000:
        place.clock.advance(3)
        octets = await client.reader.read(65536)
        size = sum([len(event.data) for event in client.h2.receive_data(octets) if isinstance(event, DataReceived)])
        taken += size
        if size:
            client.h2.increment_flow_control_window(size, stream)
            client.h2.increment_flow_control_window(size)
            client.flush()
            await asyncio.sleep(0.01)
    assert place.listener.sessions


# Bounds


async def test_the_window_shut_is_opened_again(place: Place) -> None:
    place.open()
    client = await place.web2()
    client.h2.update_settings({4: 1000})
    client.flush()
    stream = client.post("/dns-query", BIG)
    found = await client.response(stream)
    assert isinstance(found, Fetched)
    assert found.body == REPLY + bytes(60000)


async def test_many_streams_at_once(place: Place) -> None:
    place.open()
    client = await place.web2()
    streams = [client.post("/dns-query", LATE) for _ in range(60)]
    await until(lambda: len(place.answers.late) == 60)
    for exchange in reversed(place.answers.late):
        exchange.reply(REPLY)
    place.answers.late.clear()
    for stream in streams:
        found = await client.response(stream)
        assert isinstance(found, Fetched)
        assert found.status == 200
    assert place.statuses == {200: 60}


async def test_no_more_streams_than_were_allowed(place: Place) -> None:
    place.open(in_flight=4)
    client = await place.web2()
    assert client.h2.remote_settings.max_concurrent_streams == 4
    headers = [(":method", "POST"), (":scheme", "https"), (":authority", "x"), (":path", "/dns-query")]
    for stream in range(1, 11, 2):  # a client that does not care
        frame = HeadersFrame(stream, client.h2.encoder.encode(headers), flags=["END_HEADERS"])
        client.writer.write(frame.serialize())
    await client.ended()
    await place.sessions(0)


async def test_reset_streams_count_until_they_are_answered(place: Place) -> None:
    """Rapid reset, CVE-2023-44487: what was reset is still worked on, so it must not make room."""
    place.open(in_flight=8)
    client = await place.web2()
    for _ in range(200):
        stream = client.post("/dns-query", LATE)
        client.h2.reset_stream(stream)
    client.flush()
    await until(lambda: len(place.answers.late) >= 8)
    for _ in range(50):
        await asyncio.sleep(0)
    asked = len(place.answers.late)
    assert asked < 60  # what one turn of reading held
    while place.answers.late:
        place.answers.late.pop().reply(REPLY)
        await asyncio.sleep(0)
    await until(lambda: len(place.answers.packets) > asked or not place.listener.sessions)


@pytest.mark.parametrize("flood", ["ping", "settings", "reset", "empty", "window"])
async def test_a_flood_of_frames_that_ask_for_nothing_ends_the_connection(place: Place, flood: str) -> None:
    place.open()
    client = await place.web2()
    stream = client.begin("POST", "/dns-query", end=False)
    for number in range(2000):
        match flood:
            case "ping":
                client.h2.ping(number.to_bytes(8, "big"))
            case "settings":
                client.h2.update_settings({3: 100 + number})
            case "reset":
                client.h2.reset_stream(client.begin("POST", "/dns-query", end=False))
            case "empty":
                client.h2.send_data(stream, b"")
            case _:
                client.h2.increment_flow_control_window(1)
        if number % 100 == 0:
            client.flush()
            await asyncio.sleep(0)
    client.flush()
    await client.ended()
    await place.sessions(0)


async def test_a_busy_client_may_ping(place: Place) -> None:
    place.open()
    client = await place.web2()
    for number in range(600):
        client.h2.ping(number.to_bytes(8, "big"))
        assert (await client.fetch("GET", GET)).status == 200


@pytest.mark.parametrize("size", [9000, 60000])
async def test_headers_of_some_size_are_read(place: Place, size: int) -> None:
    place.open()
    client = await place.web2()
    assert (await client.fetch("GET", f"{GET}&x={'x' * size}")).status == 200


@versions
async def test_headers_without_end_are_not_read(place: Place, version: int) -> None:
    place.open()
    client = await place.web(version)
    if isinstance(client, Web2):
        await client.read()
        client.begin("GET", f"{GET}&x={'~' * 150_000}")
        assert await client.ended()
    else:
        client.send("GET", f"{GET}&x={'~' * 150_000}")
        assert (await client.receive()).status == 431
    assert place.answers.packets == []


async def test_bodies_of_one_connection_are_bounded_together(place: Place) -> None:
    place.open()
    client = await place.web2()
    for _ in range(8):
        stream = client.begin("POST", "/dns-query", end=False)
        while room := min(client.h2.local_flow_control_window(stream), 16384, 60000):
            client.h2.send_data(stream, bytes(room))
            client.flush()
            if client.h2.local_flow_control_window(stream) < 70000:
                break
    assert client.h2.outbound_flow_control_window == 0
    await until(lambda: place.listener.held > 0)
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert place.listener.held <= 1 << 17


async def test_too_much_in_all_connections_ends_the_greedy_one(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.net.https.MEMORY", 50_000)
    place.open(connections=10)
    modest, greedy = await place.web2(), await place.web2()
    stream = greedy.begin("POST", "/dns-query", end=False)
    for _ in range(4):
        greedy.h2.send_data(stream, bytes(16000))
    greedy.flush()
    await greedy.ended()
    assert (await modest.fetch("GET", GET)).status == 200
    assert bounds.MEMORY > 50_000


async def test_pipelined_requests_are_answered_in_order(place: Place) -> None:
    place.open(tls=False)
    client = await place.web(1)
    for _ in range(500):
        client.send("GET", GET)
    client.send("GET", "/")
    for _ in range(500):
        assert (await client.receive()).status == 200
    assert (await client.receive()).status == 404


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET /dns-query HTTP/1.1\r\n\r\n", 400),
        (b"GET /dns-query HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 1000 + b"\r\n", 400),
        (b"POST /dns-query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ],
)
async def test_what_is_no_http_gets_a_short_answer(place: Place, octets: bytes, status: int) -> None:
    place.open(tls=False)
    client = await place.web(1)
    client.writer.write(octets)
    assert (await client.receive()).status == status
    assert place.answers.packets == []
    assert (await (await place.web(1)).fetch("GET", GET)).status == 200


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff" * 40]
)
async def test_what_is_no_http2_ends_the_connection(place: Place, octets: bytes) -> None:
    place.open()
    context = ssl.create_default_context(cafile=str(TLS / "ca.crt"))
    context.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection("127.0.0.1", place.port, ssl=context, server_hostname="localhost")
    writer.write(octets)
    async with asyncio.timeout(10):
        await reader.read()
    writer.close()
    await place.sessions(0)


async def test_chunks_expectations_and_upgrades(place: Place) -> None:
    place.open(tls=False)
    client = await place.web(1)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(QUERY), QUERY)
    client.send("POST", "/dns-query", headers={"Transfer-Encoding": "chunked"})
    client.writer.write(chunked)
    assert (await client.receive()).status == 200
    client.send("POST", "/dns-query", headers={"Expect": "100-continue", "Content-Length": str(len(QUERY))})
    assert (await client.receive()).status == 100
    client.writer.write(QUERY)
    assert (await client.receive()).status == 200
    for upgrade in ("h2c", "websocket"):
        other = await place.web(1)
        other.send("GET", GET, headers={"Upgrade": upgrade, "Connection": "Upgrade"})
        assert (await other.receive()).status == 200


# Ends


@versions
async def test_idle_connections_make_room(place: Place, version: int) -> None:
    place.open(connections=2)
    first, second = await place.web(version), await place.web(version)
    for client in (first, second):
        await client.fetch("GET", GET)
    place.clock.advance(2)
    third = await place.web(version)
    assert (await third.fetch("GET", GET)).status == 200
    assert len(place.listener.sessions) == 2


@versions
async def test_a_drain_answers_what_was_asked(place: Place, version: int) -> None:
    listener = place.open()
    client, idle = await place.web(version), await place.web(version)
    fetching = asyncio.create_task(client.fetch("POST", "/dns-query", LATE))
    await until(lambda: place.answers.late)
    draining = asyncio.create_task(listener.drain(10))
    assert await idle.ended()
    assert not draining.done()
    place.answers.late.pop().reply(REPLY)
    assert (await fetching).status == 200
    assert await client.ended()
    await client.close()
    await draining


async def test_a_reset_while_a_reply_is_on_its_way(place: Place) -> None:
    place.open()
    client = await place.web2()
    stream = client.post("/dns-query", LATE)
    await until(lambda: place.answers.late)
    client.h2.reset_stream(stream)
    client.flush()
    assert (await client.fetch("GET", GET)).status == 200
    place.answers.late.pop().reply(REPLY)
    assert (await client.fetch("GET", GET)).status == 200
    assert place.session.waiting == 0


async def test_another_certificate_for_those_who_come_later(place: Place) -> None:
    listener = place.open()
    early = await place.web(2)
    assert (await early.fetch("GET", GET)).status == 200
    listener.tls = OTHER
    late = await place.web(2)
    names = [web.writer.get_extra_info("peercert")["subject"] for web in (early, late)]
    assert [dict(name[0])["commonName"] for name in names] == ["kit server", "kit client"]
    assert (await early.fetch("GET", GET)).status == 200


async def test_a_client_that_says_nothing_after_tcp(place: Place) -> None:
    place.open(first_read=0.05)
    with socket.create_connection(("127.0.0.1", place.port)):
        await place.sessions(1)
        await place.sessions(0)
