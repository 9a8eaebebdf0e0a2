"""Names of the cluster wait for the first load; other names do not (kubernetes.md section 4.4)."""

import asyncio

from kdns.chain.answer import Answer
from kdns.cluster.index import Index
from kdns.cluster.values import Namespace, Port, Put, Service
from kdns.plugins.kubernetes.handler import Kubernetes
from kdns.plugins.kubernetes.options import Options
from kdns.wire import codes
from tests.kit.chain import Next
from tests.kit.query import query

OUTSIDE = Answer(rcode=codes.NXDOMAIN)


class Load:
    """A first load that is done when the test says so."""

    def __init__(self) -> None:
        self.index = Index()
        self.done = False
        self.over = asyncio.Event()
        self.kubernetes = Kubernetes(
            Next(OUTSIDE),
            Options(zones=("cluster.local.",)),
            self.index,
            lookup=self._nothing,
            synced=lambda: self.done,
            settled=self._settled,
        )

    async def _settled(self) -> None:
        await self.over.wait()

    async def _nothing(self, *_: object) -> None:
        return None


async def test_a_name_waits_for_the_load() -> None:
    load = Load()
    asked = asyncio.create_task(load.kubernetes.answer(query("web.shop.svc.cluster.local.")))
    await asyncio.sleep(0)
    assert not asked.done()
    load.index.apply(Put(Namespace("shop")), 1)
    load.index.apply(Put(Service("shop", "web", cluster_ips=("10.96.0.1",), ports=(Port("http", 80),))), 1)
    load.done = True
    load.over.set()
    answer = await asked
    assert (answer.rcode, len(answer.answer)) == (codes.NOERROR, 1)


async def test_a_load_that_has_had_its_time_is_servfail_not_nxdomain() -> None:
    load = Load()
    load.over.set()
    answer = await load.kubernetes.answer(query("web.shop.svc.cluster.local."))
    assert (answer.rcode, len(answer.authority)) == (codes.SERVFAIL, 1)


async def test_other_names_do_not_wait() -> None:
    assert await Load().kubernetes.answer(query("example.org.")) is OUTSIDE
