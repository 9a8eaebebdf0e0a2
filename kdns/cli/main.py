"""The server's command line: `kdns [-conf FILE] [-dns.port N] ...`, also installed under the name `coredns`."""

import asyncio
import logging
import os
import platform
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import kdns
from kdns import plugins
from kdns.chain.site import Process
from kdns.cli.flags import Flags, parse
from kdns.metrics import Registry
from kdns.net.sockets import own_addresses
from kdns.server import logs, workers
from kdns.server.source import Source, SourceError
from kdns.server.supervisor import START_ERRORS, Supervisor
from kdns.server.workers.crew import Forker
from kdns.server.workers.rounds import Rounds

CALLBACK_FAILED = 4
"""Exit status when something failed on the way to the end."""

_log = logging.getLogger("kdns")


def main() -> None:
    """Serve until a signal says to stop; the exit status is CoreDNS's (`corefile.md` sections 10 and 11)."""
    flags = parse(sys.argv[1:])
    if flags.version:
        print(*_version(), sep="\n")
        return
    if flags.plugins:
        print(*sorted(plugins.available()), "", sep="\n")
        return
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    logs.start()
    rounds = Rounds(_loop_factory())
    status = rounds.run(_serve(flags, rounds if workers.supported() else None))
    sys.stdout.flush()
    os._exit(status)


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _version() -> tuple[str, str]:
    system = f"{platform.system().lower()}/{platform.machine().replace('x86_64', 'amd64').replace('aarch64', 'arm64')}"
    return f"kdns-{kdns.__version__}", f"{system}, python{platform.python_version()}"


async def _serve(flags: Flags, forker: Forker | None) -> int:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    source = Source(flags.conf, flags.kube_dns)
    supervisor = Supervisor(source, _process(ended), flags.port, owns_process=True, forker=forker)
    _Signals(supervisor, ended, flags.pidfile).listen()
    starting = loop.create_task(supervisor.start())
    await asyncio.wait((starting, ended), return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        return ended.result()
    try:
        listing = starting.result()
    except SourceError as error:
        print(f"loading Caddyfile via {'flag' if flags.conf else 'default'}: {error}", file=sys.stderr)
        return 1
    except START_ERRORS as error:
        print(error, file=sys.stderr)
        return 1
    if not flags.quiet:
        print(*listing, *_version(), sep="\n")
    if flags.pidfile:
        _write_pid(flags.pidfile)
    return await ended


def _write_pid(pidfile: str) -> None:
    try:
        Path(pidfile).write_text(f"{os.getpid()}\n")
    except OSError as error:
        _log.error("Could not write pidfile: %s", error)


def _process(ended: "asyncio.Future[int]") -> Process:
    def stop(status: int) -> None:
        if not ended.done():
            ended.set_result(status)

    return Process(
        registry=Registry(),
        clock=time.monotonic,
        time=time.time,
        environ=os.environ,
        hostname=socket.gethostname(),
        version=kdns.__version__,
        addresses=own_addresses,
        stop=stop,
        show_debug=logs.show_debug,
    )


class _Signals:
    """What each signal does (section 11)."""

    def __init__(self, supervisor: Supervisor, ended: "asyncio.Future[int]", pidfile: str) -> None:
        self._supervisor = supervisor
        self._ended = ended
        self._pidfile = pidfile
        self._interrupted = False
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGQUIT, self._quit)
        loop.add_signal_handler(signal.SIGUSR1, self._reload)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("signal handler failed: %r", error, exc_info=error)

    def _terminate(self) -> None:
        _log.info("SIGTERM: Shutting down servers then terminating")
        self._start(self._stop(gracefully=True))

    def _interrupt(self) -> None:
        if self._interrupted:
            _log.info("SIGINT: Force quit")
            self._end(2)
            return
        self._interrupted = True
        _log.info("SIGINT: Shutting down")
        self._start(self._stop(gracefully=False))

    def _quit(self) -> None:
        _log.info("SIGQUIT: Quitting process immediately")
        self._end(0)

    def _reload(self) -> None:
        _log.info("SIGUSR1: Reloading")
        self._start(self._reload_now())

    async def _reload_now(self) -> None:
        try:
            await self._supervisor.reload()
        except SourceError as error:
            _log.error("SIGUSR1: loading updated Caddyfile: %s", error)
        except START_ERRORS as error:
            _log.error("SIGUSR1: starting with listener file descriptors: %s", error)

    async def _stop(self, *, gracefully: bool) -> None:
        status = CALLBACK_FAILED
        try:
            if not gracefully:
                self._remove_pidfile()
            await self._supervisor.stop(gracefully=gracefully)
            status = 0
        finally:
            self._end(status)

    def _end(self, status: int) -> None:
        self._remove_pidfile()
        if not self._ended.done():
            self._ended.set_result(status)

    def _remove_pidfile(self) -> None:
        if self._pidfile:
            with suppress(OSError):
                Path(self._pidfile).unlink()
