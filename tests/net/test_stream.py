"""Connections on both event loops. Time passes by hand: the clock of the kit moves the listener's timer."""

import asyncio
import errno
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kdns.net import session, sockets
from kdns.net.bounds import ACCEPTS, HIGH_WATER, LINGER, LONGEST, OUTPUT, QUERIES, StreamLimits
from kdns.net.stream import StreamListener
from tests.kit.desk import Desk, TcpClient, answer, framed, needs_ipv6
from tests.kit.until import until
from tests.kit.upstream import Clock

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

TLS = Path(__file__).parent.parent / "kit" / "tls"


class Door:
    """One listener, and clients that come in."""

    def __init__(self, clock: Clock) -> None:
        self.desk = Desk()
        self.clock = clock
        self.clients: list[TcpClient] = []
        self.listener: StreamListener
        self.port = 0

    def open(self, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, **limits: Any) -> StreamListener:
        (sock,) = sockets.listen("tcp", host, 0)
        self.port = sock.getsockname()[1]
        self.listener = StreamListener(sock, self.desk, StreamLimits(**limits), tls=tls, ticker=self.clock.ticker)
        self.listener.start()
        return self.listener

    async def client(self, address: str = "127.0.0.1", **options: Any) -> TcpClient:
        client = TcpClient(*await asyncio.open_connection(address, self.port, **options))
        self.clients.append(client)
        return client

    @property
    def served(self) -> list[session.Session]:
        """The sessions of the clients that are connected."""
        return [served for served in self.listener.sessions if isinstance(served, session.Session)]

    async def sessions(self, number: int) -> None:
        await until(lambda: len(self.listener.sessions) == number)


@pytest.fixture
async def door(clock: Clock) -> AsyncIterator[Door]:
    door = Door(clock)
    yield door
    for client in door.clients:
        await client.close()
    door.listener.close()
    await door.sessions(0)
    assert door.listener.held == 0
    assert not door.listener._by_client


