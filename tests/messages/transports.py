"""The ways that messages go to a server and back. One line each in `TRANSPORTS`; every test is run with every one.

A client sends and receives whole messages. How they are framed, and what else is on the way, is the transport's.
"""

import asyncio
import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, Self

from tests.kit.web import TLS, Fetched, Web1, Web2, client_context

PATIENCE = 10.0
"""Seconds until a reply that has to come has come, on a busy machine."""


class Client(Protocol):
    """One client with one socket."""

    async def send(self, *packets: bytes) -> None: ...

    async def receive(self) -> bytes | None:
        """The next message; `None` if the server has ended the conversation."""
        ...

    async def close(self) -> None: ...


class Datagrams:
    """UDP."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    async def connect(cls, port: int) -> Self:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(("127.0.0.1", port))
        return cls(sock)

    async def send(self, *packets: bytes) -> None:
        for packet in packets:
            self._sock.send(packet)

    async def receive(self) -> bytes | None:
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self._sock, 65535)

    async def close(self) -> None:
        self._sock.close()


class Stream:
    """TCP: a length of two octets in front of each message (RFC 1035 section 4.2.2)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int) -> Self:
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, *packets: bytes) -> None:
        await self.write(framed(*packets))

    async def write(self, octets: bytes) -> None:
        """Send octets as they are."""
        self.writer.write(octets)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def receive(self) -> bytes | None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            async with asyncio.timeout(PATIENCE):
                size = int.from_bytes(await self._reader.readexactly(2), "big")
                return await self._reader.readexactly(size)
        return None

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


class Encrypted(Stream):
    """DNS over TLS."""

    @classmethod
    async def connect(cls, port: int) -> Self:
        where = {"ssl": client_context(), "server_hostname": "localhost"}
        return cls(*await asyncio.open_connection("127.0.0.1", port, **where))  # type: ignore[arg-type]


class Web:
    """DNS over HTTPS, by POST: what is no message, or is not to be answered, has a status other than 200."""

    version: type[Web1] = Web1

    def __init__(self, web: Web1) -> None:
        self._web = web
        self._responses: list[Fetched] = []

    @classmethod
    async def connect(cls, port: int) -> Self:
        return cls(await cls.version.connect(port, tls=True))

    async def send(self, *packets: bytes) -> None:
        for packet in packets:
            self._responses.append(await self._web.fetch("POST", "/dns-query", packet))

    async def receive(self) -> bytes | None:
        response = self._responses.pop(0)
        return response.body if response.status == 200 else None

    async def close(self) -> None:
        await self._web.close()


class WebTwo(Web):
    """The same over HTTP/2."""

    version = Web2


def framed(*packets: bytes) -> bytes:
    """Messages as a stream carries them."""
    return b"".join([len(packet).to_bytes(2, "big") + packet for packet in packets])


@dataclass(frozen=True, slots=True)
class Transport:
    """`proto` says how long a reply may be, `scheme` stands in front of the keys of server blocks."""

    name: str
    proto: str
    scheme: str
    client: type[Datagrams] | type[Stream] | type[Web]
    batched: bool = True
    directive: str = ""
    """What the server needs for it."""

    def __str__(self) -> str:
        return self.name

    @property
    def refuses(self) -> bool:
        """Whether it says in its own way that a message is none, or nothing for it."""
        return issubclass(self.client, Web)

    @property
    def streams(self) -> bool:
        """Whether several messages share a connection."""
        return issubclass(self.client, Stream)


CERTIFICATE = f"tls {TLS}/server.crt {TLS}/server.key"
UDP, TCP = Transport("udp", "udp", "dns", Datagrams), Transport("tcp", "tcp", "dns", Stream)
TRANSPORTS: tuple[Transport, ...] = (
    UDP,
    Transport("udp-single", "udp", "dns", Datagrams, batched=False),
    TCP,
    Transport("tls", "tcp", "tls", Encrypted, directive=CERTIFICATE),
    Transport("https", "tcp", "https", Web, directive=CERTIFICATE),
    Transport("https-2", "tcp", "https", WebTwo, directive=CERTIFICATE),
)
if os.environ.get("KDNS_SUBJECT_COMMAND"):  # how another server takes datagrams is its own affair
    TRANSPORTS = tuple(transport for transport in TRANSPORTS if transport.batched)
STREAMS = tuple(transport for transport in TRANSPORTS if transport.streams)
