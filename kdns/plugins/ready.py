"""ready: an HTTP endpoint that tells whether the process can do its work.

::

    ready [ADDRESS] {
        monitor until-ready|continuously
    }

A request for `/ready` at ADDRESS (`HOST:PORT`, default `:8181`) is answered 200 `OK` when every plugin that can tell is
ready, else 503 with the names of those that are not, sorted and with commas between; any other path 404. The plugins of
all blocks with this word are asked, all of them if two blocks have the same one. With `until-ready` (the default) a
plugin that was ready once is not asked again, with `continuously` all are asked every time; the block parsed last
decides for all. Blocks with the same address share an endpoint. Once in a block.

An address that cannot be opened is passed over in silence. When the process begins to end, the endpoint says
`Shutting down` with 503 and closes, before a lameduck time begins.

Errors: "address X: missing port in address", "monitor type 'X' not supported", "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        ready localhost:8181 {
            monitor continuously
        }
        whoami
    }
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from kdns.chain.site import Readiness, Site
from kdns.corefile import Arguments, Line
from kdns.net.errors import ListenError
from kdns.net.http import HttpEndpoint, Response

log = logging.getLogger("kdns.ready")

DEFAULT_HOST, DEFAULT_PORT = "", 8181
PATH = "/ready"

_OK = Response(b"OK")
_SHUTTING_DOWN = Response(b"Shutting down", 503)


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    line.at_most(1)
    host, port = line.address() if line.more else (DEFAULT_HOST, DEFAULT_PORT)
    post = Post(host, port, site, continuously=_continuously(line))
    site.offer(post)

    async def start() -> None:
        if next(each for each in site.find_anywhere(Post) if each.place == post.place) is post:
            await post.open()
            site.wiring.spawn(post.hold())
            await asyncio.sleep(0)  # a task that is cancelled before it has begun would close nothing

    site.once.startup.append(start)
    site.once.restart.append(post.close)
    site.once.restart_failed.append(start)
    site.once.final_shutdown.append(post.close)


def _continuously(line: Line) -> bool:
    continuously = False
    for option in line.block():
        if option.name != "monitor":
            raise option.unknown_property()
        option.at_most(1)
        kind = option.text()
        if kind not in ("until-ready", "continuously"):
            raise option.error(f"monitor type '{kind}' not supported")
        continuously = kind == "continuously"
    return continuously


class Post:
    """What one block has to do with readiness: an address to tell it at, and plugins to ask."""

    def __init__(self, host: str, port: int, site: Site, *, continuously: bool) -> None:
        self.place = (host, port)
        self.continuously = continuously
        self._site = site
        self._seen: set[int] = set()
        self._endpoint = HttpEndpoint(host, port, {PATH: self._respond})
        self._open = False
        self._closed = asyncio.Event()

    async def open(self) -> None:
        """Listen, if the address can be opened."""
        self._seen.clear()
        self._open = True
        self._closed.clear()
        with suppress(ListenError):
            await self._endpoint.start()

    async def close(self) -> None:
        """Say that this is the end to who still asks, and listen no more."""
        self._open = False
        await self._endpoint.stop()
        self._closed.set()

    async def hold(self) -> None:
        """Wait for `close`; close when the instance ends some other way, as by a failed start."""
        try:
            await self._closed.wait()
        finally:
            if self._open:
                await self.close()

    def waiting(self) -> list[Readiness]:
        """The plugins of this block that are not ready."""
        return [each for each in self._site.find(Readiness) if not self._is_ready(each)]  # type: ignore[type-abstract]

    def _is_ready(self, plugin: Readiness) -> bool:
        """Whether a plugin is ready, or was so once if that is enough."""
        posts = self._site.find_anywhere(Post)
        if id(plugin) in self._seen and not posts[-1].continuously:
            return True
        if not plugin.ready():
            return False
        self._seen.add(id(plugin))
        return True

    def _respond(self, headers: Mapping[str, str]) -> Response:
        if not self._open:
            return _SHUTTING_DOWN
        posts = self._site.find_anywhere(Post)
        names = ",".join(sorted({each.name for post in posts for each in post.waiting()}))
        if not names:
            return _OK
        log.info('Plugins not ready: "%s"', names)
        return Response(names.encode(), 503)
