"""Collectors that connect to us: every message goes to each, and who does not take it is let go.

There is no queue: what one connection has no room for ends that connection, and no other notices (`plugins.md`).
"""

import asyncio
import logging
import os
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from kdns.corefile import parse_host_port
from kdns.net.failures import reason
from kdns.plugins.dnstap import frames
from kdns.plugins.dnstap.frames import FrameError
from kdns.plugins.dnstap.target import Target

log = logging.getLogger("kdns.dnstap")

MOST = 64
"""Collectors at a time."""
ROOM = 1 << 20
"""Octets that one may leave untaken."""
WARNINGS = 1.0
"""Seconds between two warnings: who connects does not decide how much is logged."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class Collectors:
    """Implements an outlet: `takes`, `put`. `tls` makes the context, in a thread; it raises ValueError."""

    def __init__(self, target: Target, spawn: Spawn, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        self._target = target
        self._spawn = spawn
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._begun = 0
        self._quiet_until = 0.0

    def takes(self) -> bool:
        """Whether anybody listens."""
        return bool(self._writers)

    def put(self, payload: bytes) -> None:
        """Send a message to all."""
        frame = frames.data(payload)
        for writer in tuple(self._writers):
            if writer.is_closing() or writer.transport.get_write_buffer_size() > ROOM:
                self._writers.discard(writer)
                writer.transport.abort()
            else:
                writer.write(frame)

    async def listen(self) -> None:
        """Take collectors in from now on. Failure is logged only: DNS does without."""
        try:
            tls = None if self._tls is None else await asyncio.to_thread(self._tls)
            self._server = await self._listen(tls)
        except OSError as error:
            what = "unix" if self._target.proto == "unix" else "tcp"
            log.error("Failed to start dnstap listener: listen %s %s: %s", what, self._target.address, reason(error))
        except ValueError as error:
            log.error("Failed to start dnstap listener: %s", error)

    async def _listen(self, tls: ssl.SSLContext | None) -> asyncio.Server:
        if self._target.proto == "unix":
            return await asyncio.start_unix_server(self._welcome, self._target.address)
        host, port = parse_host_port(self._target.address)
        patience = frames.TIMEOUT if tls else None
        return await asyncio.start_server(self._welcome, host or None, port, ssl=tls, ssl_handshake_timeout=patience)

    def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._begun + len(self._writers) >= MOST:
            writer.transport.abort()
            return
        self._begun += 1
        self._spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One collector, from its handshake to its end."""
        try:
            try:
                await frames.begin(reader, writer)
            finally:
                self._begun -= 1
            self._writers.add(writer)
            while await reader.read(4096):
                pass  # nothing is to be said by it before we stop
        except FrameError as error:
            self._warn(error)
        except OSError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _warn(self, error: FrameError) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until:
            self._quiet_until = now + WARNINGS
            log.warning("Error creating encoder for dnstap client: %s", error)

    async def close(self) -> None:
        """Take nobody in any more, and part from those who are there."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        if self._target.proto == "unix":
            await asyncio.to_thread(_unlink, self._target.address)
        for writer in self._writers:
            writer.write(frames.control(frames.STOP))
            writer.close()
        self._writers.clear()


def _unlink(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
