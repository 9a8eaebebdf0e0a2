"""What a directive's index is fed from, and who waits for its first load (`kubernetes.md` sections 4.3 to 4.7).

In a further process of the server it is fed from the first one, which follows the cluster for all of them.

CoreDNS opens no port until the load is done or has had `startup_timeout`. Here ports are open at once, for all other
zones, and names of the cluster wait for as long: nobody sees a denial, and one slow API server delays nothing else.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from kdns.chain.site import Site
from kdns.cluster import kinds
from kdns.cluster.client import Client
from kdns.cluster.credentials import Credentials, Endpoint, InCluster
from kdns.cluster.index import Index
from kdns.cluster.kinds import Kind
from kdns.cluster.kubeconfig import Kubeconfig
from kdns.cluster.mirror import Mirror
from kdns.cluster.selector import Selection, Selector
from kdns.cluster.source import ApiSource, Source
from kdns.cluster.throttle import Throttle
from kdns.plugins.kubernetes.metrics import Programming, Requests
from kdns.plugins.kubernetes.options import Options, Pods

LOOK: Final = 0.1
"""Seconds between two looks at whether everything is loaded."""

TELL: Final = 0.5
"""Seconds between two lines that say what is waited for."""

_log = logging.getLogger("kdns.kubernetes")


class Feed:
    """The mirror of one directive and its source; what `ready` asks (`chain.site.Readiness`).

    Implements `chain.roles.Informant` and `Loading`.
    """

    name = "kubernetes"

    def __init__(self, options: Options, site: Site) -> None:
        """Raises `CredentialsError` for access that cannot be had."""
        self._site = site
        self._timeout = options.startup_timeout
        self._settling = False
        self._waiters: list[asyncio.Future[None]] = []
        self._source: Source | None = None
        if site.twin is not None:
            self.mirror: Mirror = site.twin.find(Feed)[0].mirror.copy(site.wiring.forget)
            return
        index = Index(zonal=options.zonal, pod_names=options.endpoint_pod_names)
        self.mirror = Mirror(index, site.process.time, site.wiring.forget, watched(options))
        self.mirror.observers.append(Programming(site.process.registry, index).observe)
        self.mirror.completed.append(self._loaded)
        self._source = _source(options, site, self.mirror)

    def inform(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        """See `Informant`."""
        listeners = self.mirror.listeners
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def learn(self, change: bytes) -> None:
        """See `Informant`."""
        self.mirror.learn(change)

    def ready(self) -> bool:
        """Whether everything was loaded once; it stays so when the API server goes away."""
        return self.mirror.synced

    async def start(self) -> None:
        """Follow the cluster from now on."""
        self._settling = True
        if self._source is not None:
            self._site.wiring.spawn(self._source.run())

    async def settle(self) -> None:
        """Give the first load the time it may have; who asks for names meanwhile waits."""
        try:
            await self._watch_load()
        finally:
            await self.release()

    async def release(self) -> None:
        """Let nobody wait any longer."""
        self._settling = False
        self._let_go()

    def _loaded(self) -> None:
        if self.mirror.synced:
            self._let_go()

    def _let_go(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def settled(self) -> None:
        """Wait until the first load is done, or has had its time."""
        if self._settling and not self.mirror.synced:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    async def _watch_load(self) -> None:
        clock = self._site.process.clock
        began = told = clock()
        while not self.mirror.synced:
            now = clock()
            if now - began >= self._timeout:
                _log.warning("starting server with unsynced Kubernetes API")
                return
            if now - told >= TELL:
                told = now
                _log.info("waiting for Kubernetes API before starting server")
            await asyncio.sleep(LOOK if now > began else 0.005)


def watched(options: Options) -> tuple[Kind, ...]:
    """The kinds that a directive needs (section 4.1)."""
    found = [kinds.SERVICES, kinds.NAMESPACES]
    if not options.noendpoints:
        found.append(kinds.ENDPOINT_SLICES)
    if options.pods is Pods.VERIFIED:
        found.append(kinds.PODS)
    if options.multicluster:
        found += [kinds.IMPORTED_SLICES, kinds.SERVICE_IMPORTS]
    return tuple(found)


def _source(options: Options, site: Site, mirror: Mirror) -> Source:
    selection = Selection(Selector.parse(options.labels), Selector.parse(options.namespace_labels))
    if options.manifests:
        from kdns.cluster.manifests import ManifestSource  # YAML is for those who have a folder

        return ManifestSource(site.path(options.manifests), mirror, selection)
    client = Client(
        _credentials(options, site),
        throttle=Throttle(options.qps, options.burst),
        max_inflight=options.max_inflight,
        observer=Requests(site.process.registry),
    )
    return ApiSource(client, mirror, selection)


def _credentials(options: Options, site: Site) -> Credentials:
    environ = site.process.environ
    access: Credentials
    if options.kubeconfig:
        access = Kubeconfig(options.kubeconfig, options.context or None, environ)
    elif options.endpoint:
        access = Endpoint(options.endpoint, options.tls, environ)
    else:
        access = InCluster(environ)
    access.check()
    return access
