"""What keeps a small HTTP endpoint up when clients are slow, many or hostile; imported only where one is started.

aiohttp waits for ever for a request that arrives in crumbs, takes any number of connections, logs a traceback for each
malformed request and tells its version. Here a connection has a few seconds per request, the longest waiting one makes
room for a new one when there are too many, and nothing is said or logged that was not asked for.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.web_request import BaseRequest

from kdns.net.http import NOT_FOUND, PLAIN, Response, Route, SlowRoute

MAX_CONNECTIONS = 128
"""Connections of one endpoint; kubelet and Prometheus need a handful."""
_LINGER = 1.0
"""Seconds in which a body that nobody wants is read, so that the response is not lost with it."""
_log = logging.getLogger("kdns")


class Guard(web.Server):
    """Makes a connection's protocol, and knows all that are open, oldest first."""

    def __init__(self, routes: Mapping[str, Route | SlowRoute], timeout: float) -> None:
        super().__init__(self._answer, request_factory=self._request)
        self._routes = routes
        self.timeout = timeout
        self.open: dict[_Connection, None] = {}

    def __call__(self) -> web.RequestHandler:
        """A protocol for a connection that was accepted."""
        return _Connection(self)

    async def end(self, grace: float) -> None:
        """Close idle connections at once, the others after their response or after `grace` seconds."""
        self.pre_shutdown()
        await self.shutdown(grace)
        for connection in list(self.open):
            connection.abort()

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
        return _Request(message, payload, protocol, writer, task, self._loop)

    async def _answer(self, request: BaseRequest) -> web.StreamResponse:
        connection = cast(_Connection, request.protocol)
        route = self._routes.get(request.path)
        if isinstance(route, SlowRoute):
            connection.allow(route.limit + self.timeout)
            return _response(await route.answer(request.query))
        connection.allow(self.timeout)
        return _response(NOT_FOUND if route is None else route(request.headers))


class _Connection(web.RequestHandler):
    """aiohttp's protocol, with an end to its patience."""

    def __init__(self, guard: Guard) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(
            guard,
            loop=loop,
            keepalive_timeout=guard.timeout,
            lingering_time=_LINGER,
            access_log=None,  # type: ignore[arg-type] # which is how aiohttp is told to keep none
        )
        self._guard = guard
        self._deadline: asyncio.TimerHandle | None = None
        self._raw: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._raw = cast(asyncio.Transport, transport)  # uvloop's are no subclass
        self.allow(self._guard.timeout)
        if len(self._guard.open) > MAX_CONNECTIONS:
            next(iter(self._guard.open)).abort()

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._guard.open.pop(self, None)
        super().connection_lost(exc)

    def allow(self, seconds: float) -> None:
        """From now on it has so much time, and is the last to make room."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.abort)
        self._guard.open.pop(self, None)
        self._guard.open[self] = None

    def abort(self) -> None:
        """Close the connection, whatever is still to be sent."""
        if self._raw is not None:
            self._raw.abort()

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP gets a short answer and no log line; a route that fails is our fault and gets one."""
        if request.writer.output_size:
            raise ConnectionError("the response is on its way already")
        if status >= 500:
            _log.error("HTTP %s: %r", request.path, exc, exc_info=exc)
        response = _response(Response(f"{status}\n".encode(), status))
        response.force_close()
        return response


class _Request(BaseRequest):
    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)


def _response(response: Response) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: response.content_type or PLAIN, **response.headers}
    return web.Response(status=response.status, body=response.body, headers=headers)
