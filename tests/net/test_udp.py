"""Both carriers, both event loops: what differs is speed alone."""

import ctypes
import errno
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kdns.metrics import Counter
from kdns.net import batch, sockets
from kdns.net.backlog import Backlog, Stack
from kdns.net.carrier import QUERY_SIZE, REPLY_SIZE
from kdns.net.exchange import Exchange
from kdns.net.udp import UdpExchange, UdpListener
from tests.kit.desk import Desk, UdpClient, answer, needs_ipv6, sorted_replies
from tests.kit.until import until

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class Door:
    """Listeners on every address of a host, and clients that come in."""

    def __init__(self, *, batched: bool) -> None:
        self.desk = Desk()
        self.listeners: list[UdpListener] = []
        self.clients: list[UdpClient] = []
        self.port = 0
        self._batched = batched

    def open(self, host: str = "127.0.0.1") -> UdpListener:
        for sock in sockets.listen("udp", host, 0):
            self.port = sock.getsockname()[1]
            self.listeners.append(UdpListener(sock, self.desk, batched=self._batched))
            self.listeners[-1].start()
        return self.listeners[0]

    def client(self, address: str = "127.0.0.1") -> UdpClient:
        self.clients.append(UdpClient(address, self.port))
        return self.clients[-1]


@pytest.fixture(params=["batch", "single"])
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    if request.param == "batch" and not batch.supported():
        pytest.skip("this system has no recvmmsg")
    door = Door(batched=request.param == "batch")
    yield door
    for client in door.clients:
        client.sock.close()
    for listener in door.listeners:
        listener._sock.close()


def reachable() -> list[str]:
    """Addresses of this machine, link-local ones with their zone."""
    found = [text for texts in sockets.interface_addresses().values() for text in texts]
    return [*found, "127.0.0.2", "127.9.8.7"]


async def test_a_wildcard_replies_from_the_address_that_was_asked(door: Door) -> None:
    door.open("")
    for address in reachable():
        client = door.client(address)
        assert await client.ask(b"01hit") == b"01hit="
        assert await client.ask(b"02now") == b"02now="
        client.send(b"03late")
        await until(lambda: door.desk.late)
        door.desk.reply()
        assert await client.receive() == b"03late="


async def test_an_exchange_tells_both_ends(door: Door) -> None:
    door.open("")
    for address in reachable():
        client = door.client(address)
        await client.ask(b"01keep")
        exchange = door.desk.exchanges.pop()
        assert exchange.client == client.name
        assert exchange.local == address.partition("%")[0]
        assert exchange.family == (2 if ":" in address else 1)
        assert exchange.proto == "udp"


@pytest.mark.parametrize("address", ["127.0.0.2", pytest.param("::1", marks=needs_ipv6)])
async def test_a_bound_address_needs_no_packet_info(door: Door, address: str) -> None:
    door.open(address)
    client = door.client(address)
    assert await client.ask(b"01keep") == b"01keep="
    assert door.desk.exchanges[0].local == address
    assert door.desk.exchanges[0].client == client.name


async def test_a_burst_is_answered_whole_each_with_its_own_reply(door: Door) -> None:
    """More than one batch, with every kind of answer between the others."""
    listener = door.open()
    client = door.client()
    words = (b"hit", b"now", b"late", b"drop")
    packets = [number.to_bytes(2, "big") + words[number % 4] + b"x" * number for number in range(200)]
    client.send(*packets)
    prompt = [packet for packet in packets if packet[2:6] not in (b"late", b"drop")]
    assert sorted([await client.receive() for _ in prompt]) == sorted_replies(prompt)
    late = [packet for packet in packets if packet[2:6] == b"late"]
    await until(lambda: len(door.desk.late) == len(late))
    while door.desk.late:
        door.desk.reply()
    assert sorted([await client.receive() for _ in late]) == sorted_replies(late)
    assert door.desk.packets == packets
    assert (listener.carrier.received, listener.carrier.refused, listener.dropped) == (200, 0, 0)


