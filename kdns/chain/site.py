"""What a plugin sees of the server while it is set up: one server block, and the process around it.

`setup(args, site)` reads its directive and then adds a link to the chain, hooks to the life of the instance, and what
it offers to others. Where one plugin needs another it asks for a role, a protocol of this module, never for a name.
"""

from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.handler import Link
from kdns.chain.listen import Listen
from kdns.chain.query import Query
from kdns.corefile import Address
from kdns.metrics import Registry

R = TypeVar("R")
Hook = Callable[[], Awaitable[None]]


@runtime_checkable
class Readiness(Protocol):
    """A plugin whose state `ready` reports."""

    @property
    def name(self) -> str:
        """Name of the plugin, as the body of a 503 lists it."""
        ...

    def ready(self) -> bool:
        """Whether it can do its work."""
        ...


@runtime_checkable
class Forgetful(Protocol):
    """A plugin that keeps answers of its own, which rest on what was read."""

    def forget(self, keys: Collection[Key]) -> None:
        """Forget every answer that read one of the keys, now, in this tick."""
        ...


@runtime_checkable
class Accountant(Protocol):
    """A plugin whose metrics are not always up to date."""

    def hand_in(self) -> None:
        """Bring them up to date; before a scrape, and at the end."""
        ...


@runtime_checkable
class Reloader(Protocol):
    """Who can read the configuration again and put it in force."""

    async def digest(self) -> str:
        """SHA-512 of the configuration as it stands on disk now; raises `ConfigError`."""
        ...

    async def reload(self) -> None:
        """Put it in force, or raise `ConfigError` and leave what runs running."""
        ...


class Process(NamedTuple):
    """What all blocks of a process share. `clock` is monotonic and `time` Unix time, both in seconds.

    `addresses` gives the texts of the host's own addresses, loopback left out; `stop` ends the process with a status;
    `show_debug` shows debug lines or not, for the whole process.
    """

    registry: Registry
    clock: Callable[[], float]
    time: Callable[[], float]
    environ: Mapping[str, str]
    hostname: str
    version: str
    addresses: Callable[[], tuple[str, ...]] = tuple
    reloader: Reloader | None = None
    stop: Callable[[int], None] = lambda status: None
    show_debug: Callable[[bool], None] = lambda shown: None


@dataclass(slots=True)
class Hooks:
    """Calls at the turns of an instance's life (`corefile.md` sections 11-13), each in directive order.

    `startup` runs before any DNS socket is opened, and an error there is fatal; `settle` is what goes on behind the
    first queries, all at once, and what a reload waits for before it takes over; `serving` runs when queries are
    answered by this instance, for what brings some; `shutdown` and then `final_shutdown` when the process ends,
    `shutdown` also when a reload has replaced the instance; `restart` before a new instance is made, and
    `restart_failed` when that came to nothing.
    """

    startup: list[Hook] = field(default_factory=list)
    settle: list[Hook] = field(default_factory=list)
    serving: list[Hook] = field(default_factory=list)
    shutdown: list[Hook] = field(default_factory=list)
    final_shutdown: list[Hook] = field(default_factory=list)
    restart: list[Hook] = field(default_factory=list)
    restart_failed: list[Hook] = field(default_factory=list)


class Wiring(Protocol):
    """What the assembled instance does for its blocks."""

    def forget(self, keys: Collection[Key]) -> None:
        """Forget every kept reply that read one of the keys, now, in this tick."""
        ...

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a background task until it ends or the instance shuts down."""
        ...

    def chain(self, name: str, link: Link) -> None:
        """Add a link to the chain of every block of the instance, where the plugin that is set up stands in it."""
        ...

    def offers(self) -> list[object]:
        """Everything that plugins of all blocks of the instance offered."""
        ...


class Site:
    """One server block while its plugins are set up.

    `keys` are the block's keys, `zones` the zones of these (lower case, absolute), `root` the directory that relative
    file names of plugins start from ("" is the working directory), `view` the name of its view.

    A server may have further processes that answer queries and do nothing else. In one of these `twin` is the block as
    it stood in the first process when this one was forked. `once` takes hooks of what the first process does for all of
    them, such as endpoints for probes; in a further process nobody calls these.
    """

    def __init__(
        self, keys: tuple[Address, ...], process: Process, wiring: Wiring, hooks: Hooks, twin: "Site | None" = None
    ) -> None:
        self.keys = keys
        self.zones = tuple(dict.fromkeys(key.zone for key in keys))
        self.process = process
        self.wiring = wiring
        self.hooks = hooks
        self.twin = twin
        self.once = hooks if twin is None else Hooks()
        self.listen = Listen()
        self.root = ""
        self.view = ""
        self.links: list[tuple[str, Link]] = []
        self._offers: list[object] = []
        self._resolve: Callable[[Query], Coroutine[Any, Any, Answer]] | None = None

    def chain(self, name: str, link: Link) -> None:
        """Add a link to the chain under the plugin's name; the outermost first, as setups run in chain order."""
        self.links.append((name, link))

    def offer(self, thing: object) -> None:
        """Let other plugins, and the server, find this by the protocols it fits."""
        self._offers.append(thing)

    def find(self, role: type[R]) -> list[R]:
        """What plugins of this block offer that fits a protocol; ask when the chain stands, not during setup."""
        return [thing for thing in self._offers if isinstance(thing, role)]

    def find_anywhere(self, role: type[R]) -> list[R]:
        """What plugins of all blocks offer that fits a protocol."""
        return [thing for thing in self.wiring.offers() if isinstance(thing, role)]

    @property
    def offers(self) -> list[object]:
        """Everything offered in this block."""
        return self._offers

    def path(self, name: str) -> str:
        """A file name of a directive, from `root` if it is relative."""
        return name if name.startswith("/") or not self.root else f"{self.root.rstrip('/')}/{name}"

    def connect(self, resolve: Callable[[Query], Coroutine[Any, Any, Answer]]) -> None:
        """Tell where internal lookups go: the top of the block's listener."""
        self._resolve = resolve

    async def lookup(self, query: Query, name: bytes, rtype: int) -> Answer | None:
        """Ask the whole server for another name (wire form) in the course of a query (`corefile.md` section 8).

        The basis is the query's own. `None` when lookups are nested more than eight deep: two names that point at each
        other must end (`kubernetes.md` section 1.7).
        """
        if query.depth >= MAX_DEPTH or self._resolve is None:
            return None
        inner = query.asking(name, rtype).replace(depth=query.depth + 1, metadata=None)
        answer = await self._resolve(inner)
        if query.basis.expires is not None:
            query.basis.fleeting = True
        query.basis.uncased, query.basis.absent = False, None  # whoever answered spoke of another name
        return answer.with_ttl()


MAX_DEPTH = 8
