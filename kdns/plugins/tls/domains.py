"""The domains of all blocks of an instance: each has one owner, and blocks that ask for the same share it.

The links that show challenges, and the work behind, are added with the first of them; an instance without any has none.
Where the server has further processes the first one orders, and the others show what it has and is proving.
"""

import asyncio
from collections.abc import Callable
from enum import StrEnum
from functools import partial

import msgspec

from kdns.chain.handler import Handler
from kdns.chain.site import Site
from kdns.plugins.tls.challenges import Challenges, Proof
from kdns.plugins.tls.keeper import TOGETHER, Keeper
from kdns.plugins.tls.options import Options
from kdns.plugins.tls.order import Orders
from kdns.plugins.tls.shown import Shown
from kdns.plugins.tls.store import Store
from kdns.plugins.tls.web import trust


class Change(StrEnum):
    """What other processes are told of a domain."""

    PRESENT = "present"
    WITHDRAWN = "withdrawn"
    CERTIFICATE = "certificate"


_change = msgspec.msgpack.Decoder(tuple[Change, str, str])


class Domains:
    """Found by the blocks of an instance with `of`; knows what each of them shows.

    Implements `chain.roles.Informant`.
    """

    def __init__(self, site: Site) -> None:
        self.keepers: dict[str, Keeper] = {}
        twin = None if site.twin is None else site.twin.find(Domains)[0].challenges
        self.challenges: Challenges = Challenges(site.wiring.forget, self._tell_challenge, twin)
        self._site = site
        self._shown: dict[tuple[object, ...], Shown] = {}
        self._owners: dict[str, tuple[object, ...]] = {}
        self._listeners: list[Callable[[bytes], None]] = []
        site.wiring.chain("tls", self._link)
        site.hooks.startup.append(self._load)
        site.once.serving.append(self._begin)

    def inform(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """See `Informant`."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def learn(self, change: bytes) -> None:
        """See `Informant`."""
        kind, domain, value = _change.decode(change)
        match kind:
            case Change.PRESENT:
                self.challenges.present(domain, value)
            case Change.WITHDRAWN:
                self.challenges.withdraw(domain, value)
            case Change.CERTIFICATE:
                self._site.wiring.spawn(self.keepers[domain].load())

    def _tell_challenge(self, domain: str, value: str, present: bool) -> None:
        self._tell(Change.PRESENT if present else Change.WITHDRAWN, domain, value)

    def _tell(self, kind: Change, domain: str, value: str = "") -> None:
        for listener in self._listeners:
            listener(msgspec.msgpack.encode((kind, domain, value)))

    def _link(self, next_: Handler) -> Handler:
        return Proof(next_, self.challenges)

    def add(self, options: Options) -> Shown:
        """What is shown for some options; blocks. Raises ValueError, with CoreDNS's texts."""
        if options.key in self._shown:
            return self._shown[options.key]
        for domain in options.domains:
            if domain in self._owners:
                raise ValueError(f'ACME domain "{domain}" is configured with conflicting options')
        process = self._site.process
        shown = Shown(options.domains, partial(self._tell, Change.CERTIFICATE))
        store, trusted = Store(options.storage, options.ca), trust(options.ca_root)
        agent = f"kdns/{process.version}"
        orders = Orders(options, store, self.challenges, trusted, environ=process.environ, agent=agent)
        for domain in options.domains:
            self._owners[domain] = options.key
            self.challenges.expect(domain)
            self.keepers[domain] = Keeper(domain, store, orders, shown, process)
        self._shown[options.key] = shown
        return shown

    async def _load(self) -> None:
        for keeper in self.keepers.values():
            await keeper.load()

    async def _begin(self) -> None:
        room = asyncio.Semaphore(TOGETHER)
        for keeper in self.keepers.values():
            self._site.wiring.spawn(keeper.keep(room))


def of(site: Site) -> Domains:
    """Those of the instance that a block is part of."""
    found = site.find_anywhere(Domains)
    if found:
        return found[0]
    made = Domains(site)
    site.offer(made)
    return made