async def test_clients_get_only_their_own_replies(door: Door) -> None:
    door.open("")
    clients = [door.client("127.0.0.1") for _ in range(20)] + [door.client("127.0.0.2") for _ in range(20)]
    for word in (b"hit", b"late"):
        for number, client in enumerate(clients):
            client.send(bytes([0, number]) + word)
        if word == b"late":
            await until(lambda: len(door.desk.late) == len(clients))
            while door.desk.late:
                door.desk.reply(-1)
        for number, client in enumerate(clients):
            assert await client.receive() == bytes([0, number]) + word + b"="


async def test_empty_and_tiny_datagrams_get_no_reply_and_do_no_harm(door: Door) -> None:
    door.open()
    client = door.client()
    client.send(b"", b"x", b"", b"01hit")
    assert await client.receive() == b"01hit="
    assert door.desk.packets == [b"", b"x", b"", b"01hit"]


async def test_of_an_oversize_query_as_much_as_fits_is_passed_on(door: Door) -> None:
    door.open()
    client = door.client()
    client.send(b"01" + b"q" * 5000, b"02now" + b"x" * (QUERY_SIZE - 5), b"03hit")
    replies = sorted([await client.receive() for _ in range(3)])
    assert [len(packet) for packet in door.desk.packets] == [QUERY_SIZE, QUERY_SIZE, 5]
    assert replies == sorted_replies([b"01" + b"q" * (QUERY_SIZE - 2), b"02now" + b"x" * (QUERY_SIZE - 5), b"03hit"])


async def test_the_longest_reply_arrives_whole(door: Door) -> None:
    door.open()
    client = door.client()
    client.send(b"01hit", b"02big 65507 ", b"03hit")
    lengths = {reply[:2]: len(reply) for reply in [await client.receive() for _ in range(3)]}
    assert lengths == {b"01": 6, b"02": REPLY_SIZE, b"03": 6}


async def test_a_longer_reply_is_dropped_and_counted(door: Door) -> None:
    listener = door.open()
    client = door.client()
    client.send(b"01big 65508 ", b"02late", b"03hit")
    assert await client.receive() == b"03hit="
    _, exchange = door.desk.late.pop()
    exchange.reply(bytes(REPLY_SIZE + 1))
    assert await client.ask(b"04hit") == b"04hit="
    assert listener.dropped == 2


async def test_only_the_first_reply_counts(door: Door) -> None:
    door.open()
    client = door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    _, exchange = door.desk.late.pop()
    exchange.reply(b"first")
    exchange.reply(b"second")
    assert await client.receive() == b"first"
    assert await client.ask(b"02hit") == b"02hit="


async def test_a_reply_after_the_end_is_ignored(door: Door) -> None:
    listener = door.open()
    door.client().send(b"01late", b"02late")
    await until(lambda: len(door.desk.late) == 2)
    door.desk.reply()
    listener.close()
    listener.close()
    door.desk.reply()


async def test_what_is_ready_leaves_before_the_end(door: Door) -> None:
    listener = door.open()
    client = door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    door.desk.reply()
    listener.close()
    assert await client.receive() == b"01late="


async def test_a_client_that_is_gone_is_nobody_elses_trouble(door: Door) -> None:
    """Its port is closed, so the machine sends an ICMP error back for the reply."""
    door.open()
    gone, client = door.client(), door.client()
    gone.send(b"01late")
    await until(lambda: door.desk.late)
    gone.sock.close()
    door.desk.reply()
    for _ in range(3):
        assert await client.ask(b"02hit") == b"02hit="


async def test_while_it_pauses_datagrams_wait_and_replies_leave(door: Door) -> None:
    listener = door.open()
    client = door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    listener.pause()
    client.send(b"02hit")
    door.desk.reply()
    assert await client.receive() == b"01late="
    assert len(door.desk.packets) == 1
    listener.start()
    assert await client.receive() == b"02hit="


async def test_a_new_responder_takes_over_and_the_old_one_still_replies(door: Door) -> None:
    listener = door.open()
    client = door.client()
    client.send(b"01late")
    await until(lambda: door.desk.late)
    successor = Desk()
    listener.answer_with(successor)
    assert await client.ask(b"02hit") == b"02hit="
    assert successor.packets == [b"02hit"]
    door.desk.reply()
    assert await client.receive() == b"01late="


