"""The workers of the instance in force.

Every socket is read by somebody at every moment: the first process reads a worker's sockets until it hears that the
worker does, and again from the tick on in which the worker is known to be gone. One that ends by itself is an error in
the log, and is followed by another one, the later the oftener that happens.
"""

import asyncio
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from kdns.chain.site import Process
from kdns.corefile import Corefile, format_duration
from kdns.server.instance import DRAIN_TIMEOUT, Instance
from kdns.server.ports import Place, Ports
from kdns.server.workers.life import Legacy, informants, live
from kdns.server.workers.rounds import Birth
from kdns.server.workers.worker import Worker

MAX_PROCESSES = 64
"""Further sockets are shared out among so many processes."""
GRACE = 2 * DRAIN_TIMEOUT + 2
"""Seconds that a worker has to leave; it gives itself two less."""
ANSWER = 1.0
"""Seconds that workers have to tell their figures; those that do not are shown with the last ones."""
FIRST_DELAY, LONGEST_DELAY = 0.1, 30.0
"""Seconds until a worker that ended is followed by another one; it doubles each time."""
STEADY = 60.0
"""Seconds of life after which an end is the first one again."""

_log = logging.getLogger("kdns")


class Forker(Protocol):
    """See `rounds.Rounds`."""

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None

    def fork(self, birth: Birth) -> None:
        """Fork soon, between two rounds of the loop."""
        ...


class Crew:
    """See the module. Sums of metrics go into the registry of `process`."""

    def __init__(self, forker: Forker, ports: Ports, process: Process, dns_port: int) -> None:
        self._forker = forker
        self._ports = ports
        self._process = process
        self._dns_port = dns_port
        self._watch: Watch | None = None
        process.registry.gather = self._gather

    def begin(self, instance: Instance, corefile: Corefile) -> None:
        """Have workers for an instance that has settled, and that all sockets are served with."""
        self._watch = Watch(self, instance, corefile)
        self._watch.begin(shares(self._ports.places(instance)))

    def leave(self) -> "Watch | None":
        """Send the workers away. Wait for them by `Watch.gone`."""
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.leave()
        return watch

    def kill(self) -> None:
        """End all workers now."""
        watch = self.leave()
        for worker in tuple(watch.workers.values()) if watch else ():
            worker.kill()

    async def _gather(self) -> None:
        """Bring the figures of all workers up to date."""
        workers = list(self._watch.workers.values()) if self._watch else []
        if workers:
            await asyncio.wait([asyncio.create_task(worker.ask()) for worker in workers], timeout=ANSWER)
        for worker in workers:
            if worker.alive and worker.figures is not None:
                self._process.registry.heard(worker, worker.figures)


class Watch:
    """The workers of one instance, by number, from 1 on."""

    def __init__(self, crew: Crew, instance: Instance, corefile: Corefile) -> None:
        self.workers: dict[int, Worker] = {}
        self._instance = instance
        self._corefile = corefile
        self._forker, self._ports = crew._forker, crew._ports
        self._process, self._dns_port = crew._process, crew._dns_port
        self._over = False
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def begin(self, shared: Mapping[int, Sequence[Place]]) -> None:
        """Have a worker for each share of places."""
        for number, places in shared.items():
            self._tasks[number] = asyncio.get_running_loop().create_task(self._keep(number, places))

    def leave(self) -> None:
        """Send all away, and let no others follow."""
        self._over = True
        for number, task in self._tasks.items():
            if number in self.workers:
                self.workers[number].leave()
            else:
                task.cancel()

    async def gone(self) -> None:
        """Wait until all have ended. Those that take too long are killed."""
        tasks = self._tasks.values()
        if not tasks:
            return
        _, slow = await asyncio.wait(tasks, timeout=GRACE)
        if slow:
            for worker in tuple(self.workers.values()):
                _log.warning("Process %d took too long to leave and was killed", worker.pid)
                worker.kill()
            await asyncio.wait(slow)

    async def _keep(self, number: int, places: Sequence[Place]) -> None:
        delay, clock = FIRST_DELAY, self._process.clock
        while True:
            born = clock()
            cause = await self._one(number, places)
            if self._over:
                return
            if clock() - born > STEADY:
                delay = FIRST_DELAY
            _log.error("A further process %s, another one follows in %s", cause, format_duration(delay))
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    async def _one(self, number: int, places: Sequence[Place]) -> str:
        """From a fork to the worker's end: what came of it."""
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[Worker | OSError] = loop.create_future()
        mine, its = socket.socketpair()
        sockets = {place: self._ports.descriptors(place) for place in places}
        legacy = Legacy(
            self._instance, self._corefile, self._process, self._dns_port, sockets, its, self._forker.loop_factory
        )

        def born(outcome: int | OSError) -> None:
            its.close()
            if isinstance(outcome, OSError):
                mine.close()
                arrived.set_result(outcome)
            else:
                arrived.set_result(self._born(loop, outcome, mine, number, places))

        birth = Birth(partial(live, legacy), born)
        self._forker.fork(birth)
        try:
            arrival = await arrived
        finally:
            if not arrived.done() or arrived.cancelled():
                birth.cancelled = True
                mine.close()
                its.close()
        return f"could not be made: {arrival.strerror}" if isinstance(arrival, OSError) else await arrival.ended()

    def _born(
        self, loop: asyncio.AbstractEventLoop, pid: int, link: socket.socket, number: int, places: Sequence[Place]
    ) -> Worker:
        def over() -> None:
            del self.workers[number]
            if not self._over:
                self._ports.take_back(places)
            if worker.figures is not None:
                self._process.registry.heard(worker, worker.figures)
            self._process.registry.ended(worker)

        worker = self.workers[number] = Worker(
            loop,
            pid,
            link,
            informants(self._instance),
            serving=partial(self._ports.lend, places),
            stop=self._process.stop,
            over=over,
        )
        return worker


def shares(places: Sequence[Place]) -> dict[int, list[Place]]:
    """Which worker reads which places; the rest, those of number 0 among them, is the first process's."""
    processes = min(1 + max([place.number for place in places], default=0), MAX_PROCESSES)
    shared: dict[int, list[Place]] = {}
    for place in places:
        if place.number % processes:
            shared.setdefault(place.number % processes, []).append(place)
    return shared
