"""The chain of one server block, made of Corefile text by the real parser and the real setups, in a world of fakes.

    chain = chain_of('''
        .:53 {
            errors
            hosts {
                192.0.2.1 web.example
            }
        }
    ''', behind=Next(refuse(codes.REFUSED)))
    answer = chain.ask("web.example", "AAAA", client="2001:db8::7")

A clock that stands still until it is told to move, a registry of its own, and a wiring that writes down what plugins
want done. `ask` drives the coroutine by hand, as the server does, and fails if it waits; `asked` may wait. What needs
start-up or background work goes inside `async with chain.running():`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any

from kdns.chain.answer import Answer, refuse
from kdns.chain.basis import Basis, Key
from kdns.chain.handler import Handler, Link
from kdns.chain.query import Query
from kdns.chain.site import Hooks, Process, Reloader, Site
from kdns.corefile import Arguments, block_addresses, parse
from kdns.metrics import Registry
from kdns.plugins import ORDER, setup_of
from kdns.wire import codes
from tests.kit.query import query


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += seconds


class Next:
    """The end of the chain: gives the answers it was given, one by one and the last for ever, and keeps the queries."""

    def __init__(self, *answers: Answer | Callable[[Query], Answer] | BaseException) -> None:
        self._answers = list(answers) or [refuse(codes.REFUSED)]
        self.queries: list[Query] = []

    async def answer(self, query: Query) -> Answer:
        self.queries.append(query)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Answer) else answer(query)


class Wiring:
    """Writes down what is forgotten, and runs what is spawned while the chain is running."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.forgotten: list[Key] = []
        self.tasks: set[asyncio.Task[None]] | None = None

    def forget(self, keys: Collection[Key]) -> None:
        self.forgotten += keys

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self.tasks is None:
            work.close()
            raise AssertionError("work was spawned in a chain that is not running")
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def chain(self, name: str, link: Link) -> None:
        for site in self.sites:
            site.chain(name, link)

    def offers(self) -> list[object]:
        return [thing for site in self.sites for thing in site.offers]


class Chain:
    """A chain that stands, with everything around it that a test may look at."""

    def __init__(self, site: Site, hooks: Hooks, wiring: Wiring, clock: Clock, behind: Handler) -> None:
        self.site = site
        self.hooks = hooks
        self.wiring = wiring
        self.clock = clock
        self.registry = site.process.registry
        self.links: dict[str, Handler] = {}
        self.top = behind
        for name, link in reversed(site.links):
            self.top = self.links[name] = link(self.top)

    def ask(self, name: str, rtype: str = "A", **how: Any) -> Answer:
        """The answer to a question, which must not have to wait; `how` is what `query` takes."""
        return self.answer(query(name, rtype, **how))

    def answer(self, asked: Query) -> Answer:
        """The answer to a query, which must not have to wait."""
        work = self.top.answer(asked)
        try:
            work.send(None)
        except StopIteration as done:
            answer: Answer = done.value
            return answer
        raise AssertionError("the answer has to wait: use `asked`")

    async def asked(self, name: str, rtype: str = "A", **how: Any) -> Answer:
        """The answer to a question, however long it takes."""
        return await self.top.answer(query(name, rtype, **how))

    def basis_of(self, name: str, rtype: str = "A", **how: Any) -> Basis:
        """What the answer to a question rests on."""
        basis = Basis()
        self.ask(name, rtype, basis=basis, **how)
        return basis

    async def fire(self, turn: str) -> None:
        """Run the hooks of a turn in the instance's life: `startup`, `restart`, `shutdown`, ..."""
        for hook in getattr(self.hooks, turn):
            await hook()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Between start-up and shutdown; whatever was spawned and is not done at the end is cancelled."""
        tasks = self.wiring.tasks = set()
        await self.fire("startup")
        await self.fire("settle")
        await self.fire("serving")
        try:
            yield
            await self.fire("shutdown")
            await self.fire("final_shutdown")
        finally:
            left = tuple(tasks)
            self.wiring.tasks = None
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def process(clock: Callable[[], float] | None = None, **what: Any) -> Process:
    """A process whose clocks stand still; `what` replaces fields."""
    given: dict[str, Any] = {
        "registry": Registry(),
        "clock": clock or Clock(),
        "time": Clock(1_700_000_000.0),
        "environ": {},
        "hostname": "kdns-1",
        "version": "1.14.7",
    }
    return Process(**(given | what))


def chains_of(
    text: str,
    *,
    behind: Handler | None = None,
    environ: Mapping[str, str] | None = None,
    reloader: Reloader | None = None,
    clock: Clock | None = None,
    **what: Any,
) -> list[Chain]:
    """One chain for each server block of a Corefile, all of one instance: setups run as the server runs them.

    `behind` stands at the end of every chain; `what` are fields of the process. Raises ConfigError.
    """
    clock = clock or Clock()
    world = process(clock, environ=environ or {}, reloader=reloader, **what)
    wiring, hooks = Wiring(), Hooks()
    parsed = [(block_addresses(block.keys), block) for block in parse(text, "Corefile", known=ORDER).blocks]
    sites = [(Site(keys, world, wiring, hooks), block) for keys, block in parsed]
    wiring.sites = [site for site, _ in sites]
    for word in ORDER:
        for site, block in sites:
            for directive in block.directives:
                if directive.name == word:
                    arguments = Arguments(directive, site.zones)
                    setup_of(word)(arguments, site)
                    arguments.finish()
    return [Chain(site, hooks, wiring, clock, behind or Next()) for site, _ in sites]


def chain_of(text: str, **how: Any) -> Chain:
    """The chain of the first server block of a Corefile; see `chains_of`."""
    return chains_of(text, **how)[0]


def root_chain(directives: str, **how: Any) -> Chain:
    """The chain of a block for the root zone on port 53 with these directives; see `chains_of`."""
    return chain_of(f".:53 {{\n{directives}\n}}\n", **how)
