"""pprof: where the process spends its time and its memory, over HTTP.

::

    pprof [ADDRESS] {
        block [RATE]
    }

Serves at ADDRESS (`HOST:PORT`, default `localhost:6053`):

    /debug/pprof/                      this list
    /debug/pprof/profile?seconds=N     CPU time by stack, over N seconds, default 30, at most 300
    /debug/pprof/heap                  objects by type, with their number and size
    /debug/pprof/cmdline               the command line, its words parted by NUL

A profile has a line for each stack, outermost function first, and the microseconds of CPU time seen in it: what
flamegraph.pl, inferno and speedscope read. The stacks are those of the thread that answers queries, a hundred a second,
which costs a hundredth of its speed. One is made at a time. The heap is what the garbage collector knows of: containers
and instances, without what they hold.

`block` is read and has no effect. An address that cannot be opened at start is fatal. Once in a block.

Errors: "address X: missing port in address", "this plugin can only be used once per Server Block", "property 'block'
invalid integer value 'X'", "unknown property 'X'", "listen tcp X: bind: address already in use". Metrics: none.

Example::

    .:1053 {
        pprof localhost:6053
        whoami
    }
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.net.errors import ListenError
from kdns.net.http import HttpEndpoint, Response, Route, SlowRoute
from kdns.plugins.pprof import heap, profile

log = logging.getLogger("kdns.pprof")

HOST, PORT, PATH = "localhost", 6053, "/debug/pprof"
DEFAULT, LONGEST = 30, 300
"""Seconds of a profile."""
HEAP_LIMIT = 60.0
"""Seconds in which the heap has to be counted; millions of objects take a few."""

_INDEX = Response(b"/debug/pprof/\n\ncmdline\nheap\nprofile?seconds=30\n")
_MOVED = Response(b"", 302, headers={"Location": f"{PATH}/"})
_BUSY = Response(b"Could not enable CPU profiling: cpu profiling already in use\n", 500)


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    host, port = line.address() if line.more else (HOST, PORT)
    line.end()
    for option in line.block():
        _read(option)
    pprof = Pprof(host, port, site.process.clock)
    site.once.startup.append(pprof.open)
    site.once.shutdown.append(pprof.close)


def _read(option: Line) -> None:
    if option.name != "block":
        raise option.unknown_property()
    if option.more:
        option.integer(wrong="property 'block' invalid integer value '{word}'")
    option.end()


class Pprof:
    """The endpoint of one block. Must be opened by the thread that answers queries."""

    def __init__(self, host: str, port: int, clock: Callable[[], float]) -> None:
        routes: dict[str, Route | SlowRoute] = {
            PATH: lambda headers: _MOVED,
            f"{PATH}/": lambda headers: _INDEX,
            f"{PATH}/cmdline": lambda headers: Response("\0".join(sys.orig_argv).encode()),
            f"{PATH}/heap": SlowRoute(_heap, HEAP_LIMIT),
            f"{PATH}/profile": SlowRoute(self._profile, LONGEST),
        }
        self._endpoint = HttpEndpoint(host, port, routes)
        self._clock = clock
        self._running: threading.Event | None = None

    async def open(self) -> None:
        """Listen. Raises `ListenError`."""
        try:
            await self._endpoint.start()
        except ListenError as error:
            log.error("Failed to start pprof handler: %s", error)
            raise

    async def close(self) -> None:
        """Listen no more; a profile under way ends now."""
        if self._running is not None:
            self._running.set()
        await self._endpoint.stop()

    async def _profile(self, parameters: Mapping[str, str]) -> Response:
        if self._running is not None:
            return _BUSY
        stop = self._running = threading.Event()
        try:
            stacks = await profile.take(seconds(parameters), stop, self._clock)
        finally:
            self._running = None
        return Response(profile.collapsed(stacks))


def seconds(parameters: Mapping[str, str]) -> int:
    """How long a profile is to take; what is no number of seconds is the default, as with Go."""
    text = parameters.get("seconds", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    return min(number, LONGEST) or DEFAULT


async def _heap(parameters: Mapping[str, str]) -> Response:
    return Response(heap.table(await heap.count()))
