"""Answering datagrams: one socket, its responder, and the replies that come later.

Replies of one round of the loop leave together. Everything is bounded: a batch per wake-up, the kernel's buffer for
what is not read yet, `_HELD` replies for a socket that is full. Those are tried once more when there is room again,
and then dropped and counted: their clients ask again.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from kdns.net import batch
from kdns.net.batch import BatchCarrier
from kdns.net.carrier import BATCH, REPLY_SIZE, AnyCarrier
from kdns.net.exchange import Responder
from kdns.net.single import SingleCarrier

_HELD = 1024
"""Most replies that wait for room in the socket."""
_BATCHED = batch.supported()

Letters = Sequence[tuple[Any, bytes]]


class UdpListener:
    """Serves a bound, non-blocking datagram socket, which it then owns.

    `batched` picks the carrier; they differ in speed alone.
    """

    def __init__(self, sock: socket.socket, responder: Responder, *, batched: bool = _BATCHED) -> None:
        self.family = 2 if sock.family == socket.AF_INET6 else 1
        self.carrier: AnyCarrier = BatchCarrier(sock) if batched else SingleCarrier(sock)
        self.dropped = 0
        """Replies that were not sent because the socket stayed full, or because no datagram is that long."""
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._late: list[tuple[Any, bytes]] = []
        self._held: list[tuple[Any, bytes]] = []
        self.answer_with(responder)

    def answer_with(self, responder: Responder) -> None:
        """Ask this responder from the next packet on. What the one before it still owes goes out all the same."""
        self._hit = responder.hit
        self._ask = responder.miss

    def start(self) -> None:
        """Read on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self._serve)

    def pause(self) -> None:
        """Stop reading: datagrams wait in the kernel. Replies that are owed go out."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock)

    def close(self) -> None:
        """Send what is ready and close the socket; replies that come later are ignored."""
        loop = self._loop
        if loop is not None:
            self._flush()
            loop.remove_reader(self._sock)
            loop.remove_writer(self._sock)
            self.dropped += len(self._held)
            self._held.clear()
            self._loop = None
        self._sock.close()

    def _serve(self) -> None:
        unsent = self.carrier.serve(self._hit, self._miss)
        if unsent:
            self._hold(unsent)

    def _miss(self, packet: bytes, route: Any) -> bytes | None:
        reply = self._ask(packet, UdpExchange(self, route))
        if reply is not None and len(reply) > REPLY_SIZE:
            self.dropped += 1
            return None
        return reply

    def reply_later(self, route: Any, packet: bytes) -> None:
        """Send a reply with the others of this round of the loop."""
        if self._loop is None:
            return
        if len(packet) > REPLY_SIZE:
            self.dropped += 1
            return
        if not self._late:
            self._loop.call_soon(self._flush)
        self._late.append((route, packet))

    def _flush(self) -> None:
        late, self._late = self._late, []
        sent = self._send(late)
        if sent < len(late):
            self._hold(late[sent:])

    def _send(self, letters: Letters) -> int:
        for at in range(0, len(letters), BATCH):
            some = letters[at : at + BATCH]
            sent = self.carrier.send(some)
            if sent < len(some):
                return at + sent
        return len(letters)

    def _hold(self, letters: Letters) -> None:
        if self._loop is not None and not self._held:
            self._loop.add_writer(self._sock, self._retry, self._loop)
        room = _HELD - len(self._held)
        self._held += letters[:room]
        self.dropped += len(letters[room:])

    def _retry(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_writer(self._sock)
        held, self._held = self._held, []
        self.dropped += len(held) - self._send(held)


class UdpExchange:
    """A query that is not answered yet. See `Exchange`."""

    __slots__ = ("_listener", "_replied", "_route")

    proto = "udp"

    def __init__(self, listener: UdpListener, route: Any) -> None:
        self._listener = listener
        self._route = route
        self._replied = False

    @property
    def client(self) -> tuple[str, int]:
        """Where the query came from."""
        return self._listener.carrier.client(self._route)

    @property
    def local(self) -> str:
        """Where it was sent to."""
        return self._listener.carrier.local(self._route)

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6."""
        return self._listener.family

    def reply(self, packet: bytes) -> None:
        """Send the reply, unless there was one or the listener has closed."""
        if not self._replied:
            self._replied = True
            self._listener.reply_later(self._route, packet)
