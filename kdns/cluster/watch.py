"""One collection of the API, followed for ever: load it, watch it from there, load it again where in doubt.

Theory: three loops in each other (design section 5).

* for ever (`run`): whatever ended, wait a little and begin anew;
* until gone (`_follow`): load, then watch call after watch call, each from the last version seen;
* one call (`_call`): the lines of one watch request, with a streamed list before them when it is a load.

A load is a streamed list where the server has it: one request, no big response, and the same stream goes on as the
watch. Where it refuses, pages. Either way the load is a difference to what stands in the mirror; nothing is flushed.

Every doubt is a gap, and a gap is closed by loading again: a version that is gone, one that goes backwards, a line that
cannot be read, a server that used to send bookmarks and stopped. A stream can also skip events without any sign, so the
collection is loaded again every now and then (`Pace.audit`), at the border between two calls. One unusable object is no
doubt: it is reported, what stood in its place stays, and the stream goes on.

Behaviour and log lines: kubernetes.md section 4.3.
"""

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from kdns.cluster.backoff import Backoff
from kdns.cluster.client import Batch, Client
from kdns.cluster.errors import ApiError
from kdns.cluster.kinds import Kind
from kdns.cluster.mirror import Mirror, Resync
from kdns.cluster.objects import DecodeError, Event, ObjectError, decode_event
from kdns.cluster.pages import Pages

log = logging.getLogger("kdns.kubernetes")

SLICE: Final = 64 << 10
"""Bytes of events that are decoded and applied between two yields to the loop: about 2 ms of work."""

SHORT: Final = 1.0
"""Seconds; a watch call that ends sooner is followed by a back-off, or a broken server would be asked without pause."""

GRACE: Final = 30.0
"""Seconds that a server may be late in ending a call."""

MAX_REPORTED: Final = 1000
"""Unusable objects that are remembered as reported."""


_DOUBT: Final = "Doubt"
_SAME_AGAIN: Final = ("Connection", "Timeout", "Credentials")
_UNKNOWN: Final = ("Credentials", "Unauthorized")
_WATCH: Final = {"watch": "true", "allowWatchBookmarks": "true"}
_STREAM: Final = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}


@dataclass(frozen=True, slots=True)
class Pace:
    """The waits of a reflector, in seconds, and where it has time and chance from.

    A call is asked to last between `call` and twice that. `load_silence`: how long a streamed list may send nothing.
    `bookmark`: how long a server that has sent bookmarks, one a minute by default, may send none. `audit`: the age from
    which a load is repeated, up to twice that.
    """

    call: float = 300.0
    load_silence: float = 60.0
    bookmark: float = 300.0
    audit: float = 3600.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random


