"""Replies of several messages over real connections: paced by the client, and ended with it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from kdns.net.exchange import Exchange, Passage
from kdns.net.session import Session
from kdns.net.stream import StreamListener
from kdns.server.passing import Passing
from tests.kit.desk import TcpClient
from tests.kit.until import until

SIZE = 60000


class Series:
    """A responder whose every reply is `count` messages."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.fails_at = -1
        self.made = 0
        self.ended = 0
        self.passings: list[Passing] = []

    def hit(self, packet: bytes) -> bytes | None:
        return packet if packet == b"one" else None

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        assert isinstance(exchange, Passage)
        passing = Passing(exchange, self._messages(), self._done)
        self.passings.append(passing)
        passing.go_on()
        return None

    def _messages(self) -> Iterator[bytes]:
        for number in range(self.count):
            self.made += 1
            if number == self.fails_at:
                raise ValueError("a zone that cannot be read")
            yield number.to_bytes(2, "big") * (SIZE // 2)

    def _done(self, passing: Passing) -> None:
        self.ended += 1


@asynccontextmanager
async def served(series: Series) -> AsyncIterator[tuple[TcpClient, StreamListener]]:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    listener = StreamListener(sock, series)
    listener.start()
    reader, writer = await asyncio.open_connection(*sock.getsockname())
    client = TcpClient(reader, writer)
    try:
        yield client, listener
    finally:
        await client.close()
        listener.close()


async def test_all_messages_arrive_in_order_and_the_connection_goes_on() -> None:
    series = Series(50)
    async with served(series) as (client, _):
        client.send(b"many")
        for number in range(50):
            assert (await client.receive())[:2] == number.to_bytes(2, "big")
        assert await client.ask(b"one") == b"one"
    assert series.ended == 1


async def test_a_client_that_takes_nothing_has_nothing_made_for_it() -> None:
    series = Series(10_000)
    async with served(series) as (client, _):
        client.send(b"many")
        await until(lambda: series.made > 1)
        await asyncio.sleep(0.2)
        made = series.made
        await asyncio.sleep(0.2)
        assert series.made == made < 1000
        client.writer.transport.abort()
        await until(lambda: series.ended == 1)
    assert series.made <= made + 1


async def test_one_that_was_abandoned_ends_where_it_stands() -> None:
    series = Series(10_000)
    async with served(series) as (client, listener):
        client.send(b"many")
        await until(lambda: series.made > 1)
        series.passings[0].abandon()
        series.passings[0].abandon()
        await client.receive()
        assert series.ended == 1
        (session,) = listener.sessions
        assert isinstance(session, Session)
        await until(lambda: not session.waiting)


async def test_a_zone_that_cannot_be_read_to_its_end_ends_the_reply() -> None:
    series = Series(10)
    series.fails_at = 3
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: failures.append(context["exception"]))
    async with served(series) as (client, _):
        client.send(b"many")
        for _ in range(3):
            await client.receive()
        await until(lambda: series.ended == 1)
        assert await client.ask(b"one") == b"one"
    assert [type(failure) for failure in failures] == [ValueError]