class Faults:
    """Makes sending fail, whichever way a carrier sends: one fault for each reply that is tried, None for none."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, listener: UdpListener, *faults: int | None) -> None:
        self._faults = list(faults)
        carrier: Any = listener._carrier
        if isinstance(carrier, batch.BatchCarrier):
            self._real = batch._sendmmsg
            monkeypatch.setattr(batch, "_sendmmsg", self._sendmmsg)
        else:
            self._sock = carrier._sock
            carrier._sock = self

    def _sendmmsg(self, fd: int, headers: Any, count: int, flags: int) -> int:
        clear = self._faults.index(next(filter(None, self._faults), None)) if any(self._faults) else count
        if clear == 0:
            ctypes.set_errno(self._faults.pop(0) or 0)
            return -1
        sent: int = self._real(fd, headers, min(count, clear), flags)
        del self._faults[:sent]
        return sent

    def sendmsg(self, *args: Any) -> int:
        fault = self._faults.pop(0) if self._faults else None
        if fault is not None:
            raise OSError(fault, "a fault")
        sent: int = self._sock.sendmsg(*args)
        return sent

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


async def test_a_reply_that_cannot_be_sent_takes_no_other_with_it(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = door.open()
    Faults(monkeypatch, listener, errno.EPERM, None, errno.ENETUNREACH, None)
    client = door.client()
    client.send(b"01hit", b"02now", b"03hit", b"04hit")
    assert [await client.receive() for _ in range(2)] == [b"02now=", b"04hit="]
    assert (listener.carrier.refused, listener.dropped) == (2, 0)


@pytest.mark.parametrize("gap", [b"01now", b"01drop"])
async def test_when_the_socket_is_full_the_rest_is_tried_once_more(
    door: Door, gap: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = door.open()
    before = [None] if gap == b"01now" else []
    # A batch fails as a whole, single datagrams one by one.
    faults = [errno.EAGAIN] * (1 if isinstance(listener.carrier, batch.BatchCarrier) else 3)
    listener.pause()
    client = door.client()
    client.send(gap, b"02hit", b"03now", b"04hit")
    Faults(monkeypatch, listener, *before, *faults)
    listener.start()
    expected = [answer(packet) for packet in (gap, b"02hit", b"03now", b"04hit") if packet[2:] != b"drop"]
    assert [await client.receive() for _ in expected] == expected
    assert (listener.carrier.refused, listener.dropped) == (0, 0)
    assert await client.ask(b"05hit") == b"05hit="


async def test_when_it_stays_full_replies_are_dropped_and_counted(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = door.open()
    client = door.client()
    client.send(b"01late", b"02late")
    await until(lambda: len(door.desk.late) == 2)
    Faults(monkeypatch, listener, errno.EAGAIN, errno.EAGAIN)
    door.desk.reply()
    door.desk.reply()
    await until(lambda: listener.dropped == 2)
    assert await client.ask(b"03hit") == b"03hit="


async def test_a_full_socket_holds_no_more_than_a_bounded_number_of_replies(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = door.open()
    monkeypatch.setattr("kdns.net.backlog.SIZE", 2)
    client = door.client()
    client.send(*[b"%02dlate" % number for number in range(5)])
    await until(lambda: len(door.desk.late) == 5)
    Faults(monkeypatch, listener, errno.EAGAIN)
    while door.desk.late:
        door.desk.reply()
    assert sorted([await client.receive() for _ in range(2)]) == [b"00late=", b"01late="]
    assert listener.dropped == 3


async def test_of_many_replies_none_is_sent_twice_when_the_socket_is_full(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = door.open()
    client = door.client()
    packets = [b"%02dlate" % number for number in range(100)]
    client.send(*packets)
    await until(lambda: len(door.desk.late) == 100)
    Faults(monkeypatch, listener, *[None] * 70, errno.EAGAIN)
    while door.desk.late:
        door.desk.reply()
    assert sorted([await client.receive() for _ in packets]) == sorted_replies(packets)
    assert await client.ask(b"01hit") == b"01hit="


async def test_closing_while_the_socket_is_full(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    listener = door.open()
    door.client().send(b"01late")
    await until(lambda: door.desk.late)
    Faults(monkeypatch, listener, *[errno.EAGAIN] * 9)
    door.desk.reply()
    listener.close()
    assert listener.dropped == 1


async def test_a_stack_sends_the_newest_first_and_drops_the_oldest(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.net.backlog.SIZE", 3)
    listener, lost = door.open(), Counter()
    listener.hold_in(Stack(lost))
    client = door.client()
    client.send(*[b"%02dlate" % number for number in range(5)])
    await until(lambda: len(door.desk.late) == 5)
    Faults(monkeypatch, listener, errno.EAGAIN)
    exchange = door.desk.late[0][1]
    assert isinstance(exchange, UdpExchange)
    assert not exchange.is_congested
    late, door.desk.late = door.desk.late, []
    for packet, each in late:
        each.reply(answer(packet))
    assert [await client.receive() for _ in range(3)] == [b"04late=", b"03late=", b"02late="]
    assert (listener.dropped, lost.value) == (2, 2)
    assert await client.ask(b"06hit") == b"06hit="


async def test_while_congested_nothing_is_answered_unseen(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kdns.net.backlog.SIZE", 1)
    listener, lost = door.open(), Counter()
    listener.hold_in(Stack(lost))
    client, seen = door.client(), Seen(door.desk)
    listener.answer_with(seen)
    client.send(b"01hit", b"02hit")
    await until(lambda: seen.hits == 2)
    assert [await client.receive() for _ in range(2)] == [b"01hit=", b"02hit="]
    listener._hold([(b"", b"kept")])  # as if the socket had been full
    assert listener.is_congested
    client.send(b"03hit")
    await until(lambda: seen.congested == [True])
    assert seen.hits == 2


class Seen:
    """Hits, and whether the listener was congested when it asked in full."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.hits = 0
        self.congested: list[bool] = []

    def hit(self, packet: bytes) -> bytes | None:
        self.hits += 1
        return self._desk.hit(packet)

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        assert isinstance(exchange, UdpExchange)
        self.congested.append(exchange.is_congested)
        return None


