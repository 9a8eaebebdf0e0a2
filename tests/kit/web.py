"""HTTP clients for DNS over HTTPS: one for each version, both with `fetch(method, target, body)`.

`Web2` also gives away its h2 connection, for what no good client does.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.exceptions import ProtocolError

TLS = Path(__file__).parent / "tls"
NONE: Mapping[str, str] = {}
PATIENCE = 10.0
"""Seconds until something that must happen has happened."""


class Fetched(NamedTuple):
    """A response; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def client_context(*alpn: str) -> ssl.SSLContext:
    """A client that trusts the CA of the kit."""
    context = ssl.create_default_context(cafile=str(TLS / "ca.crt"))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


async def _connected(
    port: int, tls: bool | ssl.SSLContext, alpn: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    context = (client_context() if tls is True else tls) or None
    if context is None:
        return await asyncio.open_connection("127.0.0.1", port)
    context.set_alpn_protocols([alpn])
    return await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")


class Web1:
    """HTTP/1.1 on one connection that stays; `await Web1.connect(port)`, in clear text unless told otherwise."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, *, tls: bool | ssl.SSLContext = False, before: bytes = b"") -> "Web1":
        reader, writer = await _connected(port, tls, "http/1.1")
        writer.write(before)
        return cls(reader, writer)

    def send(self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] = NONE) -> None:
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *[f"{k}: {v}" for k, v in headers.items()]]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def receive(self, method: str = "GET") -> Fetched:
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head[:-4].split("\r\n")
            headers = {name.lower(): value for name, value in [line.split(": ", 1) for line in lines]}
            size = 0 if method == "HEAD" else int(headers.get("content-length", 0))
            return Fetched(int(first.split()[1]), headers, await self.reader.readexactly(size))

    async def fetch(self, method: str, target: str, body: bytes = b"") -> Fetched:
        self.send(method, target, body)
        return await self.receive(method)

    async def ended(self) -> bool:
        """Wait for the server to close its end; whether it did so without a word."""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                return await self.reader.read() == b""
            return True

    async def close(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


class Web2(Web1):
    """HTTP/2 on one connection; a response is told by its stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.encoder.encode = partial(self.h2.encoder.encode, huffman=False)  # type: ignore[method-assign] # slow
        self.events: list[Event] = []

    @classmethod
    async def connect(cls, port: int, *, tls: bool | ssl.SSLContext = True, before: bytes = b"") -> "Web2":
        client = cls(*await _connected(port, tls, "h2"))
        client.writer.write(before)
        client.h2.initiate_connection()
        client.flush()
        return client

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def begin(self, method: str, target: str, *, end: bool = True) -> int:
        """Send the headers of a request: its stream."""
        stream = self.h2.get_next_available_stream_id()
        headers = {":method": method, ":scheme": "https", ":authority": "localhost", ":path": target}
        self.h2.send_headers(stream, [*headers.items()], end_stream=end)
        self.flush()
        return stream

    def post(self, target: str, body: bytes) -> int:
        stream = self.begin("POST", target, end=not body)
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            assert room, "the window is shut"
            self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            self.flush()
        return stream

    async def read(self) -> list[Event]:
        """What comes next; raises EOFError at the end."""
        octets = await self.reader.read(65536)
        if not octets:
            raise EOFError
        events = self.h2.receive_data(octets)
        for event in events:
            if isinstance(event, DataReceived) and event.flow_controlled_length:
                with suppress(ProtocolError):
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        self.flush()
        self.events += events
        return events

    async def response(self, stream: int) -> Fetched | StreamReset:
        """The response on a stream, or how it was refused."""
        async with asyncio.timeout(PATIENCE):
            while True:
                mine = [event for event in self.events if getattr(event, "stream_id", None) == stream]
                for event in mine:
                    if isinstance(event, StreamReset):
                        return event
                if any(isinstance(event, StreamEnded) for event in mine):
                    break
                await self.read()
        (head,) = [event for event in mine if isinstance(event, ResponseReceived)]
        headers = {str(name): str(value) for name, value in head.headers}
        body = b"".join([event.data for event in mine if isinstance(event, DataReceived)])
        return Fetched(int(headers.pop(":status")), headers, body)

    async def event(self, kind: type[Event]) -> Event:
        """The first event of a kind."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [event for event in self.events if isinstance(event, kind)]):
                await self.read()
        return found[0]

    async def fetch(self, method: str, target: str, body: bytes = b"") -> Fetched:
        """The response to a request that waits for the server's settings, as careful clients do."""
        while not self.events:
            await self.read()
        stream = self.begin(method, target) if not body else -1
        if body:
            stream = self.begin(method, target, end=False)
            await self._upload(stream, body)
        found = await self.response(stream)
        assert isinstance(found, Fetched), found
        return found

    async def _upload(self, stream: int, body: bytes) -> None:
        while body:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size)
            if not room:
                await self.read()
                continue
            self.h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            self.flush()

    async def ended(self) -> bool:
        """Read until the server closes."""
        async with asyncio.timeout(PATIENCE):
            with suppress(EOFError, ConnectionError):
                while True:
                    await self.read()
        return True
