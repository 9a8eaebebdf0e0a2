"""Messages to a collector that we connect to: a bounded queue, and the task that empties it.

Nothing here ever waits on the way of a query. What the queue has no room for, and what comes while there is no
collector, is dropped and counted; the count is told every ten seconds. A connection that is lost is made anew at once
if it was old, and after ten seconds if not: a collector that takes connections only to close them is not besieged.
"""

import asyncio
import logging
import ssl
from collections import deque
from contextlib import suppress
from typing import NoReturn

from kdns.plugins.dnstap import frames
from kdns.plugins.dnstap.frames import FrameError
from kdns.plugins.dnstap.target import Streams, Target

log = logging.getLogger("kdns.dnstap")

QUEUE = 10000
"""Messages that wait, times what is configured."""
MAX_OCTETS = 64 << 20
"""Octets of them, times the same: whole messages may be large."""
BUFFER = 1 << 20
"""Octets asked of the kernel for a TCP connection, times what is configured."""
INTERVAL = 10.0
"""Seconds between two attempts to connect, and between two reports."""
FAREWELL = 1.0
"""Seconds for what is left at the end."""
_CHUNK = 65536


class Sink:
    """Implements an outlet: `takes`, `put`. `queue` and `buffer` multiply the bounds above."""

    def __init__(self, target: Target, *, queue: int = 1, buffer: int = 1, tls: ssl.SSLContext | None = None) -> None:
        self.dropped = 0
        """Messages that were not sent since the last report."""
        self._target = target
        self._tls = tls
        self._most = queue * QUEUE
        self._most_octets = queue * MAX_OCTETS
        self._buffer = buffer * BUFFER
        self._waiting: deque[bytes] = deque()
        self._octets = 0
        self._is_open = False
        self._wake = asyncio.Event()

    def takes(self) -> bool:
        """Whether there is room for a message; if not, it counts as dropped."""
        if self._is_open and len(self._waiting) < self._most and self._octets < self._most_octets:
            return True
        self.dropped += 1
        return False

    def put(self, payload: bytes) -> None:
        """Send a message, soon."""
        self._waiting.append(frames.data(payload))
        self._octets += len(payload)
        self._wake.set()

    async def report(self) -> NoReturn:
        """Tell how much was dropped, as long as something is."""
        while True:
            await asyncio.sleep(INTERVAL)
            if self.dropped:
                log.warning("Dropped dnstap messages: %d", self.dropped)
                self.dropped = 0

    async def run(self) -> NoReturn:
        """Connect, send, and connect again, until cancelled: then send what is left and part."""
        loop = asyncio.get_running_loop()
        is_first = True
        while True:
            self._is_open = True
            began = loop.time()
            try:
                streams = await self._target.connect(self._tls, self._buffer)
            except FrameError as error:
                if is_first:
                    log.error("No connection to dnstap endpoint: %s", error)
            else:
                await self._serve(*streams)
            is_first = False
            if loop.time() - began < INTERVAL:
                self._drop_all()
                await asyncio.sleep(INTERVAL)

    async def _serve(self, *streams: *Streams) -> None:
        """Send until the connection is lost."""
        writer = streams[1]
        try:
            await self._send_all(*streams)
        except FrameError as error:
            log.debug("Connection to dnstap endpoint lost: %s", error)
        except asyncio.CancelledError:
            with suppress(FrameError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self._send(*streams)
                    await frames.end(*streams)
            raise
        finally:
            writer.transport.abort()

    async def _send_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> NoReturn:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._send(reader, writer)

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send what waits, a chunk at a time."""
        while self._waiting:
            if reader.at_eof():
                raise FrameError("EOF")
            chunk, size = [], 0
            while self._waiting and size < _CHUNK:
                chunk.append(self._waiting.popleft())
                size += len(chunk[-1])
            self._octets = max(self._octets - size, 0) if self._waiting else 0
            writer.write(b"".join(chunk))
            try:
                await frames.drain(writer)
            except FrameError:
                self.dropped += len(chunk)
                raise

    def _drop_all(self) -> None:
        self._is_open = False
        self.dropped += len(self._waiting)
        self._waiting.clear()
        self._octets = 0
