"""Frames over a socket pair between the first process and a worker.

A frame is its length (4 octets), a word (1 octet) and a body. Sending never waits: what the other side does not take
is kept here, and `behind` says how much that is. The frames of one round of the loop leave together. When the other
process ends, however that happens, the pair is at its end, and `lost` is called, once.
"""

import asyncio
import socket
from collections.abc import Callable
from enum import IntEnum
from struct import Struct

CHUNK = 1 << 16
"""Octets read at a time; their changes take a few milliseconds."""
MAX_FRAME = 1 << 26
_HEAD = Struct(">IB")


class Word(IntEnum):
    """What a frame says. The first ones are for workers, those from `SERVING` on for the first process."""

    CHANGE = 0
    """Number of the informant (2 octets), then what it tells."""
    PING = 1
    ASK = 2
    """For `FIGURES`."""
    LEAVE = 3
    """Take nothing new, answer what was asked, and end."""
    SERVING = 4
    """It reads its sockets."""
    PONG = 5
    FIGURES = 6
    """MessagePack: what it has counted so far."""
    LEFT = 7
    """The same, for the last time: it ends now as it was told to."""
    STOP = 8
    """The whole server is to end, with a status (1 octet)."""


class Link:
    """One end, on a loop that need not run yet. Takes the socket over."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        heard: Callable[[Word, bytes], None],
        lost: Callable[[], None],
    ) -> None:
        sock.setblocking(False)
        self._loop = loop
        self._sock = sock
        self._heard = heard
        self._lost = lost
        self._read = bytearray()
        self._unsent = bytearray()
        self._sending = False
        self._open = True
        self._sent: asyncio.Future[None] | None = None
        loop.add_reader(sock, self._receive)

    @property
    def behind(self) -> int:
        """Octets that the other side has not taken yet."""
        return len(self._unsent)

    def send(self, word: Word, body: bytes = b"") -> None:
        """Send a frame at the end of this round. After the end of the pair nothing happens."""
        if not self._open:
            return
        self._unsent += _HEAD.pack(len(body), word)
        self._unsent += body
        if not self._sending:
            self._sending = True
            self._loop.call_soon(self._flush)

    async def sent(self) -> None:
        """Wait until everything was sent, or the pair is at its end."""
        if self._sending and self._open:
            self._sent = self._loop.create_future()
            await self._sent

    def close(self) -> None:
        """Hear and send nothing more."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._sock)
            self._loop.remove_writer(self._sock)
            self._sock.close()
            self._unsent.clear()
            self._tell_sent()

    def _flush(self) -> None:
        if not self._open:
            return
        try:
            while self._unsent:
                del self._unsent[: self._sock.send(memoryview(self._unsent)[:CHUNK])]
        except (BlockingIOError, InterruptedError):
            self._loop.add_writer(self._sock, self._flush)
            return
        except OSError:
            self._end()
            return
        self._loop.remove_writer(self._sock)
        self._sending = False
        self._tell_sent()

    def _tell_sent(self) -> None:
        if self._sent is not None and not self._sent.done():
            self._sent.set_result(None)

    def _receive(self) -> None:
        try:
            data = self._sock.recv(CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        self._read += data
        self._take()

    def _take(self) -> None:
        at, end = 0, len(self._read)
        while end - at >= _HEAD.size and self._open:
            length, word = _HEAD.unpack_from(self._read, at)
            if length > MAX_FRAME:
                self._end()
                return
            start = at + _HEAD.size
            if end - start < length:
                break
            at = start + length
            self._heard(Word(word), bytes(memoryview(self._read)[start:at]))
        del self._read[:at]

    def _end(self) -> None:
        self.close()
        self._lost()
