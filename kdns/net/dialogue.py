"""A connection for one question that is answered by many messages, as a zone transfer is (RFC 5936 section 4.1).

Each wait is bounded; how many messages are taken is for the caller to bound. What is received and not yet taken is at
most what the stream buffers, some 128 KiB: a peer that sends faster is held up by TCP.
"""

import asyncio
from types import TracebackType
from typing import Self

from kdns.net.endpoint import Endpoint, path
from kdns.net.failures import UpstreamError, UpstreamTimeout, reason

DIAL_TIMEOUT = 2.0
"""Seconds for the connection, as CoreDNS waits."""
READ_TIMEOUT = 10.0
"""Seconds for each message."""


class Dialogue:
    """A connection over TCP, without TLS, that is open while it is entered. Entering raises `UpstreamError`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._path = f"tcp {endpoint}"

    async def __aenter__(self) -> Self:
        sock, peer = self._endpoint.stream_socket()
        try:
            async with asyncio.timeout(DIAL_TIMEOUT):
                await asyncio.get_running_loop().sock_connect(sock, peer)
            self._path = path("tcp", sock, self._endpoint)
            self._reader, self._writer = await asyncio.open_connection(sock=sock)
        except TimeoutError as error:
            sock.close()
            raise UpstreamTimeout(f"dial tcp {self._endpoint}: i/o timeout") from error
        except OSError as error:
            sock.close()
            raise UpstreamError(f"dial tcp {self._endpoint}: connect: {reason(error)}") from error
        except BaseException:
            sock.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    def send(self, message: bytes) -> None:
        """Send a message of at most 65535 octets."""
        self._writer.write(len(message).to_bytes(2, "big") + message)

    async def receive(self) -> bytes:
        """The next message. Raises `UpstreamError` if there is none."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                size = await self._reader.readexactly(2)
                return await self._reader.readexactly(int.from_bytes(size, "big"))
        except TimeoutError as error:
            raise UpstreamTimeout(f"read {self._path}: i/o timeout") from error
        except asyncio.IncompleteReadError as error:
            raise UpstreamError(f"read {self._path}: {'unexpected ' if error.partial else ''}EOF") from error
        except OSError as error:
            raise UpstreamError(f"read {self._path}: read: {reason(error)}") from error
