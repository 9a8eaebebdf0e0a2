"""A worker's life: what a forked process does until it ends.

It ends at once when the link does, as the first process has ended then; and in good order when it is told to leave.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from kdns.chain.roles import Informant
from kdns.chain.site import Process
from kdns.corefile import ConfigError, Corefile
from kdns.metrics import Registry
from kdns.net.errors import ListenError
from kdns.server import build, collector
from kdns.server.instance import DRAIN_TIMEOUT, Instance
from kdns.server.ports import Place, Ports
from kdns.server.workers.descriptors import keep_only
from kdns.server.workers.link import Link, Word

FAILED = 1
"""Exit status when it cannot begin to serve."""

_NUMBER = 2
_log = logging.getLogger("kdns")


@dataclass(frozen=True, slots=True)
class Legacy:
    """What a worker has of the first process: its instance, what that was made of, and sockets by their descriptors."""

    instance: Instance
    corefile: Corefile
    process: Process
    dns_port: int
    sockets: Mapping[Place, Sequence[int]]
    link: socket.socket
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None


def live(legacy: Legacy) -> int:
    """Serve until told to leave. To be called in the child of a fork, while no loop runs. The exit status."""
    keep_only({legacy.link.fileno(), *[number for some in legacy.sockets.values() for number in some]})
    try:
        life = Life(legacy, partial(os._exit, 0), collector.overlook_loaded)
        return asyncio.Runner(loop_factory=legacy.loop_factory).run(life.run())
    except (ConfigError, ListenError) as error:
        _log.error("A further process cannot serve: %s", error)
        return FAILED


def informants(instance: Instance) -> list[Informant]:
    """Those of an instance; in each process of a server they come in the same order."""
    return [thing for thing in instance.offers() if isinstance(thing, Informant)]


class Life:
    """See the module; `orphaned` is called when the first process has ended, `loaded` when it is about to serve.

    Raises `ConfigError` for a configuration that cannot be set up any more.
    """

    def __init__(self, legacy: Legacy, orphaned: Callable[[], None], loaded: Callable[[], None]) -> None:
        self._legacy = legacy
        self._orphaned = orphaned
        self._loaded = loaded
        self._registry = Registry()
        process = legacy.process._replace(registry=self._registry, reloader=None, stop=self._stop)
        logging.disable(logging.WARNING)  # what there is to say about the configuration was said by the first process
        self._instance = build.build(legacy.corefile, process, legacy.dns_port, legacy.instance.sites)
        logging.disable(logging.NOTSET)
        self._informants = informants(self._instance)
        self._ports = Ports()

    async def run(self) -> int:
        """Serve until told to leave. Raises `ListenError`."""
        loop = asyncio.get_running_loop()
        self._left = loop.create_future()
        self._link = Link(loop, self._legacy.link, self._heard, self._orphaned)
        await self._instance.start()
        await self._instance.settle()
        self._ports.adopt(self._instance, self._legacy.sockets)
        await self._instance.serving()
        self._loaded()
        self._link.send(Word.SERVING)
        await self._left
        self._ports.retire_all()
        await self._instance.shut_down()
        await self._ports.end_retired(DRAIN_TIMEOUT, self._instance.end)
        self._link.send(Word.LEFT, self._figures())
        await self._link.sent()
        return 0

    def _heard(self, word: Word, body: bytes) -> None:
        match word:
            case Word.CHANGE:
                self._informants[int.from_bytes(body[:_NUMBER], "big")].learn(body[_NUMBER:])
            case Word.PING:
                self._link.send(Word.PONG)
            case Word.ASK:
                self._link.send(Word.FIGURES, self._figures())
            case Word.LEAVE if not self._left.done():
                self._left.set_result(None)
            case _:
                pass

    def _figures(self) -> bytes:
        return msgspec.msgpack.encode(self._registry.figures())

    def _stop(self, status: int) -> None:
        self._link.send(Word.STOP, bytes([status & 0xFF]))
