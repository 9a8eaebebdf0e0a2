"""A collector: the other side of Frame Streams, and a reader of the protocol buffers, written from their documents."""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTENT = b"protobuf:dnstap.Dnstap"
ACCEPT, START, STOP, READY, FINISH = 1, 2, 3, 4, 5
Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
FIELDS = {
    1: "type",
    2: "family",
    3: "proto",
    4: "client",
    5: "server",
    6: "client_port",
    7: "server_port",
    8: "asked",
    9: "asked_ns",
    10: "query",
    12: "replied",
    13: "replied_ns",
    14: "response",
}
OUTER = {1: "identity", 2: "version", 3: "extra", 14: "message", 15: "kind"}
TYPES = {5: "CQ", 6: "CR", 7: "FQ", 8: "FR"}


def _varint(octets: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        octet = octets[at]
        value |= (octet & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if octet < 0x80:
            return value, at


def fields(octets: bytes, names: dict[int, str]) -> dict[str, Any]:
    """The fields of a protocol buffer; fails for one that there is not, or not in order."""
    found: dict[str, Any] = {}
    at = last = 0
    while at < len(octets):
        key, at = _varint(octets, at)
        number, kind = key >> 3, key & 7
        assert number > last
        last = number
        if kind == 0:
            value: Any
            value, at = _varint(octets, at)
        elif kind == 5:
            (value,), at = struct.unpack_from("<I", octets, at), at + 4
        else:
            assert kind == 2
            size, at = _varint(octets, at)
            value, at = octets[at : at + size], at + size
            assert len(value) == size
        found[names[number]] = value
    return found


def decoded(payload: bytes) -> dict[str, Any]:
    """A message: the fields of both layers."""
    outer = fields(payload, OUTER)
    assert outer.pop("kind") == 1
    inner = fields(outer.pop("message"), FIELDS)
    return outer | inner | {"type": TYPES[inner["type"]]}


def control(kind: int, content: bytes | None = CONTENT) -> bytes:
    data = struct.pack(">I", kind)
    if content is not None:
        data += struct.pack(">II", 1, len(content)) + content
    return struct.pack(">II", 0, len(data)) + data


@dataclass(slots=True)
class Collector:
    """Takes connections as `serve` says, one after the other; by default all that is sent is kept.

    `manners` are what it does instead of its part: each is used for one connection, the last for all that follow.
    "good" does everything, "mute" never answers, "deaf" agrees and reads nothing more, "rude" sends garbage instead of
    ACCEPT, "alien" accepts another content, "brief" agrees and closes, "shut" closes at once.
    """

    manners: list[str] = field(default_factory=lambda: ["good"])
    payloads: list[bytes] = field(default_factory=list)
    connections: int = 0
    finished: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [decoded(payload) for payload in self.payloads]

    @property
    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        manner = self.manners[min(self.connections, len(self.manners) - 1)]
        self.connections += 1
        self.writers.append(writer)
        try:
            if manner == "mute":
                await asyncio.Event().wait()
            if manner == "shut":
                return
            await self.converse(reader, writer, manner)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, manner: str) -> None:
        """Its part of a conversation."""
        await self._control(reader, READY)
        if manner == "rude":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await asyncio.Event().wait()
        writer.write(control(ACCEPT, b"text/plain" if manner == "alien" else CONTENT))
        await self._control(reader, START)
        if manner == "brief":
            return
        if manner == "deaf":
            await asyncio.Event().wait()
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            self.payloads.append(await reader.readexactly(size))
        await self._rest(reader, STOP)
        writer.write(control(FINISH, None))
        self.finished += 1

    async def _control(self, reader: asyncio.StreamReader, kind: int) -> None:
        assert await reader.readexactly(4) == bytes(4)
        await self._rest(reader, kind)

    async def _rest(self, reader: asyncio.StreamReader, kind: int) -> None:
        size = int.from_bytes(await reader.readexactly(4), "big")
        frame = await reader.readexactly(size)
        assert int.from_bytes(frame[:4], "big") == kind
        if kind != STOP:
            assert frame[4:] == struct.pack(">II", 1, len(CONTENT)) + CONTENT


@asynccontextmanager
async def listening(peer: Peer, path: Path | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Let a peer take connections at a path, or at the port of loopback that this gives; nothing is left of it."""
    tasks: set[asyncio.Task[Any]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await peer(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.transport.abort()

    if path is None:
        server = await asyncio.start_server(serve, "127.0.0.1", ssl=tls)
        port = server.sockets[0].getsockname()[1]
    else:
        server, port = await asyncio.start_unix_server(serve, path), 0
    try:
        yield port
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for _ in range(3):
            await asyncio.sleep(0)
