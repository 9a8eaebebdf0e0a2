"""HTTP/1.1 on one DNS over HTTPS connection, by aiohttp; imported only where there is an `https://` listener.

aiohttp reads requests, bounds how many of them may wait in line, and answers them one after the other. What it would
do beside that, it is kept from: unpack bodies, keep logs, tell its version.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.web_protocol import RequestPayloadError
from aiohttp.web_request import BaseRequest

from kdns.net import doh
from kdns.net.doh import Response

if TYPE_CHECKING:
    from kdns.net.https import HttpsSession

_MAX_FIELD = 8190
"""Octets of a header field."""
_LINGER = 1.0
"""Seconds in which a body that nobody wants is read, so that the response is not lost with it."""
_FOREVER = 1e6
"""Seconds; the session knows better when to close."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_log = logging.getLogger("kdns")


class Http1Server(web.Server):
    """aiohttp's server for the connections of one listener. Needs a running loop."""

    def __init__(self) -> None:
        super().__init__(_answer, request_factory=self._request)

    def _request(self, message: Any, payload: Any, protocol: Any, writer: Any, task: Any) -> BaseRequest:
        return _Request(message, payload, protocol, writer, task, self._loop)


async def _answer(request: BaseRequest) -> web.StreamResponse:
    return await cast(Http1, request.protocol).respond(request)


class Http1(web.RequestHandler):
    """aiohttp's protocol for a session, which watches time and memory in its place."""

    def __init__(self, session: "HttpsSession", server: Http1Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=_FOREVER,
            lingering_time=_LINGER,
            access_log=None,  # type: ignore[arg-type] # which is how aiohttp is told to keep none
            max_line_size=doh.MAX_TARGET,
            max_field_size=_MAX_FIELD,
            auto_decompress=False,
        )
        self._session = session
        self._raw: asyncio.Transport | None = None
        self._ending = False
        self.is_busy = False
        """A request is being answered."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection stands."""
        super().connection_made(transport)
        self._raw = cast(asyncio.Transport, transport)  # uvloop's are no subclass

    def connection_lost(self, exc: BaseException | None) -> None:
        """The connection has ended."""
        super().connection_lost(exc)
        self._session.ended()

    def pause_writing(self) -> None:
        """The client does not take what is sent."""
        super().pause_writing()
        self._session.blocked(True)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._session.blocked(False)

    def tick(self, oldest: float) -> None:
        """Nothing: requests come one by one, and the session counts from the last one that was answered."""

    def leave(self) -> None:
        """Close the connection, after the response that is under way."""
        self._ending = True
        if not self.is_busy and self._raw is not None:
            self._raw.close()

    async def respond(self, request: BaseRequest) -> web.StreamResponse:
        """The response to a request."""
        self.is_busy = True
        try:
            response = _web(await self._response(request))
        finally:
            self.is_busy = False
            self._session.advanced()
        if self._ending:
            response.force_close()
        return response

    async def _response(self, request: BaseRequest) -> Response:
        target = request.raw_path.encode("utf-8", "surrogateescape")
        body = b""
        if request.method == hdrs.METH_POST and doh.is_ours(target):
            body = await self._body(request)
        arrived: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def done(response: Response) -> None:
            if not arrived.done():
                arrived.set_result(response)

        response = self._session.ask(request.method.encode(), target, body, done)
        return await arrived if response is None else response

    async def _body(self, request: BaseRequest) -> bytes:
        """The body of a request; nothing, which is no message either, if it is too long or not sent as announced."""
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(_CONTINUE)
            request.writer.output_size = 0
        body = bytearray()
        try:
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > doh.MAX_BODY:
                    return b""
                self._session.weigh(len(body))
        except (RequestPayloadError, HttpProcessingError):
            return b""
        finally:
            self._session.weigh(0)
        return bytes(body)

    def handle_error(
        self, request: BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What is no HTTP gets Go's short answer and no log line; anything else is our fault and gets one."""
        if request.writer.output_size or isinstance(exc, ConnectionError):
            raise ConnectionError("the response is on its way already, or the client is not there any more")
        if isinstance(exc, LineTooLong):
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        if status >= 500:
            _log.error("HTTPS %s: %r", request.path, exc, exc_info=exc)
        response = web.Response(status=status)
        response.body = f"{status} {response.reason}".encode()
        response.headers[hdrs.CONTENT_TYPE] = "text/plain; charset=utf-8"
        response.force_close()
        return response


class _Request(BaseRequest):
    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        response.headers.popall(hdrs.SERVER, None)


def _web(response: Response) -> web.Response:
    headers = {name.title(): value for name, value in response.headers}
    return web.Response(status=response.status, body=response.body, headers=headers)