async def nothing_more(client: TcpClient) -> bool:
    """Whether a client has got nothing that it did not read, after the loop had time to send it."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not client.reader._buffer  # type: ignore[attr-defined]


def reset(client: TcpClient) -> None:
    """End a connection as a client does that has crashed."""
    sock = client.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()


# Messages


async def test_queries_in_one_segment_are_answered_in_one(door: Door) -> None:
    listener = door.open()
    client = await door.client()
    packets = [b"%02dhit" % number for number in range(20)]
    client.send(*packets)
    await client.writer.drain()
    replies = framed(*[answer(packet) for packet in packets])
    assert await asyncio.wait_for(client.reader.read(len(replies)), 10) == replies
    assert listener.received == 20


async def test_any_number_of_queries_on_one_connection(door: Door) -> None:
    door.open()
    client = await door.client()
    packets = [b"%02d" % (number % 100) + (b"hit" if number % 3 else b"now") for number in range(3000)]
    client.send(*packets)
    for packet in packets:
        assert await client.receive() == answer(packet)


async def test_replies_leave_in_the_order_in_which_they_become_ready(door: Door) -> None:
    door.open()
    client = await door.client()
    client.send(b"01late", b"02late", b"03hit", b"04now")
    assert [await client.receive() for _ in range(2)] == [b"03hit=", b"04now="]
    door.desk.reply(1)
    assert await client.receive() == b"02late="
    client.send(b"05hit")
    assert await client.receive() == b"05hit="
    door.desk.reply(0)
    assert await client.receive() == b"01late="


async def test_frames_may_come_octet_by_octet(door: Door) -> None:
    door.open()
    client = await door.client()
    for octet in framed(b"01hit", b"02now"):
        client.writer.write(bytes([octet]))
        await asyncio.sleep(0.001)
    assert [await client.receive() for _ in range(2)] == [b"01hit=", b"02now="]
    assert door.desk.packets == [b"01hit", b"02now"]


async def test_the_longest_message_goes_both_ways(door: Door) -> None:
    door.open()
    client = await door.client()
    query = b"01big 65535 ".ljust(LONGEST, b"q")
    client.send(query, b"02hit")
    assert len(await client.receive()) == LONGEST
    assert await client.receive() == b"02hit="
    assert door.desk.packets[0] == query


async def test_a_longer_reply_is_dropped_and_counted(door: Door) -> None:
    listener = door.open()
    client = await door.client()
    client.send(b"01big 65536 ", b"02late", b"03hit")
    assert await client.receive() == b"03hit="
    _, exchange = door.desk.late.pop()
    exchange.reply(bytes(LONGEST + 1))
    assert await client.ask(b"04hit") == b"04hit="
    assert listener.dropped == 2


async def test_empty_messages_get_no_reply_and_do_no_harm(door: Door) -> None:
    door.open()
    client = await door.client()
    client.send(b"", b"x", b"", b"01hit")
    assert await client.receive() == b"01hit="


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", pytest.param("::1", marks=needs_ipv6)])
async def test_an_exchange_tells_both_ends(door: Door, address: str) -> None:
    door.open(address)
    client = await door.client(address)
    await client.ask(b"01keep")
    exchange = door.desk.exchanges[0]
    assert exchange.client == client.writer.get_extra_info("sockname")[:2]
    assert exchange.local == address
    assert exchange.family == (2 if ":" in address else 1)
    assert exchange.proto == "tcp"


async def test_only_the_first_reply_counts(door: Door) -> None:
    door.open()
    client = await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    _, exchange = door.desk.late.pop()
    exchange.reply(b"first")
    exchange.reply(b"second")
    assert await client.receive() == b"first"
    assert await client.ask(b"02hit") == b"02hit="


async def test_a_reply_to_a_client_that_is_gone_is_ignored(door: Door) -> None:
    door.open()
    client = await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    reset(client)
    await door.sessions(0)
    door.desk.reply()


async def test_a_new_responder_takes_over_and_the_old_one_still_replies(door: Door) -> None:
    listener = door.open()
    client = await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    successor = Desk()
    listener.answer_with(successor)
    assert await client.ask(b"02hit") == b"02hit="
    assert successor.packets == [b"02hit"]
    door.desk.reply()
    assert await client.receive() == b"01late="


# Shares


async def test_one_turn_answers_a_bounded_number(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one client has sent hundreds of queries at once, others get their turns between."""
    turns: list[int] = []
    turn = session.Session._turn

    def counted(self: session.Session, data: bytes) -> None:
        before = len(door.desk.packets)
        turn(self, data)
        turns.append(len(door.desk.packets) - before)

    monkeypatch.setattr(session.Session, "_turn", counted)
    door.open()
    client = await door.client()
    client.send(*[b"01hit"] * 500)
    for _ in range(500):
        await client.receive()
    assert max(turns) == QUERIES
    assert sum(turns) == 500


