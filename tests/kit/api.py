"""A make-believe Kubernetes API server: list, watch, paging, bookmarks, streaming lists, and faults on demand.

In a test it runs in the test's own loop (`async with FakeApi() as api`), holds its objects in `api.store`, and does
wrong what `api.faults` says. By hand, and for benchmarks:

    python -m tests.kit.api --port 8001 fixture-cluster.yaml
    python -m tests.kit.api --port 8001 --services 10000 --endpoints 100000 --changes 200

It grants list and watch only, like the rights that kdns is given: a `get` is refused and noted in `api.seen`.
"""

import asyncio
import base64
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web

from tests.kit.faults import Fault, Seen, error_line
from tests.kit.responses import Refused, matcher, send, whole
from tests.kit.store import RESOURCES, Change, Matches, Resource, Store, Stored, bookmark_line, event_line, list_parts


class Watcher:
    """One open watch: lines to send, then how it ends."""

    def __init__(self, resource: Resource, matches: Matches) -> None:
        self.resource = resource
        self.matches = matches
        self.lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.broken = False

    def end(self, broken: bool = False) -> None:
        """End the response after the lines so far; `broken`: without the end that HTTP asks for."""
        self.broken = broken
        self.lines.put_nowait(None)


class FakeApi:
    """The server. Its switches are plain attributes, to be turned at any time.

    `streaming`: it knows `sendInitialEvents`, else it refuses it, or does not even see it (`unaware`). `whole`: with
    resourceVersion=0 a list ignores its limit, as most servers do. `gone_in_stream`: a watch from a forgotten version
    gets 200 and an ERROR event, not the status 410. `tokens`: bearer tokens that it takes, None for any. `withheld`: so
    many of the next changes reach no watcher. `denied`: (verb, plural) pairs without the right. `missing`: plurals that
    it does not serve.
    """

    def __init__(self, store: Store | None = None, *, streaming: bool = True, whole: bool = False) -> None:
        self.store = store or Store()
        self.streaming = streaming
        self.unaware = False
        self.whole = whole
        self.gone_in_stream = True
        self.tokens: set[str] | None = None
        self.withheld = 0
        self.denied: set[tuple[str, str]] = set()
        self.missing: set[str] = set()
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.watchers: list[Watcher] = []
        self.url = ""
        self._pages: dict[str, tuple[list[Stored], int]] = {}
        self._tokens = itertools.count(1)
        self._stopped = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.store.listeners.append(self._tell)

    async def start(self, host: str = "127.0.0.1", port: int = 0, ssl_context: object = None) -> None:
        """Listen; `url` says where."""
        app = web.Application()
        for resource in RESOURCES:
            app.router.add_get(resource.path, self._collection(resource))
        app.router.add_get("/{rest:.*}", self._other)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=ssl_context)  # type: ignore[arg-type]
        await site.start()
        bound = self._runner.addresses[0][1]
        self.url = f"http{'s' if ssl_context else ''}://{host}:{bound}"

    async def stop(self) -> None:
        """End all watches and stop listening; `start` with the old port brings it back."""
        self._stopped.set()
        self.end_watches()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None
        self._stopped = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rpartition(":")[2])

    def requests(self, verb: str = "", plural: str = "") -> list[Seen]:
        """The requests so far with this verb and collection."""
        return [seen for seen in self.seen if verb in ("", seen.verb) and plural in ("", seen.plural)]

    def send(self, line: bytes, plural: str = "") -> None:
        """Put a line as it is into the open watches."""
        for watcher in self._open(plural):
            watcher.lines.put_nowait(line)

    def bookmark(self, plural: str = "", version: int | None = None) -> None:
        """Send a bookmark of the store's version, or of another, to the open watches."""
        for watcher in self._open(plural):
            at = self.store.version if version is None else version
            watcher.lines.put_nowait(bookmark_line(watcher.resource, at))

    def end_watches(self, plural: str = "", broken: bool = False) -> None:
        """End the open watches; `broken`: by cutting the connection."""
        for watcher in self._open(plural):
            watcher.end(broken)
            self.watchers.remove(watcher)

    def forget_pages(self) -> None:
        """Let every continue token expire."""
        self._pages.clear()

    def _open(self, plural: str) -> list[Watcher]:
        return [watcher for watcher in self.watchers if plural in ("", watcher.resource.plural)]

    def _tell(self, change: Change) -> None:
        if self.withheld > 0:
            self.withheld -= 1
            return
        for watcher in self._open(change.resource.plural):
            if line := change.line(watcher.matches):
                watcher.lines.put_nowait(line)

    def _collection(self, resource: Resource) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            params = dict(request.query)
            verb = "watch" if params.get("watch") in ("true", "1") else "list"
            seen = Seen(verb, resource.plural, params, {key.lower(): value for key, value in request.headers.items()})
            self.seen.append(seen)
            fault = next((fault for fault in self.faults if fault.fits(seen)), Fault())
            fault.times -= 1
            if fault.hang:
                await self._stopped.wait()
            try:
                self._admit(resource, seen, fault)
                if fault.body is not None:
                    return await send(request, whole(fault.body), fault)
                parts = self._watch(resource, seen) if verb == "watch" else self._list(resource, seen)
                return await send(request, parts, fault)
            except Refused as refused:
                return refused.response()

        return handle

    async def _other(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(Seen("get", request.path, dict(request.query), dict(request.headers)))
        if request.path.startswith(("/api/", "/apis/")):
            return Refused(403, f"cannot get {request.path}").response()
        return web.Response(status=404, text="404 page not found\n")

    def _admit(self, resource: Resource, seen: Seen, fault: Fault) -> None:
        token = seen.headers.get("authorization", "").removeprefix("Bearer ")
        group = resource.api_version.rpartition("/")[0]
        if self.tokens is not None and token not in self.tokens:
            raise Refused(401, "Unauthorized")
        if resource.plural in self.missing:
            raise Refused(404, body=b"404 page not found\n")
        if (seen.verb, resource.plural) in self.denied:
            raise Refused(
                403,
                f'{resource.plural}{group and "."}{group} is forbidden: User "system:serviceaccount:'
                f'kube-system:coredns" cannot {seen.verb} resource "{resource.plural}" in API group "{group}" '
                "at the cluster scope",
            )
        if fault.status:
            raise Refused(fault.status, fault.message, fault.reason, fault.retry_after, fault.body)

    async def _list(self, resource: Resource, seen: Seen) -> AsyncIterator[bytes]:
        matches = matcher(seen)
        params = seen.params
        limit = int(params.get("limit", 0))
        if token := params.get("continue", ""):
            if token not in self._pages:
                raise Refused(410, "The provided continue parameter is too old to display a consistent list result.")
            items, version = self._pages.pop(token)
        else:
            items = [stored for _, stored in sorted(self.store.objects[resource.plural].items()) if matches(stored)]
            version = self.store.version
        if not limit or (self.whole and params.get("resourceVersion") == "0"):
            limit = len(items)
        token = ""
        if rest := items[limit:]:
            token = base64.urlsafe_b64encode(f"{version} {next(self._tokens)}".encode()).decode().rstrip("=")
            self._pages[token] = (rest, version)
        for part in list_parts(resource, items[:limit], version, token, len(rest)):
            yield part

    async def _watch(self, resource: Resource, seen: Seen) -> AsyncIterator[bytes]:
        params, matches = seen.params, matcher(seen)
        version = params.get("resourceVersion", "")
        initial = params.get("sendInitialEvents") == "true" and not self.unaware
        if initial and not self.streaming:
            raise Refused(
                422,
                "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the "
                "WatchList feature gate is enabled",
            )
        if initial and (params.get("resourceVersionMatch"), params.get("allowWatchBookmarks")) != (
            "NotOlderThan",
            "true",
        ):
            raise Refused(422, "resourceVersionMatch: Forbidden")
        if version.isdigit() and int(version) > self.store.version:
            raise Refused(504, f"Too large resource version: {version}, current: {self.store.version}")
        gone = version not in ("", "0") and not initial and int(version) < self.store.oldest
        if gone and not self.gone_in_stream:
            raise Refused(410, f"too old resource version: {version} ({self.store.oldest})")
        watcher = Watcher(resource, matches)
        backlog = self._backlog(watcher, "" if initial or version == "0" else version)
        ends = bookmark_line(resource, self.store.version, end=True) if initial else b""
        if gone:
            backlog = [error_line(410, f"too old resource version: {version} ({self.store.oldest})")]
            watcher.end()
        else:
            self.watchers.append(watcher)
        timer = asyncio.get_running_loop().call_later(float(params.get("timeoutSeconds", 1800)), watcher.end)
        try:
            yield b""
            for at in range(0, len(backlog), 64):
                yield b"".join(backlog[at : at + 64])
            if ends:
                yield ends
            while (line := await watcher.lines.get()) is not None:
                yield line
            if watcher.broken:
                raise ConnectionAbortedError
        finally:
            timer.cancel()
            if watcher in self.watchers:
                self.watchers.remove(watcher)

    def _backlog(self, watcher: Watcher, version: str) -> list[bytes]:
        resource, matches = watcher.resource, watcher.matches
        if not version:
            stored = sorted(self.store.objects[resource.plural].items())
            return [event_line(resource, "ADDED", each) for _, each in stored if matches(each)]
        lines = (change.line(matches) for change in self.store.since(resource, int(version)))
        return [line for line in lines if line]


if __name__ == "__main__":
    from tests.kit.serve import main

    main(sys.argv[1:])
