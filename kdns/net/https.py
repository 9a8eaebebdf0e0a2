"""One client's HTTPS connection: who speaks on it, what it may cost, and how its requests reach the responder.

Imported only where there is an `https://` listener. HTTP/2 is chosen by ALPN (RFC 7301); without TLS, or with clients
that do not ask for it, it is HTTP/1.1. Both give a request's words to `ask` and get a response, now or later. Time and
memory are counted here, as for a DNS session: a connection without a whole request for too long is ended, and so is
one that does not take its responses, or holds more than its share when all together hold too much.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol, cast

from kdns.net import doh
from kdns.net.bounds import LINGER, MEMORY
from kdns.net.doh import Response
from kdns.net.host import Host
from kdns.net.http1 import Http1, Http1Server
from kdns.net.http2 import Http2

Done = Callable[[Response], None]
_NEW, _OPEN, _DEAF = range(3)
"""Stages. Deaf: we took leave and wait for the client to do so."""


class _Speaker(Protocol):
    """A protocol of asyncio's that speaks one version of HTTP for a session."""

    @property
    def is_busy(self) -> bool:
        """Whether a request was begun and is not answered, or responses are still to be sent."""
        ...

    def tick(self, oldest: float) -> None:
        """Give up requests that were begun before and are not complete."""
        ...

    def leave(self) -> None:
        """Answer what was asked, and close the transport."""
        ...


class HttpsSession(asyncio.Protocol):
    """A connection between two addresses, until it is known which version it speaks; and its books after that."""

    def __init__(self, host: Host, peer: tuple[str, int], local: str, https: "Https") -> None:
        self.peer = peer
        self.local = local
        self.family = host.family
        self.since = host.ticker.now
        self.waiting = 0
        """Queries that the responder has not answered, those of requests that were given up among them."""
        self.host = host
        self._https = https
        self._patience = host.limits.first_read
        self._stage = _NEW
        self._held = 0
        self._full = False
        self._transport: asyncio.Transport
        self._speaker: _Speaker

    def introduced(self, peer: tuple[str, int], local: str) -> None:
        """See `Connection`."""
        self.peer, self.local = peer, local
        self.family = 2 if ":" in peer[0] else 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands, TLS included."""
        self._transport = cast(asyncio.Transport, transport)
        self._stage = _OPEN
        secured = transport.get_extra_info("ssl_object")
        chosen = None if secured is None else secured.selected_alpn_protocol()
        speaker: Any = Http2(self) if chosen == "h2" else Http1(self, self._https.server)
        self._speaker = speaker
        self._transport.set_protocol(speaker)
        speaker.connection_made(transport)

    def ended(self) -> None:
        """The speaker lost its connection."""
        self._stage = _DEAF
        self.weigh(0)
        self.host.left(self)

    # Requests

    def ask(self, method: bytes, target: bytes, body: bytes, done: Done) -> Response | None:
        """The response to a request if it is known at once; otherwise `done` is called with it later."""
        try:
            packet = doh.message(method, target, body) if doh.is_ours(target) else b""
        except doh.BadRequest:
            return self._counted(doh.INVALID)
        if not packet:
            return self._counted(doh.NOT_FOUND)
        host = self.host
        host.received += 1
        reply = host.hit(packet)
        if reply is None:
            self.waiting += 1
            exchange = WebExchange(self, done)
            reply = host.miss(packet, exchange)
            if reply is None:
                return None
            exchange.withdraw()
            self.waiting -= 1
        return self._counted(doh.response(reply))

    def answered(self, done: Done, reply: bytes | None) -> None:
        """A query that waited has its reply, or will have none."""
        self.waiting -= 1
        done(self._counted(doh.response(reply)))

    def _counted(self, response: Response) -> Response:
        self._https.count(response.status)
        return response

    # What speakers report

    def advanced(self) -> None:
        """A request was answered."""
        if not self._full:
            self._begin_patience(self.host.limits.idle)

    def blocked(self, full: bool) -> None:
        """The client does not take its responses, or does again."""
        if full != self._full:
            self._full = full
            self._begin_patience(self.host.limits.write if full else self.host.limits.idle)

    def moved(self) -> None:
        """The client took a part of what it had left."""
        self.since = self.host.ticker.now

    def weigh(self, held: int) -> None:
        """Count what waits here, in octets. The connection ends if all hold too much and this one more than a share."""
        host = self.host
        host.held += held - self._held
        self._held = held
        if host.held > MEMORY and held > MEMORY // max(1, min(host.limits.connections, 1024)):
            self._transport.abort()

    # Times and ends

    def _begin_patience(self, patience: float) -> None:
        self.since = self.host.ticker.now
        self._patience = patience

    @property
    def is_idle(self) -> bool:
        """See `Connection`."""
        return self._stage == _OPEN and not self.waiting and not self._speaker.is_busy

    def expire(self, time: float) -> None:
        """See `Connection`. While replies are owed, it is not the client who is late."""
        if self._stage == _NEW:
            return
        if self._stage == _OPEN:
            self._speaker.tick(time - self.host.limits.first_read)
        if time < self.since + self._patience:
            return
        if self._stage == _DEAF or self._full:
            self._transport.abort()
        elif self.waiting:
            self.since = time
        elif self._speaker.is_busy:
            self._transport.abort()
        else:
            self.leave()

    def leave(self) -> None:
        """See `Connection`."""
        if self._stage == _OPEN:
            self._speaker.leave()
            if not self.waiting and not self._full:
                self._stage = _DEAF
                self._begin_patience(LINGER)

    def abort(self) -> None:
        """See `Connection`."""
        if self._stage != _NEW:
            self._transport.abort()


class Https:
    """Makes the sessions of one listener; `count` is told the status of every response. Needs a running loop."""

    def __init__(self, count: Callable[[int], None]) -> None:
        self.count = count
        self.server = Http1Server()

    def __call__(self, host: Host, peer: tuple[str, int], local: str) -> HttpsSession:
        """See `Welcome`."""
        return HttpsSession(host, peer, local, self)


class WebExchange:
    """A request that is not answered yet. See `Exchange`. One that is let go of without a reply is told so."""

    __slots__ = ("_done", "_session")

    proto = "tcp"

    def __init__(self, session: HttpsSession, done: Done) -> None:
        self._session = session
        self._done: Done | None = done

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
        done, self._done = self._done, None
        if done is not None:
            self._session.answered(done, packet)

    def withdraw(self) -> None:
        """The reply has gone another way."""
        self._done = None

    def __del__(self) -> None:
        done, self._done = self._done, None
        if done is not None:
            self._session.answered(done, None)
