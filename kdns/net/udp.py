"""Answering datagrams: one socket, its responder, and the replies that come later.

Replies of one round of the loop leave together. Everything is bounded: a batch per wake-up, the kernel's buffer for
what is not read yet, a backlog of replies for a socket that is full.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from kdns.net import batch
from kdns.net.backlog import AnyBacklog, Backlog
from kdns.net.batch import BatchCarrier
from kdns.net.carrier import BATCH, REPLY_SIZE, AnyCarrier
from kdns.net.exchange import Responder
from kdns.net.single import SingleCarrier

_BATCHED = batch.supported()
_LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
_DISCARD = 9  # RFC 863: a port that nobody sends from

Letters = Sequence[tuple[Any, bytes]]


class UdpListener:
    """Serves a bound, non-blocking datagram socket, which it then owns.

    `batched` picks the carrier; they differ in speed alone.
    """

    def __init__(self, sock: socket.socket, responder: Responder, *, batched: bool = _BATCHED) -> None:
        self.family = 2 if sock.family == socket.AF_INET6 else 1
        self._carrier: AnyCarrier = BatchCarrier(sock) if batched else SingleCarrier(sock)
        self.carrier: AnyCarrier = self._carrier
        self.dropped = 0
        """Replies that were not sent because the socket stayed full, or because no datagram is that long."""
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._late: list[tuple[Any, bytes]] = []
        self._backlog: AnyBacklog = Backlog()
        self.answer_with(responder)

    def answer_with(self, responder: Responder) -> None:
        """Ask this responder from the next packet on. What the one before it still owes goes out all the same."""
        self._ask_kept = responder.hit
        self._ask = responder.miss
        self._heed()

    def hold_in(self, backlog: AnyBacklog) -> None:
        """Keep replies that there is no room for in this backlog from now on; what is kept is kept."""
        backlog.add(self._backlog.take())
        self._backlog = backlog
        self.carrier = backlog.carrier(self._carrier)
        self._heed()

    @property
    def is_congested(self) -> bool:
        """Whether a reply would push another one out."""
        return self._backlog.full

    def _heed(self) -> None:
        """While it is congested every query is asked for in full, so that whoever would answer can see how it is."""
        self._hit = _nothing_kept if self._backlog.full else self._ask_kept

    def fileno(self) -> int:
        """The descriptor of its socket."""
        return self._sock.fileno()

    def start(self) -> None:
        """Read on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock, self._serve)

    def pause(self) -> None:
        """Stop reading: datagrams wait in the kernel. Replies that are owed go out."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock)

    def turn_away(self) -> None:
        """Have the kernel give what arrives to other sockets of the port, where there are any (SO_REUSEPORT).

        A socket with a peer gets nothing but what this one sends, which is nothing. What has arrived is still read, and
        replies go out; with a close alone it would be lost.
        """
        with suppress(OSError):
            self._sock.connect((_LOOPBACK[self._sock.family], _DISCARD))

    def close(self) -> None:
        """Send what is ready and close the socket; replies that come later are ignored."""
        loop = self._loop
        if loop is not None:
            self._flush()
            loop.remove_reader(self._sock)
            loop.remove_writer(self._sock)
            self.dropped += self._backlog.clear()
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
        if self._loop is not None and not self._backlog:
            self._loop.add_writer(self._sock, self._retry, self._loop)
        self.dropped += self._backlog.add(letters)
        self._heed()

    def _retry(self, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped += self._backlog.retry(self._send)
        if not self._backlog:
            loop.remove_writer(self._sock)
        self._heed()


def _nothing_kept(packet: bytes) -> bytes | None:
    return None


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

    @property
    def is_congested(self) -> bool:
        """Whether there is no room for a reply, and so many wait that one more would push another one out."""
        return self._listener.is_congested

    def reply(self, packet: bytes) -> None:
        """Send the reply, unless there was one or the listener has closed."""
        if not self._replied:
            self._replied = True
            self._listener.reply_later(self._route, packet)
