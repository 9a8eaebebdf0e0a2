"""Answering over TCP: accepts connections, bounds what they cost together, and ends those that take too long.

What is said on a connection is its session's matter: DNS by default (RFC 7766, RFC 7858 over TLS), or HTTP.

One coarse timer serves all connections. When there are too many, the one that was idle for longest makes room; where
none is, newcomers wait in the kernel's queue, as they do while the process has no file descriptor left.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from kdns.net.bounds import ACCEPTS, BUFFER, SPARED, StreamLimits
from kdns.net.exchange import Responder
from kdns.net.host import Connection, Welcome
from kdns.net.proxied import Gate
from kdns.net.session import Session
from kdns.net.ticker import Ticker

GREETING = 0.05
"""Seconds that clients which have just connected have to ask, when the listener is about to take leave of them."""
PERIOD = 0.5
"""Seconds between two looks at the clock; time-outs may be late by two of them."""

_DEFAULTS = StreamLimits()
_TICKER = partial(Ticker, period=PERIOD)


class StreamListener:
    """Serves a listening, non-blocking stream socket, which it then owns.

    `limits`, `tls` and `gate` may be replaced at any time: the first holds from then on, the others for connections
    that come later. With `gate` a connection may begin with a PROXY header, before TLS. `session` makes what speaks on
    a connection, `ticker` the timer that calls a sweep.
    """

    def __init__(
        self,
        sock: socket.socket,
        responder: Responder,
        limits: StreamLimits = _DEFAULTS,
        *,
        tls: ssl.SSLContext | None = None,
        gate: Gate | None = None,
        session: Welcome = Session,
        ticker: Callable[[Callable[[float], bool]], Ticker] = _TICKER,
    ) -> None:
        self.limits = limits
        self.tls = tls
        self.gate = gate
        self.family = 2 if sock.family == socket.AF_INET6 else 1
        self.buffer = memoryview(bytearray(BUFFER))
        self.ticker = ticker(self._sweep)
        self.sessions: set[Connection] = set()
        self.held = 0
        self.received = 0
        """Messages read."""
        self.dropped = 0
        """Replies that were not sent because no message is that long."""
        self.refused = 0
        """Connections closed at once, as their client had enough of them."""
        self._sock = sock
        self._session = session
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = False
        self._accepting = False
        self._opening: set[asyncio.Task[Any]] = set()
        self._by_client: Counter[str] = Counter()
        self._spare: list[Connection] = []
        self._spared_at = 0.0
        self._empty: asyncio.Future[None] | None = None
        self.answer_with(responder)

    def answer_with(self, responder: Responder) -> None:
        """Ask this responder from the next message on. What the one before it still owes goes out all the same."""
        self.hit = responder.hit
        self.miss = responder.miss

    def fileno(self) -> int:
        """The descriptor of its socket."""
        return self._sock.fileno()

    def start(self) -> None:
        """Accept connections on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._wanted = True
        self._accept_some()

    def pause(self) -> None:
        """Stop accepting: new connections wait in the kernel. Those that stand are served."""
        self._wanted = False
        self._accept_none()

    async def drain(self, seconds: float) -> None:
        """Accept no more, answer what has arrived, take leave of every client; close after so many seconds at most."""
        self.pause()
        await asyncio.sleep(GREETING if self.sessions else 0)  # in which what lies in the sockets is read, at least
        for task in self._opening:
            task.cancel()
        for session in tuple(self.sessions):
            session.leave()
        if self.sessions:
            self._empty = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._empty,), timeout=seconds)
        self.close()

    def close(self) -> None:
        """Close the socket and all connections. Replies that come later are ignored."""
        self.pause()
        self._sock.close()
        for task in self._opening:
            task.cancel()
        for session in tuple(self.sessions):
            session.abort()

    # Accepting

    def _accept_some(self) -> None:
        if self._loop is not None and self._wanted and not self._accepting:
            self._accepting = True
            self._loop.add_reader(self._sock, self._accept, self._loop)

    def _accept_none(self) -> None:
        if self._loop is not None and self._accepting:
            self._accepting = False
            self._loop.remove_reader(self._sock)

    def _accept(self, loop: asyncio.AbstractEventLoop) -> None:
        for accepted in range(ACCEPTS):
            if len(self.sessions) >= self.limits.connections:
                if accepted:  # whether somebody else wants in is known when we are called again
                    return
                if not self._make_room():
                    self._accept_none()
                    return
            try:
                sock, address = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:  # no descriptor or no memory left: the next sweep tries again
                self._accept_none()
                self._tick()
                return
            self._open(loop, sock, address)

    def _make_room(self) -> bool:
        """Close the connection that was idle for longest; False if all are busy, or new."""
        now = self.ticker.now
        if self._spared_at != now:
            self._spared_at = now
            self._spare = sorted(self.sessions, key=lambda session: session.since, reverse=True)
        while self._spare:
            session = self._spare.pop()
            if session in self.sessions and session.is_idle and now >= session.since + SPARED:
                session.abort()
                return True
        return False

    def _open(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, address: tuple[str, int]) -> None:
        client = address[0].partition("%")[0]
        if 0 < self.limits.connections_per_client <= self._by_client[client]:
            self.refused += 1
            sock.close()
            return
        self._tick()
        sock.setblocking(False)
        session = self._session(self, (client, address[1]), sock.getsockname()[0].partition("%")[0])
        self.sessions.add(session)
        self._by_client[client] += 1
        gate = self.gate
        task = loop.create_task(
            self._connect(loop, session, sock) if gate is None else self._introduce(loop, session, sock, gate)
        )
        self._opening.add(task)
        task.add_done_callback(partial(self._opened, session, sock))

    def _connect(self, loop: asyncio.AbstractEventLoop, session: Any, sock: socket.socket) -> Coroutine[Any, Any, Any]:
        patience = self.limits.first_read if self.tls else None
        return loop.connect_accepted_socket(lambda: session, sock, ssl=self.tls, ssl_handshake_timeout=patience)

    async def _introduce(
        self, loop: asyncio.AbstractEventLoop, session: Connection, sock: socket.socket, gate: Gate
    ) -> None:
        """Read the PROXY header, if there is one, before anything else."""
        header = await gate.introduced(sock, session.peer[0], self.limits.first_read)
        if header is not None and header.source is not None and header.destination is not None:
            self._forget(session)
            session.introduced(header.source, header.destination[0])
            self._by_client[session.peer[0]] += 1
        await self._connect(loop, session, sock)

    def _opened(self, session: Connection, sock: socket.socket, task: "asyncio.Task[Any]") -> None:
        self._opening.discard(task)
        if task.cancelled() or task.exception() is not None:
            sock.close()
            self.left(session)

    # What sessions report

    def left(self, session: Connection) -> None:
        """See `Host`."""
        if session not in self.sessions:
            return
        self.sessions.discard(session)
        self._forget(session)
        self._accept_some()
        if not self.sessions and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    def _forget(self, session: Connection) -> None:
        client = session.peer[0]
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def _tick(self) -> None:
        if not self.ticker.running:
            self.ticker.start()

    def _sweep(self, time: float) -> bool:
        for session in tuple(self.sessions):
            session.expire(time)
        self._accept_some()
        return bool(self.sessions)
