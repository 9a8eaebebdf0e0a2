"""Many questions to several servers at once: a window of them at a time, replies told apart by their ids."""

import asyncio
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Self

import dns.rdataclass
import dns.rdatatype
import dns.tsig
from dns.rdtypes.ANY.TSIG import TSIG

from kdns.wire import codes
from kdns.wire.message import read_message
from tests.conformance.rows import Row

WINDOW = 48
"""Names, with a type, that are asked about at a time."""
PATIENCE = 2.5
"""Seconds for a reply; what is left out by then is asked once more."""
AXFR = ("AXFR", "IXFR")
FUDGE = 300
"""Seconds by which clocks may differ."""

Packets = list[bytes]


class Asker:
    """A client with one socket: an async context, then `ask`."""

    def __init__(self, port: int, proto: str, client: str) -> None:
        self._port, self._proto, self._client = port, proto, client
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM)
        self._sock.setblocking(False)
        self._reading: asyncio.Task[None] | None = None
        self._next = 0

    async def __aenter__(self) -> Self:
        self._sock.bind((self._client, 0))
        await asyncio.get_running_loop().sock_connect(self._sock, ("127.0.0.1", self._port))
        if self._proto == "udp":
            self._reading = asyncio.create_task(self._read_datagrams())
        else:
            reader, self._writer = await asyncio.open_connection(sock=self._sock)
            self._reading = asyncio.create_task(self._read_stream(reader))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
        if self._writer is not None:
            self._writer.close()
        self._sock.close()

    async def exchange(self, row: Row) -> Packets:
        """The messages of the reply to a question."""
        if self._proto == "tcp" and row.given["type"] in AXFR:
            return await transfer(octets(row), self._port, self._client)
        reply = await self._ask(row)
        return [] if reply is None else [reply]

    async def _ask(self, row: Row) -> bytes | None:
        """The reply, or none in time."""
        for _ in range(2):
            self._next = ident = self._next % 65535 + 1
            future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
            self._waiting[ident] = future
            self._send(octets(row, ident))
            try:
                async with asyncio.timeout(PATIENCE):
                    return await future
            except TimeoutError:
                pass
            finally:
                del self._waiting[ident]
        return None

    def _send(self, packet: bytes) -> None:
        if self._writer is not None:
            self._writer.write(len(packet).to_bytes(2, "big") + packet)
        else:
            with suppress(ConnectionError):
                self._sock.send(packet)

    async def _read_datagrams(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            with suppress(ConnectionError):
                self._take(await loop.sock_recv(self._sock, 65535))

    async def _read_stream(self, reader: asyncio.StreamReader) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                self._take(await reader.readexactly(size))

    def _take(self, packet: bytes) -> None:
        future = self._waiting.get(int.from_bytes(packet[:2], "big"))
        if future is not None and not future.done():
            future.set_result(packet)


async def ask_all(rows: Sequence[Row], ports: Sequence[int], proto: str) -> list[list[Packets]]:
    """For each question the replies of all servers: no packet, one, or the messages of a transfer.

    All are asked at the same moment, and what a cache takes for the same question one after the other: whether a cache
    has the answer, and for how long, is not chance.
    """
    replies: list[list[Packets]] = [[] for _ in rows]
    for client in dict.fromkeys(row.client for row in rows):
        same: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, row in enumerate(rows):
            if row.client == client:
                same[str(row.given["name"]).lower(), row.given["type"]].append(number)
        async with AsyncExitStack() as stack:
            askers = [await stack.enter_async_context(Asker(port, proto, client)) for port in ports]
            window = asyncio.Semaphore(WINDOW)

            async def each(
                numbers: list[int], askers: Sequence[Asker] = askers, window: asyncio.Semaphore = window
            ) -> None:
                async with window:
                    for number in numbers:
                        replies[number] = await asyncio.gather(*[asker.exchange(rows[number]) for asker in askers])

            await asyncio.gather(*map(each, same.values()))
    return replies


def octets(row: Row, ident: int = 1) -> bytes:
    """The query, signed if its `key` says so: name, secret, algorithm, and seconds by which the clock is off."""
    query = row.query(ident)
    if "key" not in row.given:
        return query
    owner, secret, algorithm, skew = row.given["key"]
    key = dns.tsig.Key(owner, secret, algorithm)
    unsigned = TSIG(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, 0, FUDGE, b"", ident, 0, b"")  # type: ignore[no-untyped-call]
    signature, _ = dns.tsig.sign(query, key, unsigned, int(time.time()) + int(skew))  # type: ignore[no-untyped-call]
    rdata = signature.to_wire() or b""
    fixed = struct.pack(">HHIH", codes.TSIG, dns.rdataclass.ANY, 0, len(rdata))
    records = int.from_bytes(query[10:12], "big") + 1
    return query[:10] + records.to_bytes(2, "big") + query[12:] + (key.name.to_wire() or b"") + fixed + rdata


async def transfer(query: bytes, port: int, client: str) -> list[bytes]:
    """The messages of a transfer: until the second SOA, or one that is no part of a transfer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(client, 0))
    writer.write(len(query).to_bytes(2, "big") + query)
    messages: list[bytes] = []
    with suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
        async with asyncio.timeout(PATIENCE):
            while len(messages) < 1 or not _ends(messages):
                size = int.from_bytes(await reader.readexactly(2), "big")
                messages.append(await reader.readexactly(size))
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return messages


def _ends(messages: list[bytes]) -> bool:
    """Whether a transfer is whole: it begins and ends with the SOA (RFC 5936 section 2.2), or is an error."""
    records = [record for message in messages for record in read_message(message).answer]
    return not records or records[0].type != codes.SOA or len(records) == 1 or records[-1].type == codes.SOA
