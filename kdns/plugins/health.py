"""health: an HTTP endpoint that tells whether the process lives.

::

    health [ADDRESS] {
        lameduck DURATION
    }

Every request for `/health` at ADDRESS (`HOST:PORT`, default `:8080`) is answered 200 `OK`, also while the process is
about to end; any other path 404. An address that cannot be opened at start is fatal. With `lameduck` the end of the
process waits for DURATION while queries are still answered, so that clients have time to learn of it. A reload closes
the endpoint and opens it again; if the reload fails, where it was.

Once a second the endpoint is asked by the process itself, within 3 seconds: a failure, or an answer that took more than
a second, is a warning and tells that the process is overloaded.

Errors: "address X: missing port in address", "unable to parse lameduck duration value: ...", "unknown property 'X'",
"listen tcp X: bind: address already in use". Metrics: `coredns_health_request_duration_seconds`,
`coredns_health_request_failures_total`.

Example::

    .:1053 {
        health localhost:8080 {
            lameduck 5s
        }
        whoami
    }
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, format_duration
from kdns.metrics import SLIM_TIME_BUCKETS, Registry
from kdns.net.http import HttpEndpoint, RequestFailed, Response, get

log = logging.getLogger("kdns.health")

DEFAULT_HOST, DEFAULT_PORT = "", 8080
PATH = "/health"

PERIOD = 1.0
"""Seconds between two requests to itself, and the time that one may take without a warning."""

TIMEOUT = 3.0
"""Seconds after which a request to itself has failed."""

_OK = Response(b"OK")


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    host, port, lameduck = DEFAULT_HOST, DEFAULT_PORT, 0.0
    for line in args:
        line.at_most(1)
        host, port = line.address() if line.more else (DEFAULT_HOST, DEFAULT_PORT)
        lameduck = _lameduck(line)
    health = Health(HttpEndpoint(host, port, {PATH: _ok}), site.process.registry, site.process.clock)

    async def start() -> None:
        await health.open()
        site.wiring.spawn(health.watch())
        await asyncio.sleep(0)  # a task that is cancelled before it has begun would close nothing

    async def end() -> None:
        if lameduck > 0:
            log.info("Going into lameduck mode for %s", format_duration(lameduck))
            await asyncio.sleep(lameduck)
        await health.close()

    site.once.startup.append(start)
    site.once.restart.append(health.close)
    site.once.restart_failed.append(start)
    site.once.final_shutdown.append(end)


def _lameduck(line: Line) -> float:
    seconds = 0.0
    for option in line.block():
        if option.name != "lameduck":
            raise option.unknown_property()
        option.at_most(1)
        seconds = option.duration(wrong="unable to parse lameduck duration value: '{word}' : {error}")
    return seconds


def _ok(headers: Mapping[str, str]) -> Response:
    return _OK


class Health:
    """The endpoint of one block, and the questions that the process asks it itself."""

    def __init__(self, endpoint: HttpEndpoint, registry: Registry, clock: Callable[[], float]) -> None:
        text = "Histogram of the time (in seconds) each request took."
        duration = registry.histogram("coredns_health_request_duration_seconds", text, SLIM_TIME_BUCKETS)
        text = "The number of times the health check failed."
        failures = registry.counter("coredns_health_request_failures_total", text)
        self._endpoint = endpoint
        self._duration = duration.child()
        self._failures = failures.child()
        self._clock = clock
        self._turn = 0

    async def open(self) -> None:
        """Listen. Raises `ListenError`."""
        await self._endpoint.start()
        self._turn += 1

    async def close(self) -> None:
        """Listen no more."""
        self._turn += 1
        await self._endpoint.stop()

    async def watch(self) -> None:
        """Ask the endpoint until it is closed; close it when the instance ends some other way, as by a failed start."""
        turn = self._turn
        try:
            while turn == self._turn:
                await asyncio.sleep(PERIOD)
                if turn == self._turn:
                    await self._ask()
        finally:
            if turn == self._turn:
                await self.close()

    async def _ask(self) -> None:
        host, port, start = self._endpoint.host, self._endpoint.port, self._clock()
        try:
            _, took = await get(host, port, PATH, limit=TIMEOUT)
        except RequestFailed as error:
            self._duration.observe(self._clock() - start)
            self._failures.add()
            log.warning('Local health request to "%s" failed: %s', _url(host, port), error)
            return
        self._duration.observe(took)
        if took > PERIOD:
            took_text = format_duration(took)
            log.warning('Local health request to "%s" took more than 1s: %s', _url(host, port), took_text)


def _url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{PATH}"
