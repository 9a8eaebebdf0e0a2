"""A responder whose answers the query itself asks for, and clients of real sockets.

    hit...   is answered by `hit`           now...    by `miss`, at once
    late...  when the test says so          drop...   never
    big...   as `now`, with as many octets as the number that follows

A query is an id of two octets and such a word; its reply is the same with `=` at the end.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

import pytest

from kdns.net.exchange import Exchange


def _has_ipv6() -> bool:
    with suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        return True
    return False


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6")


def answer(packet: bytes) -> bytes:
    """The reply to a query."""
    if packet[2:5] == b"big":
        return packet.ljust(int(packet[5:].split()[0]), b".")
    return packet + b"="


class Desk:
    """Implements `Responder`, and remembers what it was asked."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.exchanges: list[Exchange] = []
        self.late: list[tuple[bytes, Exchange]] = []

    def hit(self, packet: bytes) -> bytes | None:
        if packet[2:5] != b"hit":
            return None
        self.packets.append(packet)
        return answer(packet)

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        self.packets.append(packet)
        word = packet[2:6]
        if word == b"drop" or len(packet) < 2:
            return None
        if word == b"late":
            self.late.append((packet, exchange))
            return None
        if word == b"keep":
            self.exchanges.append(exchange)
        return answer(packet)

    def reply(self, number: int = 0) -> None:
        """Answer one of the queries that wait."""
        packet, exchange = self.late.pop(number)
        exchange.reply(answer(packet))


class UdpClient:
    """A connected client: what does not come from the address it asked does not reach it."""

    def __init__(self, address: str, port: int) -> None:
        info = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
        self.sock = socket.socket(info[0], socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.connect(info[4])
        self.sock.settimeout(10)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.sock.send(packet)

    async def receive(self) -> bytes:
        return await asyncio.to_thread(self.sock.recv, 1 << 16)

    async def ask(self, packet: bytes) -> bytes:
        self.send(packet)
        return await self.receive()

    @property
    def name(self) -> tuple[str, int]:
        host, port = self.sock.getsockname()[:2]
        return host.partition("%")[0], port


def framed(*packets: bytes) -> bytes:
    """Messages as a stream carries them."""
    return b"".join([len(packet).to_bytes(2, "big") + packet for packet in packets])


class TcpClient:
    """A client that reads frames; `await TcpClient.connect(...)`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *packets: bytes) -> None:
        self.writer.write(framed(*packets))

    async def receive(self) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(2), "big"))

    async def ask(self, packet: bytes) -> bytes:
        self.send(packet)
        return await self.receive()

    async def ended(self) -> bool:
        """Wait for the server to close its end; whether it did so without a word."""
        async with asyncio.timeout(10):
            return await self.reader.read() == b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


def sorted_replies(packets: Sequence[bytes]) -> list[bytes]:
    """The replies that these queries get, in order."""
    return sorted(answer(packet) for packet in packets)
