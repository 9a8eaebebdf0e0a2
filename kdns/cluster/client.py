"""The two requests that kdns makes of an API server, list and watch, as raw bytes.

Rules: nothing is parsed here but errors; every size and every wait has a bound; every failure is an `ApiError`.

* A list comes as small list documents (see `kdns.cluster.listing`), a watch as batches of whole lines: what one network
  read brought, so whoever takes a batch and then yields to the loop never holds it for long.
* A request's credentials are loaded anew when they have aged, and once more when the server says 401.
* Responses are asked for without compression: inflating would cost a tenth of the CPU time of a load.
* Lists are held to `apiserver_qps` and `apiserver_burst`; `apiserver_max_inflight` counts requests whose response
  headers have not come, so an open watch holds no place (kubernetes.md sections 3.1 and 4.3).

A session of aiohttp, not the `kubernetes` package's pool: that one builds its TLS context on the loop, cannot tell an
idle stream from a long one, and its import costs 20 MB.
"""

import asyncio
import logging
import platform
import socket
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Final, Protocol

import aiohttp

from kdns import __version__
from kdns.cluster.credentials import Access, Credentials, CredentialsError
from kdns.cluster.errors import ApiError, response_error, transport_error
from kdns.cluster.listing import Cutter, ListError
from kdns.cluster.throttle import Throttle

log = logging.getLogger("kdns.kubernetes")

USER_AGENT: Final = f"kdns/{__version__} ({sys.platform}/{platform.machine()})"

CONNECT_LIMIT: Final = 10.0
"""Seconds for TCP and TLS."""

SILENCE_LIMIT: Final = 60.0
"""Seconds without a byte after which a list, or the wait for a watch's headers, has failed."""

MAX_LINE: Final = 64 << 20
"""Bytes of the longest line of a watch; etcd holds no object of more than 1.5 MiB."""

MAX_ERROR: Final = 64 << 10
"""Bytes of an error response that are read."""

Batch = list[bytes]

_FOREIGN: Final = (aiohttp.ClientError, OSError, ValueError)


class Observer(Protocol):
    """Told of every request, for the metrics of kubernetes.md section 6.5; `host` is the server's host and port."""

    def requested(self, code: str, method: str, host: str) -> None:
        """A response, or `<error>` for none: lists and watches."""

    def took(self, verb: str, host: str, seconds: float) -> None:
        """A list from its first byte sent to its last byte read; not watches."""

    def waited(self, verb: str, host: str, seconds: float) -> None:
        """What the rate limit cost a list, often 0."""


class Unobserved:
    """The observer of a client that no metrics are taken of."""

    def requested(self, code: str, method: str, host: str) -> None:
        """See `Observer`."""

    def took(self, verb: str, host: str, seconds: float) -> None:
        """See `Observer`."""

    def waited(self, verb: str, host: str, seconds: float) -> None:
        """See `Observer`."""


class Client:
    """Lists and watches the collections of one API server. `max_inflight` 0 means no limit."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        throttle: Throttle | None = None,
        max_inflight: int = 0,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.monotonic,
        silence_limit: float = SILENCE_LIMIT,
    ) -> None:
        self._credentials = credentials
        self._throttle = throttle or Throttle()
        self._inflight: AbstractAsyncContextManager[Any] = (
            asyncio.Semaphore(max_inflight) if max_inflight else nullcontext()
        )
        self._observer = observer or Unobserved()
        self._clock = clock
        self._silence_limit = silence_limit
        self._session: aiohttp.ClientSession | None = None
        self._access: Access | None = None
        self._loaded = 0.0
        self._loading = asyncio.Lock()

    async def list(self, path: str, params: Mapping[str, str]) -> AsyncGenerator[bytes, None]:
        """One list request (one page, if `params` has a limit) as list documents; the last one has the metadata.

        Raises `ApiError`.
        """
        access = await self._current()
        self._observer.waited("GET", _host(access), await self._throttle.wait())
        started = self._clock()
        cutter = Cutter()
        try:
            async with self._get(access, path, params, self._silence_limit) as response:
                async for data in response.content.iter_any():
                    for document in cutter.feed(data):
                        yield document
            yield cutter.finish()
        except ListError as error:
            raise ApiError(str(error), reason="Malformed") from error
        except _FOREIGN as error:
            raise transport_error(error) from error
        finally:
            self._observer.took("GET", _host(access), self._clock() - started)

    async def watch(self, path: str, params: Mapping[str, str]) -> AsyncGenerator[Batch, None]:
        """One watch request as batches of whole lines, until the server ends it.

        The first batch is empty: the server has granted the watch. A line that the connection's end cuts short is
        dropped. How long silence may last is the caller's to say. Raises `ApiError`.
        """
        access = await self._current()
        rest = bytearray()
        try:
            async with self._get(access, path, params, None) as response:
                yield []
                async for data in response.content.iter_any():
                    first, *lines = data.split(b"\n")
                    rest += first
                    if lines:
                        first, rest = bytes(rest), bytearray(lines.pop())
                        yield [first, *lines]
                    elif len(rest) > MAX_LINE:
                        raise ApiError(f"a line of more than {MAX_LINE} bytes", reason="Malformed")
        except _FOREIGN as error:
            raise transport_error(error) from error

    async def close(self) -> None:
        """End all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def _get(
        self, access: Access, path: str, params: Mapping[str, str], silence: float | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        response = await self._send(access, path, params, silence)
        try:
            if response.status == 401:
                response.close()
                access = await self._current(refused=access)
                response = await self._send(access, path, params, silence)
            if response.status != 200:
                raise response_error(path, response.status, response.headers, await _head(response))
            yield response
        finally:
            response.close()

    async def _send(
        self, access: Access, path: str, params: Mapping[str, str], silence: float | None
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        if access.authorization:
            headers["Authorization"] = access.authorization
        code = "<error>"
        try:
            async with self._inflight, asyncio.timeout(CONNECT_LIMIT + self._silence_limit):
                response = await self._open_session().get(
                    access.url + path,
                    params=params,
                    headers=headers,
                    ssl=access.tls or True,
                    server_hostname=access.server_name,
                    proxy=access.proxy,
                    allow_redirects=False,
                    timeout=aiohttp.ClientTimeout(sock_connect=CONNECT_LIMIT, sock_read=silence),
                )
            code = str(response.status)
            return response
        finally:
            self._observer.requested(code, "GET", _host(access))

    async def _current(self, refused: Access | None = None) -> Access:
        """The credentials, loaded anew if they have aged or are those that were `refused`."""
        async with self._loading:
            access = self._access
            useless = access is None or access is refused
            if access is not None and not useless and self._clock() - self._loaded < access.good_for:
                return access
            try:
                loaded = await self._credentials.load()
            except CredentialsError as error:
                if access is None or useless:
                    raise ApiError(str(error), reason="Credentials") from error
                log.warning("Going on with the old credentials: %s", error)
                return access
            self._access, self._loaded = loaded, self._clock()
            return loaded

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, socket_factory=_socket),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _socket(address: tuple[Any, ...]) -> socket.socket:
    """A socket that notices within a minute that its peer is gone without a word (client-go has HTTP/2 pings)."""
    opened = socket.socket(family=address[0], type=address[1], proto=address[2])
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", 60_000),
    ):
        if hasattr(socket, option):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return opened


async def _head(response: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for data in response.content.iter_any():
        body += data
        if len(body) >= MAX_ERROR:
            break
    return body[:MAX_ERROR]


def _host(access: Access) -> str:
    return access.url.partition("://")[2].partition("/")[0].rpartition("@")[2]
