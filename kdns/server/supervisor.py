"""The process's one instance at a time: started, replaced at a reload, stopped (`corefile.md` sections 11-13)."""

import asyncio
import logging

from kdns.chain.site import Process
from kdns.corefile import ConfigError, Corefile, digest
from kdns.net.errors import ListenError
from kdns.server import build, plan
from kdns.server.instance import Instance
from kdns.server.ports import Ports
from kdns.server.source import Source, SourceError

START_ERRORS = (ConfigError, SourceError, ListenError)
"""What keeps an instance from starting; the text of each is for the operator and complete."""

_log = logging.getLogger("kdns")


class Supervisor:
    """Implements `chain.site.Reloader`. `dns_port` is the port of keys without one."""

    def __init__(self, source: Source, process: Process, dns_port: int) -> None:
        self._source = source
        self._process = process._replace(reloader=self)
        self._dns_port = dns_port
        self._ports = Ports()
        self._instance: Instance | None = None
        self._turn = asyncio.Lock()
        self._stopping = False

    async def start(self) -> list[str]:
        """Bring the first instance up; the lines to print about it. Raises one of `START_ERRORS`."""
        async with self._turn:
            instance = self._build(await self._read())
            await self._bring_up(instance)
            self._instance = instance
            return plan.listing(instance.listeners)

    async def digest(self) -> str:
        """SHA-512 of the configuration as it stands now. Raises `ConfigError` or `SourceError`."""
        return digest(await self._read())

    async def reload(self) -> None:
        """Put the configuration as it stands now in force. Raises one of `START_ERRORS`; then the old one stays."""
        async with self._turn:
            old = self._instance
            if self._stopping or old is None:
                return
            corefile = await self._read()
            _log.info("Reloading")
            await old.restart()
            try:
                instance = self._build(corefile)
                await self._bring_up(instance)
            except START_ERRORS as error:
                await old.restart_failed()
                _log.error("Restart failed: %s", error)
                raise
            self._instance = instance
            await old.shut_down()
            await old.end()
            _log.info("Reloading complete")

    async def stop(self, *, gracefully: bool) -> None:
        """End: hooks first, while queries are still answered, lameduck among them; then the listeners."""
        self._stopping = True
        async with self._turn:
            instance, self._instance = self._instance, None
            if instance is None:
                return
            await instance.shut_down()
            await instance.final_shut_down()
            if gracefully:
                await instance.end()
            else:
                instance.abandon()
            self._ports.close()

    def _build(self, corefile: Corefile) -> Instance:
        return build.build(corefile, self._process, self._dns_port)

    async def _bring_up(self, instance: Instance) -> None:
        try:
            await instance.start()
            self._ports.serve(instance)
        except START_ERRORS:
            await instance.shut_down()
            instance.abandon()
            raise

    async def _read(self) -> Corefile:
        source = await self._source.read()
        return await asyncio.get_running_loop().run_in_executor(None, build.read, source, self._process)
