"""How a make-believe API server answers: refusals, and right responses spoilt as a fault says."""

from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from tests.kit.faults import Fault, Seen, status_body
from tests.kit.selectors import compile_selector
from tests.kit.store import Matches


class Refused(Exception):
    """A request that is answered with an error."""

    def __init__(
        self,
        status: int,
        message: str = "",
        reason: str = "",
        retry_after: int | None = None,
        body: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self._status = status
        self._body = status_body(status, message, reason, retry_after) if body is None else body
        self._retry_after = retry_after

    def response(self) -> web.Response:
        """It as HTTP."""
        headers = {} if self._retry_after is None else {"Retry-After": str(self._retry_after)}
        if 300 <= self._status < 400:
            headers["Location"] = "/elsewhere"
        return web.Response(status=self._status, body=self._body, headers=headers, content_type="application/json")


def matcher(seen: Seen) -> Matches:
    """What its selectors select."""
    labels = compile_selector(seen.params.get("labelSelector", ""))
    fields = compile_selector(seen.params.get("fieldSelector", ""))
    return lambda stored: labels(stored.labels) and fields(stored.fields)


async def send(request: web.Request, parts: AsyncIterator[bytes], fault: Fault) -> web.StreamResponse:
    """The parts as a chunked response, spoilt as the fault says. What refuses does so before its first part."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    sent = 0
    first = await anext(parts)
    await response.prepare(request)
    try:
        async for part in _spoilt(first, parts, fault):
            await response.write(part)
            sent += len(part)
    except ConnectionAbortedError:
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


async def whole(body: bytes) -> AsyncIterator[bytes]:
    """A response in one part."""
    yield body


async def _spoilt(first: bytes, parts: AsyncIterator[bytes], fault: Fault) -> AsyncIterator[bytes]:
    left = min((bound for bound in (fault.cut, fault.end) if bound is not None), default=1 << 62)
    async for part in _chain((*fault.lines, first), parts):
        for piece in (part[at : at + 1] for at in range(len(part))) if fault.slow else (part,):
            if piece[:left]:
                yield piece[:left]
            left -= len(piece)
            if left <= 0:
                if fault.cut is not None:
                    raise ConnectionAbortedError
                return


async def _chain(first: Iterable[bytes], parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    for part in first:
        yield part
    async for part in parts:
        yield part