async def test_one_turn_makes_a_bounded_amount_of_replies(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.open()
    client = await door.client()
    written: list[int] = []
    await client.ask(b"00hit")
    (served,) = door.served
    monkeypatch.setattr(served, "_transport", _Noted(served._transport, written))
    client.send(*[b"01big 5000 "] * 40)
    for _ in range(40):
        assert len(await client.receive()) == 5000
    assert max(written) <= OUTPUT + 5002


class _Noted:
    """A transport that notes how much is written at once."""

    def __init__(self, transport: asyncio.Transport, written: list[int]) -> None:
        self._transport = transport
        self._written = written

    def write(self, octets: bytes) -> None:
        self._written.append(len(octets))
        self._transport.write(octets)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


async def test_when_enough_queries_wait_no_more_are_read(door: Door) -> None:
    door.open(in_flight=2)
    client = await door.client()
    client.send(*[b"%02dlate" % number for number in range(5)], b"05hit")
    await until(lambda: len(door.desk.late) == 2)
    assert await nothing_more(client)
    assert len(door.desk.packets) == 2
    for number in range(3):
        door.desk.reply()
        assert await client.receive() == b"%02dlate=" % number
        await until(lambda: len(door.desk.late) == 2)
    door.desk.reply()
    door.desk.reply()
    assert sorted([await client.receive() for _ in range(3)]) == [b"03late=", b"04late=", b"05hit="]


async def test_when_enough_queries_wait_the_next_segment_is_left_unread(door: Door) -> None:
    door.open(in_flight=2)
    client = await door.client()
    client.send(b"01late", b"02late")
    await until(lambda: len(door.desk.late) == 2)
    client.send(b"03hit")
    assert await nothing_more(client)
    assert len(door.desk.packets) == 2
    door.desk.reply()
    assert sorted([await client.receive() for _ in range(2)]) == [b"01late=", b"03hit="]


async def test_a_query_that_is_dropped_does_not_count_as_waiting(door: Door) -> None:
    door.open(in_flight=1)
    client = await door.client()
    client.send(b"01drop", b"02drop", b"03late", b"04hit")
    await until(lambda: door.desk.late)
    door.desk.late.clear()
    assert await client.receive() == b"04hit="
    assert await client.ask(b"05hit") == b"05hit="


async def test_after_so_many_queries_the_connection_ends(door: Door) -> None:
    door.open(max_queries=3)
    client = await door.client()
    client.send(b"01hit", b"02late", b"03now", b"04hit")
    assert [await client.receive() for _ in range(2)] == [b"01hit=", b"03now="]
    door.desk.reply()
    assert await client.receive() == b"02late="
    assert await client.ended()
    assert len(door.desk.packets) == 3


async def test_the_last_query_that_is_allowed_ends_the_connection_by_itself(door: Door) -> None:
    door.open(max_queries=2)
    client = await door.client()
    client.send(b"01hit", b"02hit")
    assert [await client.receive() for _ in range(2)] == [b"01hit=", b"02hit="]
    assert await client.ended()


# Clients that do not read


def slow(port: int) -> socket.socket:
    """A client with hardly any room for replies, that does not read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


def pour(sock: socket.socket, octets: bytes) -> int:
    """Send as much as is taken."""
    sent = 0
    try:
        while sent < len(octets):
            sent += sock.send(octets[sent:])
    except BlockingIOError:
        pass
    return sent


async def flood(sock: socket.socket, door: Door) -> None:
    """Ask for long replies until the server reads no more and the kernel takes no more."""
    queries = framed(*[b"01big 60000 "] * 1000)
    await until(lambda: not pour(sock, queries) and all(served._full for served in door.served))


async def test_a_client_that_takes_no_replies_is_not_read_and_in_the_end_cut_off(door: Door) -> None:
    door.open(write=5)
    with slow(door.port) as sock:
        await flood(sock, door)
        (served,) = door.served
        assert served._full
        assert HIGH_WATER < served._transport.get_write_buffer_size() < 4 * LONGEST
        assert door.listener.held > 0
        door.clock.advance(4.9)
        assert door.listener.sessions
        door.clock.advance(0.2)
        await door.sessions(0)


async def test_a_client_that_reads_again_gets_everything(door: Door) -> None:
    door.open()
    client = await door.client(limit=1024)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    client.send(*[b"%02dbig 60000 " % (number % 100) for number in range(200)])
    await until(lambda: any(served._full for served in door.served))
    asked = len(door.desk.packets)
    assert asked < 200
    door.clock.advance(4)
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(200):
        assert len(await client.receive()) == 60000
    assert door.listener.held == 0


async def test_a_client_that_has_caught_up_has_all_the_time_again(door: Door) -> None:
    door.open(idle=10, write=5)
    client = await door.client(limit=1024)
    client.send(*[b"01late"] * 100)
    await until(lambda: len(door.desk.late) == 100)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    (served,) = door.served
    for _, exchange in door.desk.late:
        exchange.reply(bytes(60000))
    assert served._full
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(100):
        await client.receive()
    door.clock.advance(9)
    assert await client.ask(b"02hit") == b"02hit="


async def test_late_replies_to_a_client_that_does_not_read_are_bounded_too(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MEMORY", 1 << 20)
    door.open(in_flight=1000, connections=16)
    with slow(door.port) as sock:
        pour(sock, framed(*[b"01late"] * 1000))
        await until(lambda: len(door.desk.late) == 1000)
        for _ in range(1000):
            _, exchange = door.desk.late.pop()
            exchange.reply(bytes(60000))
        await door.sessions(0)
        assert door.listener.held == 0


async def test_parts_of_long_messages_are_bounded_for_all_clients_together(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MEMORY", 200_000)
    door.open(connections=16)
    modest = await door.client()
    modest.writer.write(framed(b"01hit")[:-1])
    greedy = [await door.client() for _ in range(4)]
    for client in greedy:
        client.writer.write(framed(bytes(65000))[:-1])
    await until(lambda: len(door.listener.sessions) < 5)
    assert door.listener.held <= 200_000
    modest.writer.write(b"t")
    assert await modest.receive() == b"01hit="


async def test_who_holds_no_more_than_a_share_is_not_cut_off_for_what_others_hold(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MEMORY", 16_000)
    listener = door.open(connections=16)
    modest, greedy = await door.client(), await door.client()
    await door.sessions(2)
    listener.held += 16_000
    for client, part in ((modest, 6), (greedy, 1500)):
        client.writer.write(framed(b"01hit".ljust(2000))[:part])
    await door.sessions(1)
    listener.held -= 16_000
    modest.writer.write(framed(b"01hit".ljust(2000))[6:])
    assert await modest.receive() == b"01hit".ljust(2000) + b"="


# Time


async def test_a_connection_that_says_nothing_is_closed(door: Door) -> None:
    door.open(first_read=3, idle=10)
    client = await door.client()
    await door.sessions(1)
    door.clock.advance(2.9)
    assert await nothing_more(client)
    assert not client.reader.at_eof()
    door.clock.advance(0.2)
    assert await client.ended()


@pytest.mark.parametrize("part", [b"\0", b"\0\5", b"\0\x0501hi"])
async def test_a_part_of_a_message_gains_no_time(door: Door, part: bytes) -> None:
    door.open(first_read=3, idle=10)
    client = await door.client()
    client.writer.write(part[:1])
    await until(lambda: door.listener.held == 1)
    door.clock.advance(2.9)
    client.writer.write(part[1:])
    await until(lambda: door.listener.held == len(part))
    door.clock.advance(0.2)
    assert await client.ended()


async def test_between_messages_it_may_be_idle_for_longer(door: Door) -> None:
    door.open(first_read=3, idle=10)
    client = await door.client()
    for _ in range(3):
        await client.ask(b"01hit")
        door.clock.advance(9.9)
    await client.ask(b"02hit")
    client.writer.write(b"\0")
    await until(lambda: door.listener.held == 1)
    door.clock.advance(10)
    assert await client.ended()


async def test_while_a_query_waits_the_client_is_not_late(door: Door) -> None:
    door.open(idle=10)
    client = await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    for _ in range(5):
        door.clock.advance(9)
    door.desk.reply()
    assert await client.receive() == b"01late="
    door.clock.advance(9.9)
    assert await client.ask(b"02hit") == b"02hit="
    door.clock.advance(10)
    assert await client.ended()


async def test_a_client_that_does_not_close_its_end_is_cut_off(door: Door) -> None:
    """Its queries after our farewell are not answered, and not even read as such."""
    door.open(idle=10)
    client = await door.client()
    await client.ask(b"01hit")
    door.clock.advance(10)
    assert await client.ended()
    client.send(b"02hit")
    await asyncio.sleep(0.01)
    assert len(door.listener.sessions) == 1
    door.clock.advance(LINGER)
    await door.sessions(0)
    assert door.desk.packets == [b"01hit"]


async def test_the_timer_runs_only_while_there_are_connections(door: Door) -> None:
    listener = door.open()
    ran = [listener.ticker.running]
    client = await door.client()
    await client.ask(b"01hit")
    ran.append(listener.ticker.running)
    await client.close()
    await door.sessions(0)
    door.clock.advance(1)
    ran.append(listener.ticker.running)
    assert ran == [False, True, False]


async def test_new_limits_hold_for_what_follows(door: Door) -> None:
    listener = door.open(idle=10)
    client = await door.client()
    await client.ask(b"01hit")
    listener.limits = replace(listener.limits, idle=60)
    await client.ask(b"02hit")
    door.clock.advance(59)
    assert await client.ask(b"03hit") == b"03hit="


# Ends


async def test_a_client_that_has_closed_its_end_still_gets_its_replies(door: Door) -> None:
    door.open()
    client = await door.client()
    client.send(b"01late", b"02hit")
    client.writer.write_eof()
    assert await client.receive() == b"02hit="
    door.desk.reply()
    assert await client.receive() == b"01late="
    assert await client.ended()
    await door.sessions(0)


async def test_a_client_that_closes_without_a_question(door: Door) -> None:
    door.open()
    client = await door.client()
    client.writer.write(b"\0")
    client.writer.write_eof()
    assert await client.ended()
    await door.sessions(0)


async def test_a_reset_is_nobody_elses_trouble(door: Door) -> None:
    door.open()
    client, other = await door.client(), await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    reset(client)
    await door.sessions(1)
    assert await other.ask(b"02hit") == b"02hit="


async def test_draining_answers_what_was_asked_and_takes_leave(door: Door) -> None:
    listener = door.open()
    idle, busy, asking = [await door.client() for _ in range(3)]
    await idle.ask(b"01hit")
    busy.send(b"02late", b"03late")
    await until(lambda: len(door.desk.late) == 2)
    await asking.ask(b"04hit")
    asking.send(b"05hit")
    drained = asyncio.get_running_loop().create_task(listener.drain(60))
    assert await asking.receive() == b"05hit="
    for client in (idle, asking):
        assert await client.ended()
        await client.close()
    door.desk.reply()
    assert await busy.receive() == b"02late="
    assert not drained.done()
    door.desk.reply()
    assert await busy.receive() == b"03late="
    assert await busy.ended()
    await busy.close()
    await asyncio.wait_for(drained, 10)
    with pytest.raises(ConnectionRefusedError):
        await door.client()


async def test_draining_ends_in_time(door: Door) -> None:
    listener = door.open()
    client = await door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    await listener.drain(0.01)
    assert await client.ended()


async def test_draining_without_connections_does_not_wait(door: Door) -> None:
    await door.open().drain(60)


async def test_closing_ends_every_connection(door: Door) -> None:
    listener = door.open()
    clients = [await door.client() for _ in range(3)]
    clients[0].send(b"01late")
    await until(lambda: door.desk.late)
    listener.close()
    listener.close()
    for client in clients:
        assert await client.ended()
    door.desk.reply()


async def test_a_connection_that_was_just_accepted_is_closed_as_well(door: Door) -> None:
    listener = door.open()
    listener.pause()
    client = await door.client()
    listener._accept(asyncio.get_running_loop())
    listener.close()
    with suppress(ConnectionResetError):
        assert await client.ended()


async def test_while_it_pauses_newcomers_wait_and_others_are_served(door: Door) -> None:
    listener = door.open()
    client = await door.client()
    await client.ask(b"01hit")
    listener.pause()
    newcomer = await door.client()
    newcomer.send(b"02hit")
    assert await client.ask(b"03hit") == b"03hit="
    assert await nothing_more(newcomer)
    listener.start()
    assert await newcomer.receive() == b"02hit="


# Many connections


async def test_when_there_are_too_many_the_longest_idle_one_makes_room(door: Door) -> None:
    door.open(connections=3)
    busy, older, newer = [await door.client() for _ in range(3)]
    busy.send(b"01late")
    await until(lambda: door.desk.late)
    door.clock.advance(0.5)
    await older.ask(b"02hit")
    door.clock.advance(0.5)
    await newer.ask(b"03hit")
    door.clock.advance(1.5)
    newcomer = await door.client()
    assert await newcomer.ask(b"04hit") == b"04hit="
    assert await older.ended()
    assert await newer.ask(b"05hit") == b"05hit="
    door.desk.reply()
    assert await busy.receive() == b"01late="


async def test_where_all_are_busy_or_new_newcomers_wait(door: Door) -> None:
    door.open(connections=2)
    busy, fresh = await door.client(), await door.client()
    busy.send(b"01late")
    await fresh.ask(b"02hit")
    await until(lambda: door.desk.late)
    newcomer = await door.client()
    newcomer.send(b"03hit")
    assert await nothing_more(newcomer)
    assert len(door.listener.sessions) == 2
    assert not door.listener._accepting
    await fresh.close()
    assert await newcomer.receive() == b"03hit="


async def test_newcomers_get_in_when_time_has_made_somebody_idle(door: Door) -> None:
    door.open(connections=1)
    first = await door.client()
    await first.ask(b"01hit")
    second = await door.client()
    second.send(b"02hit")
    assert await nothing_more(second)
    door.clock.advance(1)
    assert await second.receive() == b"02hit="
    assert await first.ended()


async def test_a_storm_of_connections(door: Door) -> None:
    """Twice as many as are accepted in one go, twice as many as are allowed: each is answered in the end."""
    door.open(connections=ACCEPTS)
    clients = [await door.client() for _ in range(2 * ACCEPTS)]
    for client in clients:
        client.send(b"01hit")
    for client in clients:
        assert await client.receive() == b"01hit="
        await client.close()


async def test_one_client_may_have_so_many(door: Door) -> None:
    listener = door.open("127.0.0.1", connections_per_client=2)
    first, second = await door.client(), await door.client()
    await first.ask(b"01hit")
    await second.ask(b"02hit")
    third = await door.client()
    assert await third.ended()
    assert listener.refused == 1
    await first.close()
    await door.sessions(1)
    fourth = await door.client()
    assert await fourth.ask(b"03hit") == b"03hit="
    fifth = await door.client(local_addr=("127.0.0.9", 0))
    assert await fifth.ask(b"04hit") == b"04hit="


class _Exhausted:
    """A socket of a process that has no descriptor left, for a while."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.exhausted = True

    def accept(self) -> Any:
        if self.exhausted:
            raise OSError(errno.EMFILE, "too many open files")
        return self.sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.sock, name)


