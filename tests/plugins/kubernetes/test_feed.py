"""Who waits for the first load is let go by the load itself."""

import asyncio

from kdns.wire import codes
from tests.kit.api import FakeApi
from tests.kit.chain import chain_of
from tests.kit.cluster import cluster


async def test_a_name_is_answered_when_the_last_kind_was_loaded() -> None:
    async with FakeApi() as api:
        api.store.load(cluster(1, 1))
        chain = chain_of(f"cluster.local:53 {{\nkubernetes {{\nendpoint {api.url}\n}}\n}}\n")
        chain.hooks.settle.clear()  # nobody looks whether the load is over
        async with chain.running(), asyncio.timeout(10):
            answer = await chain.asked("svc-0.ns-0.svc.cluster.local.")
    assert (answer.rcode, len(answer.answer)) == (codes.NOERROR, 1)
