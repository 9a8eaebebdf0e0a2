"""Small HTTP endpoints for probes and scrapes, and the one request that `health` sends to itself.

An endpoint maps paths to functions that give a response at once, or to a `SlowRoute`; every method will do, any other
path is 404. What serves it, `http_server`, is imported when an endpoint starts: aiohttp is 15 MiB and 150 ms that a
server without endpoints does not pay for.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kdns.net.errors import ListenError
from kdns.net.failures import host_port, reason
from kdns.net.sockets import listen

if TYPE_CHECKING:
    from kdns.net.http_server import Guard

TIMEOUT = 5.0
"""Seconds for a request to arrive and its response to leave, and for a connection to be idle."""
PLAIN = "text/plain; charset=utf-8"
_MAX_HEAD = 16384


@dataclass(frozen=True, slots=True)
class Response:
    """What an endpoint says; `headers` are further ones."""

    body: bytes
    status: int = 200
    content_type: str = PLAIN
    headers: Mapping[str, str] = field(default_factory=dict)


Route = Callable[[Mapping[str, str]], Response]
"""Gets the request's headers, in any case, and answers without waiting."""


@dataclass(frozen=True, slots=True)
class SlowRoute:
    """Gets the parameters of the request's URL, and may wait for up to `limit` seconds."""

    answer: Callable[[Mapping[str, str]], Awaitable[Response]]
    limit: float


NOT_FOUND = Response(b"404 page not found\n", 404, headers={"X-Content-Type-Options": "nosniff"})


class HttpEndpoint:
    """One listening address with its routes. `host` is an IP address, a host name, or "" for all addresses.

    It shares its port (SO_REUSEPORT), so a successor may start before it stops. It may be started again.
    """

    def __init__(
        self, host: str, port: int, routes: Mapping[str, Route | SlowRoute], *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.host = host
        self.port = port
        """Where port 0 was asked for, the one that was found."""
        self._routes = dict(routes)
        self._tls = tls
        self._servers: list[asyncio.Server] = []
        self._guard: Guard | None = None

    async def start(self) -> None:
        """Listen. Raises ListenError, in Go's words."""
        from kdns.net.http_server import Guard

        loop = asyncio.get_running_loop()
        try:
            address = await _address(self.host)
        except OSError as error:
            raise ListenError(f"listen tcp: {error}") from None
        sockets = listen("tcp", address, self.port)
        self.port = sockets[0].getsockname()[1]
        self._guard = Guard(self._routes, TIMEOUT)
        for sock in sockets:
            self._servers.append(await loop.create_server(self._guard, sock=sock, ssl=self._tls))

    async def stop(self, grace: float = TIMEOUT) -> None:
        """Close the port, let requests that are being answered end within `grace` seconds, close all connections."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        if self._guard is not None:
            await self._guard.end(grace)
            self._guard = None


class RequestFailed(Exception):
    """A request that got no response; the text is complete and Go's."""


async def get(host: str, port: int, path: str, *, limit: float = 3.0) -> tuple[int, float]:
    """GET a path of an endpoint of this process; its status, and how many seconds it took.

    `host` is as for HttpEndpoint. Raises RequestFailed, after `limit` seconds at the latest.
    """
    url = f"http://{host_port(host, port)}{path}"
    begun = time.monotonic()
    try:
        async with asyncio.timeout(limit):
            status = await _status(await _address(host, own=True), port, path)
    except TimeoutError:
        words = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        raise RequestFailed(f'Get "{url}": {words}') from None
    except OSError as error:
        raise RequestFailed(f'Get "{url}": {reason(error)}') from error
    return status, time.monotonic() - begun


async def _status(address: str, port: int, path: str) -> int:
    server = host_port(address, port)
    try:
        reader, writer = await asyncio.open_connection(address, port, limit=_MAX_HEAD)
    except OSError as error:
        raise OSError(f"dial tcp {server}: connect: {reason(error)}") from error
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        _, _, rest = line.partition(b" ")
        if not line.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise OSError("malformed HTTP response" if line else "EOF")
        while await reader.read(_MAX_HEAD):
            pass
        return int(rest[:3])
    except ValueError:  # a line without end
        raise OSError("malformed HTTP response") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _address(host: str, *, own: bool = False) -> str:
    """The IP address of a host, IPv4 if it has one. `own`: to reach it by, also where it stands for all addresses.

    Raises OSError.
    """
    if host == "localhost":  # RFC 6761 section 6.3
        return "127.0.0.1"
    if not host:
        return "127.0.0.1" if own else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return await _resolved(host)
    if own and address.is_unspecified:
        return "::1" if address.version == 6 else "127.0.0.1"
    return host


async def _resolved(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise OSError(f"lookup {host}: no such host") from None
    return str(min(found, key=lambda each: each[0] != socket.AF_INET)[4][0])