class Reflector:
    """Keeps a mirror equal to the objects of one kind that a selector selects.

    `failure` says what the last attempt died of, empty while all is well; `fresh_at` is the clock's time when the
    server last proved that nothing newer is missing, None before the first load.
    """

    def __init__(self, client: Client, kind: Kind, selector: str, mirror: Mirror, pace: Pace | None = None) -> None:
        self.kind = kind
        self.failure = ""
        self.fresh_at: float | None = None
        self._client = client
        self._mirror = mirror
        self._pace = pace or Pace()
        self._backoff = Backoff(self._pace.clock, self._pace.random)
        self._title = f"*{kind.version}.{kind.name}"
        self._selectors = {
            name: text for name, text in (("labelSelector", selector), ("fieldSelector", kind.field_selector)) if text
        }
        self._version = ""
        self._loading = True
        self._streams = True
        self._bookmarks = False
        self._bookmarked = 0.0
        self._audit_at = 0.0
        self._reported: set[str] = set()

    async def run(self) -> None:
        """Follow the collection until cancelled."""
        whole = False
        while True:
            try:
                await self._follow(whole)
                whole = True
            except ApiError as error:
                whole = False
                await self._wait(error)

    async def _follow(self, whole: bool) -> None:
        """Load, then call after call, until an audit is due or something is raised that needs another load.

        `whole`: for all that is known nothing is missing; this load is an audit, and if it fails the watch goes on.
        """
        self._loading = True
        while self._loading or self._pace.clock() < self._audit_at:
            started = self._pace.clock()
            try:
                await (self._load() if self._loading else self._watch())
            except ApiError as error:
                same_again = error.refused or error.reason in _SAME_AGAIN
                if not (whole if self._loading else same_again):
                    raise
                if error.reason != "Connection" or self._pace.clock() - started < SHORT:
                    await self._wait(error)
                if self._loading:
                    self._begin_to_watch()

    async def _wait(self, error: ApiError) -> None:
        self.failure = str(error)
        if self._loading:
            log.error("Failed to watch: failed to list %s: %s", self._title, error)
        elif error.expired:
            log.info("Watch of %s: version %s is gone, listing again: %s", self._title, self._version, error)
        elif error.reason == _DOUBT:
            log.warning("Watch of %s is in doubt, listing again: %s", self._title, error)
        else:
            log.error("Failed to watch: watch of %s: %s", self._title, error)
        await self._pace.sleep(self._backoff.failed(error.retry_after))

    async def _load(self) -> None:
        """Take over the whole collection; a streamed list goes on as a watch, and both end here."""
        refusal = None
        if self._streams:
            try:
                return await self._call(_STREAM, self._mirror.resync(self.kind))
            except ApiError as error:
                if not self._loading or error.refused or error.expired or error.reason in _UNKNOWN:
                    raise
                log.debug("No streamed list of %s: %s", self._title, error)
                refusal = error
        # The first load may come from the server's cache; a later one must not be older than what is known.
        pages = Pages(self._client, self.kind, self._selectors, self._mirror, self._report)
        await self._loaded(*await pages.load(cached=not self._version))
        # A server that does not know streamed lists refuses them with 4xx; any other error may pass.
        self._streams = self._streams and (refusal is None or not 400 <= refusal.status < 500)
        return None

    async def _loaded(self, resync: Resync, version: str) -> None:
        for _ in resync.commit():
            await asyncio.sleep(0)
        if _older(version, self._version):
            log.warning("%s: the version went back from %s to %s", self._title, self._version, version)
        self._version = version
        self._begin_to_watch()
        self._proven()

    def _begin_to_watch(self) -> None:
        self._loading = self._bookmarks = False
        self._audit_at = self._pace.clock() + self._pace.audit * (1.0 + self._pace.random())

    async def _watch(self) -> None:
        await self._call({"resourceVersion": self._version}, None)

    async def _call(self, params: dict[str, str], resync: Resync | None) -> None:
        """One watch request until the server ends it, with a streamed list first if there is a `resync` to feed."""
        seconds = int(self._pace.call * (1.0 + self._pace.random()))
        params = self._selectors | _WATCH | params | {"timeoutSeconds": str(seconds)}
        started = self._bookmarked = self._pace.clock()
        async with aclosing(self._client.watch(self.kind.path, params)) as batches:
            while (batch := await self._next(batches, resync is not None, seconds)) is not None:
                resync = await self._take(batch, resync)
        if resync is not None:
            raise ApiError("the streamed list ended too soon", reason="Connection")
        if self._pace.clock() - started < SHORT:
            await self._pace.sleep(self._backoff.failed())

    async def _next(self, batches: AsyncGenerator[Batch, None], loading: bool, seconds: int) -> Batch | None:
        limit = self._pace.load_silence if loading else self._pace.bookmark if self._bookmarks else seconds + GRACE
        try:
            async with asyncio.timeout(limit):
                return await anext(batches, None)
        except TimeoutError:
            reason = _DOUBT if self._bookmarks and not loading else "Timeout"
            raise ApiError(f"nothing came for {limit:g} s", reason=reason) from None

    async def _take(self, batch: Batch, resync: Resync | None) -> Resync | None:
        """Take over a batch; what is left to be fed of the streamed list."""
        size = 0
        for line in batch:
            if line and (version := self._line(line, resync)) is not None and resync is not None:
                await self._loaded(resync, version)
                resync = None
            size += len(line)
            if size >= SLICE:
                size = 0
                await asyncio.sleep(0)
        if resync is None:
            self._proven(bool(batch))
            silent = self._pace.clock() - self._bookmarked
            if self._bookmarks and silent > self._pace.bookmark:
                raise ApiError(f"no bookmark for {silent:.0f} s", reason=_DOUBT)
        await asyncio.sleep(0)
        return resync

    def _line(self, line: bytes, resync: Resync | None) -> str | None:
        """Take over a line; the version of a streamed list that ends with it."""
        try:
            event = decode_event(self.kind, line)
        except ObjectError as error:
            if resync is not None:
                resync.keep(error)
            self._report([error])
            return None
        except DecodeError as error:
            raise ApiError(f"a line that cannot be read: {error}", reason=_DOUBT) from error
        if event.type == "ERROR":
            raise ApiError(event.message or "an error without a message", status=event.code, reason=event.reason)
        if resync is None:
            self._advance(event)
        if event.change is not None:
            (resync or self._mirror).apply(event.change)
        return event.resource_version if event.initial_events_end else None

    def _advance(self, event: Event) -> None:
        version = event.resource_version
        if _older(version, self._version):
            raise ApiError(f"the version went back from {self._version} to {version}", reason=_DOUBT)
        self._version = version or self._version
        if event.type == "BOOKMARK":
            self._bookmarks, self._bookmarked = True, self._pace.clock()

    def _proven(self, fresh: bool = True) -> None:
        """The server answers; `fresh`: and it has said how things stand now."""
        if fresh:
            self.fresh_at = self._pace.clock()
        if self.failure:
            log.info("Watch of %s goes on", self._title)
            self.failure = ""

    def _report(self, errors: Iterable[ObjectError]) -> None:
        for error in errors:
            text = str(error)
            if text not in self._reported and len(self._reported) < MAX_REPORTED:
                self._reported.add(text)
                log.warning("Skipping an object that cannot be used: %s", text)
                if len(self._reported) == MAX_REPORTED:
                    log.warning("No more objects of %s that cannot be used will be reported", self._title)


def _older(version: str, than: str) -> bool:
    """Versions are opaque but for their order, and for that only if they are numbers."""
    return version.isdecimal() and than.isdecimal() and int(version[:20]) < int(than[:20])