async def test_without_descriptors_newcomers_wait(door: Door) -> None:
    listener = door.open()
    listener._sock = exhausted = _Exhausted(listener._sock)  # type: ignore[assignment]
    client = await door.client()
    client.send(b"01hit")
    await until(lambda: not listener._accepting)
    for _ in range(2):
        door.clock.advance(0.5)
        await until(lambda: not listener._accepting)
    exhausted.exhausted = False
    door.clock.advance(0.5)
    assert await client.receive() == b"01hit="
    listener.pause()
    listener._sock = exhausted.sock


# TLS


def server_context() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    return context


def client_context() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(TLS / "ca.crt"))


async def test_over_tls(door: Door) -> None:
    door.open(tls=server_context(), idle=10)
    client = await door.client(ssl=client_context())
    client.send(b"01late", *[b"02hit"] * 100)
    for _ in range(100):
        assert await client.receive() == b"02hit="
    door.desk.reply()
    assert await client.receive() == b"01late="
    door.clock.advance(10)
    assert await client.ended()


async def test_a_client_that_does_not_speak_tls_is_let_go(door: Door) -> None:
    door.open(tls=server_context())
    client = await door.client()
    client.send(b"01hit")
    assert await client.ended()
    await door.sessions(0)
    assert door.desk.packets == []


async def test_drain_does_not_wait_for_handshakes(door: Door) -> None:
    listener = door.open(tls=server_context())
    await door.client()
    await door.sessions(1)
    await asyncio.wait_for(listener.drain(60), 10)
