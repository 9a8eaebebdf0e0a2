"""One client's TCP connection: frames in, frames out, in whatever order replies become ready (RFC 7766).

Theory. The client sets the pace of what comes in, never the amount of what is held for it. A turn answers a bounded
number of queries; further ones wait here only as far as they were read, and nothing is read while the client does not
take its replies or has too many queries waiting. The rest is held by the kernel's windows, at the client's cost.

A session is *calm* while it reads, has nothing left over and is not to end. Then a turn is just a turn; otherwise
`_settle` looks at how things stand and decides what comes next.

Taking leave is half a close: our end is shut, and what still comes in is thrown away until the client has closed as
well. A plain close with octets unread would be a reset, which can take replies away that are still on their way.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import cast

from kdns.net.bounds import HIGH_WATER, LINGER, LONGEST, MEMORY, OUTPUT, QUERIES
from kdns.net.host import Host

_NEW, _OPEN, _ENDING, _HALF, _DEAF, _GONE = range(6)
"""Stages. Ending: what was read is still answered. Half: the same, and the client has closed its end. Deaf: we took
leave and wait for the client to do so."""


class Session(asyncio.BufferedProtocol):
    """Answers the queries of one connection between two addresses; `host` is the listener that accepted it."""

    _transport: asyncio.Transport

    def __init__(self, host: Host, peer: tuple[str, int], local: str) -> None:
        self.peer = peer
        self.local = local
        self.family = host.family
        self.since = host.ticker.now
        """When something last happened that counts: it was accepted, a message was read, a late reply was sent."""
        self.waiting = 0
        """Queries whose replies come later."""
        self._host = host
        self._patience = host.limits.first_read
        self._stage = _NEW
        self._rest = b""
        self._left = host.limits.max_queries if host.limits.max_queries > 0 else sys.maxsize
        self._held = 0
        self._full = False
        self._calm = True
        self._busy = False
        """A turn is under way, or due, and will settle what comes next."""
        self._ready: list[Callable[[], None]] = []
        """Who has more to send as soon as there is room."""

    def introduced(self, peer: tuple[str, int], local: str) -> None:
        """A proxy says between whom it is."""
        self.peer, self.local = peer, local
        self.family = 2 if ":" in peer[0] else 1

    # What the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands, TLS included."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(HIGH_WATER)
        self._stage = _OPEN

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended, one way or another."""
        self._stage = _GONE
        self._host.held -= self._held
        self._host.left(self)
        self._tell_ready()

    def get_buffer(self, sizehint: int) -> memoryview:
        """All sessions read into the same place: `buffer_updated` follows at once."""
        return self._host.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        if self._stage < _DEAF:
            self._turn(self._rest + self._host.buffer[:nbytes])

    def eof_received(self) -> bool:
        """The client sends no more; what it asked is still answered, but for TLS, which cannot be closed by half."""
        if self._stage < _HALF:
            self._stage = _HALF
            self._calm = False
        return (self.waiting > 0 or self._busy) and self._transport.can_write_eof()

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        self._full = True
        self._calm = False
        self._begin_patience(self._host.limits.write)

    def resume_writing(self) -> None:
        """It does again."""
        self._full = False
        self._begin_patience(self._host.limits.idle)
        self._tell_ready()
        if not self._busy:
            self._settle()

    # Turns

    def _turn(self, data: bytes) -> None:
        """Answer the messages that have arrived: all, or as many as are one session's share of the loop."""
        self._busy = True
        host = self._host
        hit, most = host.hit, host.limits.in_flight
        share = quota = min(QUERIES, self._left)
        replies: list[bytes] = []
        size = at = 0
        end = len(data)
        while quota and size < OUTPUT and at + 2 <= end:
            stop = at + 2 + (data[at] << 8 | data[at + 1])
            if stop > end:
                break
            packet = data[at + 2 : stop]
            at = stop
            quota -= 1
            reply = hit(packet)
            if reply is None:
                reply = self._miss(packet)
                if reply is None:
                    if self.waiting >= most:
                        break
                    continue
            length = len(reply)
            size += length
            replies += (length.to_bytes(2, "big"), reply)
        self._rest = data[at:]
        self._left -= share - quota
        host.received += share - quota
        if at:
            self._begin_patience(host.limits.idle)
        if replies:
            self._transport.write(b"".join(replies))
        self._busy = False
        if at < end or not self._calm or self.waiting >= most or not self._left:
            self._settle()

    def _miss(self, packet: bytes) -> bytes | None:
        self.waiting += 1
        exchange = StreamExchange(self)
        reply = self._host.miss(packet, exchange)
        if reply is None:
            return None
        exchange.withdraw()
        self.waiting -= 1
        return self._sendable(reply)

    def _sendable(self, reply: bytes) -> bytes | None:
        if len(reply) <= LONGEST:
            return reply
        self._host.dropped += 1
        return None

    def answered(self, reply: bytes | None) -> None:
        """A query that waited has its reply, or will not have one."""
        self.waiting -= 1
        if self._stage >= _DEAF or self._transport.is_closing():
            return
        if reply is not None and self._sendable(reply) is not None:
            if not self._full:
                self._begin_patience(self._host.limits.idle)
            self._transport.write(len(reply).to_bytes(2, "big") + reply)
        if not self._calm and not self._busy:
            self._settle()

    @property
    def is_open(self) -> bool:
        """Whether replies may still arrive."""
        return self._stage < _DEAF and not self._transport.is_closing()

    def passes(self, part: bytes, ready: Callable[[], None]) -> None:
        """Send a message of a reply that goes on; `ready` is called later, when there is room or no client."""
        if self.is_open and self._sendable(part) is not None:
            if not self._full:
                self._begin_patience(self._host.limits.idle)
            self._transport.write(len(part).to_bytes(2, "big") + part)
        self._ready.append(ready)
        if not self._full or not self.is_open:
            self._tell_ready()

    def _tell_ready(self) -> None:
        ready, self._ready = self._ready, []
        for call in ready:
            asyncio.get_running_loop().call_soon(call)

    def _settle(self) -> None:
        """See what comes next: read on, go on with what was read, wait, or take leave."""
        if self._stage >= _DEAF or self._transport.is_closing():
            return
        if not self._left:
            self._stage = max(self._stage, _ENDING)
            self._rest = b""
        more = self._has_message()
        blocked = self._full or self.waiting >= self._host.limits.in_flight
        reads = not more and not blocked and self._stage == _OPEN
        self._calm = reads and not self._rest
        if self._holds_too_much():
            self._transport.abort()
        elif reads:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()
            if more and not blocked:
                self._busy = True
                asyncio.get_running_loop().call_soon(self._go_on)
            elif not more and not self.waiting and self._stage > _OPEN:
                self._take_leave()

    def _go_on(self) -> None:
        if self._stage < _DEAF and not self._transport.is_closing():
            self._turn(self._rest)

    def _has_message(self) -> bool:
        rest = self._rest
        return len(rest) >= 2 and len(rest) >= 2 + (rest[0] << 8 | rest[1])

    def _holds_too_much(self) -> bool:
        """Whether all sessions together hold too much, and this one more than its share."""
        held = len(self._rest) + (self._transport.get_write_buffer_size() if self._full else 0)
        self._host.held += held - self._held
        self._held = held
        return self._host.held > MEMORY and held > MEMORY // self._host.limits.connections

    # Times and ends

    def _begin_patience(self, patience: float) -> None:
        self.since = self._host.ticker.now
        self._patience = patience

    @property
    def is_idle(self) -> bool:
        """Whether it would lose nothing by being closed."""
        return self._stage == _OPEN and self._calm and not self.waiting

    def expire(self, time: float) -> None:
        """End it if nothing has happened for too long. While replies are owed, it is not the client who is late."""
        if self._stage == _NEW or time < self.since + self._patience:
            return
        if self._stage >= _DEAF or self._full:
            self._transport.abort()
        elif self.waiting:
            self.since = time
        else:
            self._take_leave()

    def leave(self) -> None:
        """Answer what was read, then end."""
        if self._stage == _OPEN:
            self._stage = _ENDING
            self._calm = False
            if not self._busy:
                self._settle()

    def abort(self) -> None:
        """End it now."""
        if self._stage != _NEW:
            self._transport.abort()

    def _take_leave(self) -> None:
        transport, stage = self._transport, self._stage
        self._stage = _DEAF
        self._rest = b""
        self._begin_patience(LINGER)
        if stage == _HALF or not transport.can_write_eof():
            transport.close()
        else:
            transport.write_eof()
            transport.resume_reading()


class StreamExchange:
    """A query that is not answered yet. See `Exchange`. One that is let go of without a reply is never answered."""

    __slots__ = ("_open", "_session")

    proto = "tcp"

    def __init__(self, session: Session) -> None:
        self._session = session
        self._open = True

    @property
    def client(self) -> tuple[str, int]:
        """Where the query came from."""
        return self._session.peer

    @property
    def local(self) -> str:
        """Where it was sent to."""
        return self._session.local

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6."""
        return self._session.family

    def reply(self, packet: bytes) -> None:
        """Send the reply, unless there was one or the connection has ended."""
        if self._open:
            self._open = False
            self._session.answered(packet)

    @property
    def is_open(self) -> bool:
        """Whether what is sent may still arrive."""
        return self._open and self._session.is_open

    def part(self, packet: bytes, ready: Callable[[], None]) -> None:
        """Send a message of several; `ready` is called, never at once, when another may be sent."""
        self._session.passes(packet, ready)

    def finish(self) -> None:
        """There is no more."""
        if self._open:
            self._open = False
            self._session.answered(None)

    def withdraw(self) -> None:
        """The reply has gone another way."""
        self._open = False

    def __del__(self) -> None:
        if self._open:
            self._open = False
            self._session.answered(None)
