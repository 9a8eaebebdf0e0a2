"""One TCP or TLS connection to an upstream: frames out, frames in, who waits for which id.

Many questions may be under way on one connection, and replies come in any order (RFC 7766 section 6.2.1.1). The peer is
believed about ids only as far as they were sent: a frame that fits nothing closes the connection, as nobody but the
peer could have written it.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from kdns.net.endpoint import Endpoint, local_end, path
from kdns.net.entropy import draw
from kdns.net.failures import UpstreamError, UpstreamTimeout, reason
from kdns.net.ticker import Ticker
from kdns.net.transaction import HEADER, Transaction

_SHUTDOWN = 1.0
"""Seconds a peer has to answer TLS's farewell."""


class Connection(asyncio.Protocol):
    """Carries transactions from `ask` to their replies; `lost` is called once, when it can carry no more."""

    def __init__(self, endpoint: Endpoint, ticker: Ticker, lost: Callable[["Connection", UpstreamError], None]) -> None:
        self.pending: dict[bytes, Transaction] = {}
        self.opened = self.used = ticker.now
        self.answered = 0
        """Replies since it was opened."""
        self.streak = 0
        """Replies since it was last idle: how many questions the peer took at once."""
        self.retired = False
        """To be closed as soon as nobody waits on it."""
        self.done = False
        self._endpoint = endpoint
        self._ticker = ticker
        self._lost = lost
        self._late: set[bytes] = set()
        self._buffer = bytearray()
        self._unsent: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._peer = str(endpoint)
        self._dial = asyncio.get_running_loop().create_task(self._connect(), name=f"dial {endpoint}")

    @property
    def dialling(self) -> bool:
        """Whether it is not there yet; what is asked meanwhile is sent when it is."""
        return self._transport is None

    @property
    def source(self) -> tuple[str, int] | None:
        """The local address, without zone, and port, if it is there."""
        return None if self._transport is None else local_end(self._transport.get_extra_info("socket"))

    def ask(self, transaction: Transaction) -> None:
        """Send a question, or keep it until the connection is there."""
        pending = self.pending
        if not pending:
            self.streak = 0
        ident, _ = draw()
        while ident in pending or ident in self._late:
            ident, _ = draw()
        pending[ident] = transaction
        self.used = self._ticker.now
        message = transaction.message
        frame = len(message).to_bytes(2, "big") + ident + message[2:]
        if self._transport is None:
            self._unsent.append(frame)
        else:
            self._transport.write(frame)

    def expire(self, time: float) -> list[tuple[Transaction, UpstreamError]]:
        """Take those out who have waited long enough, with what they are to be told."""
        idents = [ident for ident, transaction in self.pending.items() if transaction.deadline <= time]
        if not idents:
            return []
        self._late.update(idents)
        error = UpstreamTimeout(f"read {self._path()}: i/o timeout")
        return [(self.pending.pop(ident), error) for ident in idents]

    def drop(self) -> list[Transaction]:
        """Nobody waits any more. Gives those who did."""
        waiting = list(self.pending.values())
        self.pending.clear()
        return waiting

    def close(self, *, at_once: bool) -> None:
        """Close without a call to `lost`. `at_once` leaves out what TLS says to say goodbye."""
        self.done = True
        self._dial.cancel()
        if self._transport is not None:
            if at_once:
                self._transport.abort()
            else:
                self._transport.close()

    async def _connect(self) -> None:
        endpoint = self._endpoint
        loop = asyncio.get_running_loop()
        try:
            sock, peer = endpoint.stream_socket()
        except UpstreamError as error:
            self._end(error)
            return
        try:
            await loop.sock_connect(sock, peer)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            self._end(UpstreamError(f"dial tcp {endpoint}: connect: {reason(error)}"))
            return
        try:
            if endpoint.tls is None:
                await loop.create_connection(lambda: self, sock=sock)
            else:
                await loop.create_connection(
                    lambda: self,
                    sock=sock,
                    ssl=endpoint.tls,
                    server_hostname=endpoint.tls_name,
                    ssl_shutdown_timeout=_SHUTDOWN,
                )
        except OSError as error:
            self._end(UpstreamError(f"dial tcp {endpoint}: {_words(error)}"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what was asked while dialling; its time starts now."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        if self.done:
            self._transport.abort()
            return
        now = self._ticker.now
        for transaction in self.pending.values():
            transaction.deadline += now - self.opened
        self.opened = now
        if self._unsent:
            self._transport.write(b"".join(self._unsent))
            self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        """Cut frames (RFC 1035 section 4.2.2). At most one unfinished frame is kept."""
        buffer = self._buffer
        buffer += data
        at = 0
        while not self.done and len(buffer) - at >= 2:
            end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
            if end > len(buffer):
                break
            self._reply(bytes(buffer[at + 2 : end]))
            at = end
        del buffer[:at]

    def eof_received(self) -> None:
        """The peer sends no more."""
        self._end(UpstreamError(f"read {self._path()}: EOF"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
        words = _words(exc) if isinstance(exc, OSError) else "EOF"
        self._end(UpstreamError(f"read {self._path()}: {words}"))

    def _reply(self, reply: bytes) -> None:
        ident = reply[:2]
        transaction = self.pending.get(ident)
        if transaction is not None and len(reply) >= HEADER and transaction.accepts(reply):
            del self.pending[ident]
            self.answered += 1
            self.streak += 1
            transaction.finish(reply)
        elif transaction is None and ident in self._late:
            self._late.remove(ident)
        else:
            error = UpstreamError(f"read {self._path()}: not a reply to what was asked")
            self._end(error)
            if self._transport is not None:
                self._transport.abort()

    def _end(self, error: UpstreamError) -> None:
        if not self.done:
            self.done = True
            self._lost(self, error)

    def _path(self) -> str:
        sock = self._transport.get_extra_info("socket") if self._transport is not None else None
        return f"tcp {self._peer}" if sock is None else path("tcp", sock, self._peer)


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"tls: failed to verify certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"tls: {error.reason or error}"
    return f"read: {reason(error)}"