async def test_replies_that_wait_move_to_another_backlog(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    listener, lost = door.open(), Counter()
    client = door.client()
    client.send(b"01late", b"02late")
    await until(lambda: len(door.desk.late) == 2)
    Faults(monkeypatch, listener, errno.EAGAIN)
    door.desk.reply()
    door.desk.reply()
    listener._flush()
    for backlog in (Stack(lost), Backlog(), Stack(lost)):
        listener.hold_in(backlog)
    assert [await client.receive() for _ in range(2)] == [b"02late=", b"01late="]
    assert (listener.dropped, lost.value) == (0, 0)


async def test_what_waits_in_a_stack_at_the_end_is_lost(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    listener, lost = door.open(), Counter()
    listener.hold_in(Stack(lost))
    door.client().send(b"01late")
    await until(lambda: door.desk.late)
    Faults(monkeypatch, listener, *[errno.EAGAIN] * 9)
    door.desk.reply()
    listener.close()
    assert (listener.dropped, lost.value) == (1, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the kernel does not spread datagrams over sockets")
@pytest.mark.parametrize("host", ["127.0.0.1", ""])
async def test_what_comes_to_a_port_goes_past_a_socket_that_is_turned_away(door: Door, host: str) -> None:
    leaving = door.open(host)
    leaving.pause()
    clients = [door.client() for _ in range(32)]
    for client in clients:
        client.send(b"02late")  # waits in the kernel
    leaving.turn_away()
    (sock,) = sockets.listen("udp", host or "127.0.0.1", door.port)[:1]
    other = Desk()
    door.listeners.append(UdpListener(sock, other))
    door.listeners[-1].start()
    for client in clients:
        assert await client.ask(b"01now") == b"01now="
    assert door.desk.packets == []
    leaving.start()
    await until(lambda: len(door.desk.late) == len(clients))
    while door.desk.late:
        door.desk.reply()
    for client in clients:
        assert await client.receive() == b"02late="
    assert len(other.packets) == len(clients)
