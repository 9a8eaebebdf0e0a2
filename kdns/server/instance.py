"""One configuration in force: its sites, its chains, its services, and its life from start to end.

An instance opens no sockets: `ports` does, and outlives it, so that a reload loses no packet.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import repeat
from typing import Any, TypeVar

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.counting import DROPPED, Counting, bare_size
from kdns.chain.handler import Link
from kdns.chain.memo import Memo
from kdns.chain.query import Query, Transport
from kdns.chain.roles import Filter, Keyholder, Labeller, Loading, Tap
from kdns.chain.site import Accountant, Forgetful, Hook, Hooks, Process, Site
from kdns.server import plan
from kdns.server.dispatch import Block, Dispatch
from kdns.server.fastpath import shortcuts
from kdns.server.service import Service
from kdns.server.signed import SignedService
from kdns.server.views import dispatch
from kdns.server.witnessed import witnessed

DRAIN_TIMEOUT = 5.0
"""Seconds that running queries have to come to their end at shutdown (`corefile.md` section 11)."""

R = TypeVar("R")
_log = logging.getLogger("kdns")


class Instance:
    """Implements `chain.site.Wiring` for its sites."""

    def __init__(self, process: Process) -> None:
        self.hooks = Hooks()
        self.sites: list[Site] = []
        self.listeners: tuple[plan.Listener, ...] = ()
        self.clock = process.clock
        self._process = process
        self._blocks: Sequence[Block] = ()
        self._keepers: list[Forgetful] = []
        self._accountants: list[Accountant] = []
        self._dispatches: dict[plan.Listener, Dispatch] = {}
        self._services: dict[tuple[plan.Listener, str, int], Service] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._counting = Counting(process.registry)
        self._panics = process.registry.counter("coredns_panics_total", "Counter of the number of panics.").child()
        self._unhook = process.registry.on_scrape(self._tell)

    # What sites see of it

    def forget(self, keys: Collection[Key]) -> None:
        """Forget every kept reply that read one of the keys, on every listener."""
        for service in self._services.values():
            service.memo.forget(keys)
        for keeper in self._keepers:
            keeper.forget(keys)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a background task until it ends or the instance shuts down; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def chain(self, name: str, link: Link) -> None:
        """Add a link to every block's chain: setups run word by word, so it comes to stand in the same place."""
        for site in self.sites:
            site.chain(name, link)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("background task %s failed: %r", task.get_coro(), error, exc_info=error)

    def offers(self) -> list[object]:
        """Everything that plugins of all blocks offered."""
        return [thing for site in self.sites for thing in site.offers]

    # Assembly

    def assemble(self, blocks: Sequence[Block], listeners: tuple[plan.Listener, ...]) -> None:
        """Take the blocks, set up and in the order of the configuration, and the listeners they need."""
        self._blocks = blocks
        self._keepers = [thing for thing in self.offers() if isinstance(thing, Forgetful)]
        self._accountants = [thing for thing in self.offers() if isinstance(thing, Accountant)]
        self.listeners = listeners
        for listener in listeners:
            served = [(zone, blocks[number]) for zone, number in listener.served]
            self._dispatches[listener] = sent = dispatch(served, self._count_dropped)
            for _, block in served:
                block.site.connect(sent.answer)

    def service(self, listener: plan.Listener, proto: str, family: int) -> Service:
        """The service of one kind of socket of a listener: `proto` udp or tcp, `family` 1 for IPv4 or 2 for IPv6."""
        service = self._services.get((listener, proto, family))
        if service is None:
            transport = Transport(proto, family, listener.label)
            sites = self.served_by(listener)
            stacktrace = any(site.listen.stacktrace or site.listen.debug for site in sites)
            memo, sent = Memo(self._process.clock), self._dispatches[listener]
            service = self._kind(listener)(transport, sent, memo, self._panics, stacktrace=stacktrace)
            if self.offered(listener, Tap):  # type: ignore[type-abstract]
                service.encode = witnessed(service.encode)
            elif not self.offered(listener, Keyholder):  # type: ignore[type-abstract]
                service.takes = shortcuts(service, sent)
            self._services[listener, proto, family] = service
        return service

    def _kind(self, listener: plan.Listener) -> Callable[..., Service]:
        """What answers on a listener: where there are TSIG keys, one that verifies and signs."""
        holders = self.offered(listener, Keyholder)  # type: ignore[type-abstract]
        if not holders:
            return Service
        secrets = {key: secret for holder in holders for key, secret in holder.tsig_secrets.items()}
        return partial(SignedService, secrets=secrets, time=self._process.time)

    def served_by(self, listener: plan.Listener) -> list[Site]:
        """The blocks of a listener, in the order of the configuration, each as often as it has keys there."""
        return [self._blocks[number].site for _, number in listener.served]

    def offered(self, listener: plan.Listener, role: type[R]) -> list[R]:
        """What plugins of the blocks of a listener offer that fits a protocol."""
        numbers = dict.fromkeys([number for _, number in listener.served])
        return [thing for number in numbers for thing in self._blocks[number].site.find(role)]

    def sockets(self) -> Iterator[plan.Listener]:
        """Every listener, as many times as it has sockets."""
        for listener in self.listeners:
            yield from repeat(listener, self.served_by(listener)[0].listen.sockets)

    def _count_dropped(self, query: Query, answer: Answer) -> None:
        question = query.question
        series = self._counting.series(query.transport, DROPPED, query.view, question.type, query.do, answer.rcode)
        series.count(query.size, bare_size(question), 0.0)
        if query.depth:  # what was asked in passing may be kept as part of another's answer
            query.basis.tallies.append(series.tally(query.size, bare_size(question)))

    def _tell(self) -> None:
        for service in self._services.values():
            service.memo.tell()
        for accountant in self._accountants:
            accountant.hand_in()

    # Life

    async def start(self) -> None:
        """Run what has to happen before the first query. Any error is fatal to the instance."""
        self._process.show_debug(any(site.listen.debug for site in self.sites))
        await _run(self.hooks.startup)

    async def settle(self) -> None:
        """Wait for what the first answers would rather have, all at once: one slow source delays no other."""
        await asyncio.gather(*[hook() for hook in self.hooks.settle])

    def chooses_by_load(self) -> bool:
        """Whether blocks are told apart by what one of them loads (`view` by `metadata`): no query may come before."""
        roles = (Filter, Labeller, Loading)
        return any(all(site.find(role) for role in roles) for site in self.sites)

    async def serving(self) -> None:
        """Its listeners are open, or were handed over to it."""
        await _run(self.hooks.serving)

    async def restart(self) -> None:
        """Make way for another instance: its probes and metrics will want the same HTTP addresses."""
        await _run(self.hooks.restart)

    async def restart_failed(self) -> None:
        """Come back after another instance could not be started."""
        await _run(self.hooks.restart_failed)

    async def shut_down(self) -> None:
        """Run the shutdown hooks, in directive order; queries are still answered meanwhile."""
        await _run(self.hooks.shutdown)

    async def final_shut_down(self) -> None:
        """Run the hooks of the end of the process, lameduck among them."""
        await _run(self.hooks.final_shutdown)

    async def end(self) -> None:
        """Let running queries come to their end, for at most `DRAIN_TIMEOUT`, then stop everything."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_TIMEOUT):
                for service in self._services.values():
                    await service.drain()
        self.abandon()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=DRAIN_TIMEOUT)

    def abandon(self) -> None:
        """Stop everything at once, and hand in what was counted."""
        self._tell()
        self._unhook()
        for task in self._tasks:
            task.cancel()
        for service in self._services.values():
            for waiting in tuple(service.waiting):
                waiting.abandon()


async def _run(hooks: Sequence[Hook]) -> None:
    for hook in hooks:
        await hook()
