"""What the library `acme` takes for its HTTP session.

The library is written for threads and runs in one. What it wants sent is sent on the loop by `web`, and the thread
waits for it. `end` ends a request that is under way, and so the thread: nothing waits for a CA when kdns ends.
"""

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from io import BytesIO
from typing import Any

import requests

from kdns.plugins.tls.web import Reply, Unreachable, Web


class Wire(requests.Session):
    """Made on the loop, used from one thread at a time."""

    def __init__(self, web: Web) -> None:
        super().__init__()
        self._web = web
        self._loop = asyncio.get_running_loop()
        self._pending: Future[Reply] | None = None
        self._ended = threading.Event()

    def request(self, method: str | bytes, url: str | bytes, *_: Any, **how: Any) -> requests.Response:
        """A response. Raises Unreachable."""
        method, url = str(method), str(url)
        if self._ended.is_set():
            raise Unreachable(f"{url}: ended")
        work = self._web.fetch(method, url, how.get("headers") or {}, how.get("data"))
        self._pending = asyncio.run_coroutine_threadsafe(work, self._loop)
        if self._ended.is_set():  # meanwhile, when there was nothing yet to cancel
            self._pending.cancel()
        try:
            reply = self._pending.result()
        except CancelledError as error:
            raise Unreachable(f"{url}: ended") from error
        return _response(method, reply)

    def end(self) -> None:
        """End what is under way, and whatever would come."""
        self._ended.set()
        if self._pending is not None:
            self._pending.cancel()


def _response(method: str, reply: Reply) -> requests.Response:
    made = requests.Response()
    made.status_code = reply.status
    made.url = reply.url
    made.headers = reply.headers
    made.request = requests.PreparedRequest()
    made.request.method = method
    made.raw = BytesIO(reply.body)
    return made
