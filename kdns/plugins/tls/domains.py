"""The domains of all blocks of an instance: each has one owner, and blocks that ask for the same share it.

The links that show challenges, and the work behind, are added with the first of them; an instance without any has none.
"""

import asyncio

from kdns.chain.handler import Handler
from kdns.chain.site import Site
from kdns.plugins.tls.challenges import Challenges, Proof
from kdns.plugins.tls.keeper import TOGETHER, Keeper
from kdns.plugins.tls.options import Options
from kdns.plugins.tls.order import Orders
from kdns.plugins.tls.shown import Shown
from kdns.plugins.tls.store import Store
from kdns.plugins.tls.web import trust


class Domains:
    """Found by the blocks of an instance with `of`; knows what each of them shows."""

    def __init__(self, site: Site) -> None:
        self.keepers: list[Keeper] = []
        self._site = site
        self._challenges = Challenges(site.wiring.forget)
        self._shown: dict[tuple[object, ...], Shown] = {}
        self._owners: dict[str, tuple[object, ...]] = {}
        site.wiring.chain("tls", self._link)
        site.hooks.startup.append(self._load)
        site.hooks.serving.append(self._begin)

    def _link(self, next_: Handler) -> Handler:
        return Proof(next_, self._challenges)

    def add(self, options: Options) -> Shown:
        """What is shown for some options; blocks. Raises ValueError, with CoreDNS's texts."""
        if options.key in self._shown:
            return self._shown[options.key]
        for domain in options.domains:
            if domain in self._owners:
                raise ValueError(f'ACME domain "{domain}" is configured with conflicting options')
        process = self._site.process
        shown, store = Shown(options.domains), Store(options.storage, options.ca)
        agent = f"kdns/{process.version}"
        trusted = trust(options.ca_root)
        orders = Orders(options, store, self._challenges, trusted, environ=process.environ, agent=agent)
        for domain in options.domains:
            self._owners[domain] = options.key
            self._challenges.expect(domain)
            self.keepers.append(Keeper(domain, store, orders, shown, process))
        self._shown[options.key] = shown
        return shown

    async def _load(self) -> None:
        for keeper in self.keepers:
            await keeper.load()

    async def _begin(self) -> None:
        room = asyncio.Semaphore(TOGETHER)
        for keeper in self.keepers:
            self._site.wiring.spawn(keeper.keep(room))


def of(site: Site) -> Domains:
    """Those of the instance that a block is part of."""
    found = site.find_anywhere(Domains)
    if found:
        return found[0]
    made = Domains(site)
    site.offer(made)
    return made
