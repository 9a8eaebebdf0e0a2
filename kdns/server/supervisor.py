"""The process's one instance at a time: started, replaced at a reload, stopped (`corefile.md` sections 11-13).

At a reload everything that can go wrong without touching the old instance is done first: the file is read and parsed
and all plugins are set up while the old one runs on, probes and metrics included. Only then does it let go of its HTTP
addresses for the new one, and takes them back if that cannot be started after all.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TypeVar

from kdns.chain.site import Process
from kdns.corefile import ConfigError, Corefile, digest
from kdns.net.errors import ListenError
from kdns.server import build, collector, plan
from kdns.server.instance import DRAIN_TIMEOUT, Instance
from kdns.server.ports import Ports
from kdns.server.source import Input, Source, SourceError
from kdns.server.workers.crew import Crew, Forker, Watch

START_ERRORS = (ConfigError, SourceError, ListenError)
"""What keeps an instance from starting; the text of each is for the operator and complete."""

T = TypeVar("T")
_log = logging.getLogger("kdns")


class Supervisor:
    """Implements `chain.site.Reloader`. `dns_port` is the port of keys without one.

    `owns_process`: there is nothing else in the process, so its garbage collector may be told what to look at. `forker`
    makes further processes, where a configuration asks for some; without it all sockets are served by this one.
    """

    def __init__(
        self,
        source: Source,
        process: Process,
        dns_port: int,
        *,
        owns_process: bool = False,
        forker: Forker | None = None,
    ) -> None:
        self._source = source
        self._process = process._replace(reloader=self)
        self._dns_port = dns_port
        self._owns_process = owns_process
        self._ports = Ports()
        self._crew = None if forker is None else Crew(forker, self._ports, self._process, dns_port)
        self._instance: Instance | None = None
        self._turn = asyncio.Lock()
        self._started = False
        self._stopping = False

    async def start(self) -> list[str]:
        """Bring the first instance up; the lines to print about it. Raises one of `START_ERRORS`."""
        async with self._turn:
            if self._owns_process:
                collector.expect_load()
            instance, corefile = await self._made()
            settled = instance.chooses_by_load()
            await self._bring_up(instance, settled=settled)
            instance.spawn(self._settle(instance, corefile, settled=settled))
            self._instance = instance
            self._started = True
            return plan.listing(instance.sockets())

    async def _settle(self, instance: Instance, corefile: Corefile, *, settled: bool) -> None:
        if not settled:
            await instance.settle()
        if self._owns_process:
            collector.overlook_loaded()
        if self._crew is not None and self._instance is instance:
            self._crew.begin(instance, corefile)

    async def digest(self) -> str:
        """SHA-512 of the configuration as it stands now, whatever words it has. Raises `ConfigError` or `SourceError`.

        A word that kdns lacks is found when the change is tried: once, and with its place.
        """
        return digest(await self._parsed(await self._source.read(), known_words=False))

    async def reload(self) -> None:
        """Put the configuration as it stands now in force. Raises one of `START_ERRORS`; then the old one stays."""
        async with self._turn:
            old = self._instance
            if self._stopping or old is None:
                return
            try:
                corefile = await self._replace(old)
            except SourceError:
                raise
            except START_ERRORS as error:
                _log.error("Restart failed: %s", error)
                raise
            workers = self._crew.leave() if self._crew is not None else None
            await old.shut_down()
            await self._end(old, workers)
            if self._owns_process:
                collector.forget_replaced()
            if self._crew is not None and self._instance is not None:
                self._crew.begin(self._instance, corefile)
            _log.info("Reloading complete")

    async def _replace(self, old: Instance) -> Corefile:
        instance, corefile = await self._made(announced="Reloading")
        async with AsyncExitStack() as undo:
            undo.push_async_callback(old.restart_failed)
            await old.restart()
            await self._bring_up(instance, settled=True)
            undo.pop_all()
        self._instance = instance
        return corefile

    async def stop(self, *, gracefully: bool) -> None:
        """End: hooks first, while queries are still answered, lameduck among them; then the listeners.

        A second call waits for the first one's end. A start that is still under way is not waited for: nothing is
        served yet.
        """
        self._stopping = True
        if self._started:
            async with self._turn:
                await self._stop(gracefully=gracefully)

    async def _stop(self, *, gracefully: bool) -> None:
        instance, self._instance = self._instance, None
        if instance is None:
            return
        await instance.shut_down()
        await instance.final_shut_down()
        if gracefully:
            workers = self._crew.leave() if self._crew is not None else None
            self._ports.retire_all()
            await self._end(instance, workers)
        else:
            if self._crew is not None:
                self._crew.kill()
            instance.abandon()
            self._ports.close()

    async def _end(self, instance: Instance, workers: Watch | None) -> None:
        """Let everybody who answered for an instance come to an end; sockets that are not needed close after that."""

        async def answered() -> None:
            await asyncio.gather(instance.end(), *([] if workers is None else [workers.gone()]))

        await self._ports.end_retired(DRAIN_TIMEOUT, answered)

    async def _made(self, *, announced: str = "") -> tuple[Instance, Corefile]:
        """An instance of the configuration as it stands now, not started."""
        source = await self._source.read()
        if announced:
            _log.info("%s", announced)
        corefile = await self._parsed(source)
        return await _aside(partial(build.build, corefile, self._process, self._dns_port)), corefile

    async def _parsed(self, source: Input, *, known_words: bool = True) -> Corefile:
        return await _aside(partial(build.read, source, self._process, known_words=known_words))

    async def _bring_up(self, instance: Instance, *, settled: bool = False) -> None:
        async with AsyncExitStack() as undo:
            undo.push_async_callback(instance.end)
            undo.push_async_callback(instance.shut_down)
            await instance.start()
            if settled:
                await instance.settle()
            self._ports.serve(instance)
            undo.pop_all()
        await instance.serving()


async def _aside(work: Callable[[], T]) -> T:
    """Run in a thread: setups read files and certificates and import plugins, which takes up to half a second."""
    return await asyncio.get_running_loop().run_in_executor(None, work)
