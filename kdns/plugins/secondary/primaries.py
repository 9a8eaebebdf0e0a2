"""Asking the primaries of a zone, one after the other: for its serial, and for all of it. Always over TCP."""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, TypeVar

from kdns.chain.zone import Zone
from kdns.chain.zone.incoming import Incoming
from kdns.net.dialogue import Dialogue
from kdns.net.endpoint import Endpoint
from kdns.net.entropy import draw
from kdns.net.failures import UpstreamError, host_port
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.message import read_message
from kdns.wire.reader import HEADER, question

log = logging.getLogger("kdns.file")
"""CoreDNS logs these lines under this name."""

LONGEST_TRANSFER = 300.0
"""Seconds for one transfer, however fast its messages come."""
TOGETHER = 16
"""Transfers that are under way at a time, in one block."""
_NUMBERS = 20

T = TypeVar("T")


class TransferError(Exception):
    """No primary has what was asked for; the text says why for the last of them."""


class Server(NamedTuple):
    """IP address, an IPv6 zone included, and port."""

    address: str
    port: int

    def __str__(self) -> str:
        return host_port(*self)


class Primaries:
    """The primaries of one zone, by its folded name. `room` bounds the transfers of all zones."""

    def __init__(self, origin: bytes, servers: Sequence[Server], room: asyncio.Semaphore) -> None:
        self.servers = tuple(servers)
        self._origin = origin
        self._text = name.to_text(origin)
        self._room = room

    async def serial(self) -> int:
        """The serial that the first primary has that answers. Raises `TransferError`."""
        error = "no primaries"
        for server in self.servers:
            try:
                return await _bounded(serial_at(server, self._origin))
            except (UpstreamError, WireError, TimeoutError, ValueError) as failure:
                error = _text(failure)
        raise TransferError(error)

    async def zone(self) -> Zone:
        """The zone of the first primary that gives it. Raises `TransferError`."""
        error = "no primaries"
        async with self._room:
            for server in self.servers:
                try:
                    zone = await _bounded(zone_at(server, self._origin))
                except (UpstreamError, WireError, TimeoutError, ValueError) as failure:
                    error = _text(failure)
                    log.error('Failed to transfer `%s\' from "%s": %s', self._text, server, error)
                    continue
                log.info("Transferred: %s from %s", self._text, server)
                if zone.outside:
                    log.warning("%d records from %s are outside zone %s", zone.outside, server, self._text)
                return zone
        raise TransferError(error)


async def _bounded(work: Awaitable[T]) -> T:
    async with asyncio.timeout(LONGEST_TRANSFER):
        return await work


def _text(failure: Exception) -> str:
    return f"not done after {LONGEST_TRANSFER:g} s" if type(failure) is TimeoutError else str(failure)


def _question(origin: bytes, rtype: int) -> tuple[bytes, bytes]:
    """A fresh id, and the message with it."""
    ident, _ = draw()
    return ident, ident + HEADER.pack(0, 0, 1, 0, 0, 0)[2:] + question(origin, rtype).wire


async def serial_at(server: Server, origin: bytes) -> int:
    """The serial of a zone at a server. Raises `UpstreamError`, `WireError`, and `ValueError` for the address."""
    ident, message = _question(origin, codes.SOA)
    async with Dialogue(Endpoint(*server)) as dialogue:
        dialogue.send(message)
        packet = await dialogue.receive()
    reply = read_message(packet)
    asked = reply.question
    if packet[:2] != ident or not reply.flags & codes.QR or asked is None:
        raise WireError("not a reply to what was asked")
    if (asked.folded, asked.type, asked.cls) != (origin, codes.SOA, codes.IN):
        raise WireError("a reply to another question")
    if reply.rcode:
        raise WireError(f"{server}: {codes.rcode_name(reply.rcode)}")
    for record in reply.answer:
        if record.type == codes.SOA and record.owner is not None and record.owner.lower() == origin:
            return int.from_bytes(record.data[-_NUMBERS:][:4], "big")
    raise WireError(f"{server}: no SOA")


async def zone_at(server: Server, origin: bytes) -> Zone:
    """A zone, whole. Raises `UpstreamError`, `WireError`, and `ValueError` for the address."""
    ident, message = _question(origin, codes.AXFR)
    incoming = Incoming(origin, ident)
    async with Dialogue(Endpoint(*server)) as dialogue:
        dialogue.send(message)
        done = False
        while not done:
            done = await asyncio.to_thread(incoming.take, await dialogue.receive())
    return await asyncio.to_thread(incoming.zone)
