"""Every distribution's Corefile starts, answers for its cluster, its stub zones and names outside, and is reloaded.

The files are in a folder for each distribution, laid out as they are mounted; README.md says where they come from.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import dns.message
import dns.rdataclass
import dns.rdatatype
import pytest
from blockbuster import BlockBuster

from kdns.chain.site import Process
from kdns.metrics import Registry
from kdns.server.source import Source
from kdns.server.supervisor import Supervisor
from tests.distributions.answering import FILES, answering
from tests.distributions.stage import DISTRIBUTIONS, Stage
from tests.distributions.table import RELOADED, TABLE, Distribution, Question
from tests.kit.api import FakeApi
from tests.kit.http import fetch
from tests.kit.manifests import endpoints, namespace, pod, service
from tests.scenarios.subjects import exchange


def test_every_folder_is_in_the_table() -> None:
    folders = {path.name for path in DISTRIBUTIONS.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders == {distribution.name for distribution in TABLE}
    readme = (DISTRIBUTIONS / "README.md").read_text()
    assert {name for name in folders if f"| `{name}` |" not in readme} == set()


@pytest.fixture(autouse=True)
def proc(blockbuster: BlockBuster | None) -> None:
    """Figures of the process come out of /proc, which is memory and may be read on the loop."""
    if blockbuster is not None:
        for name in ("io.BufferedReader.read", "io.TextIOWrapper.read", "os.listdir"):
            blockbuster.functions[name].can_block_in("kdns/plugins/prometheus/process.py", {"read", "_network"})


def cluster() -> FakeApi:
    api = FakeApi()
    balanced = {"loadBalancer": {"ingress": [{"ip": "198.51.100.90"}]}}
    api.store.load(
        [
            namespace("default"),
            namespace("shop"),
            service("default", "kubernetes", ("10.96.0.1",), {"https": 443}),
            service("shop", "web", ("10.96.0.80",), {"http": 80}),
            service("shop", "registry", ("10.96.0.90",), {"http": 80}, type="LoadBalancer", status=balanced),
            service("shop", "db", ("None",), {"sql": 5432}),
            endpoints("shop", "db", {"10.244.1.10": "db-0", "10.244.1.11": ""}, {"sql": 5432}),
            pod("shop", "db-0", "10.244.1.10"),
        ]
    )
    return api


class Served:
    """A distribution that is served."""

    def __init__(self, distribution: Distribution, stage: Stage, supervisor: Supervisor) -> None:
        self.distribution = distribution
        self.stage = stage
        self.supervisor = supervisor

    async def ask(self, question: Question) -> str:
        """The data of the answer, or the rcode."""
        cls, _, rtype = question.rtype.rpartition(" ")
        query = dns.message.make_query(question.name, rtype, cls or "IN", id=7)
        packet = await exchange(query.to_wire(), "udp", question.at, self.stage.port(self.distribution.dns), 5.0)
        assert packet is not None, f"no reply to {question}"
        reply = dns.message.from_wire(packet)
        assert reply.question == query.question
        if reply.rcode():
            return dns.rcode.to_text(reply.rcode())
        return " ".join(sorted(data.to_text().split()[-1] for rrset in reply.answer for data in rrset))

    async def wrong(self, questions: tuple[Question, ...]) -> dict[Question, str]:
        """The questions that are answered otherwise, with their answers."""
        found = {question: await self.ask(question) for question in questions}
        return {question: answer for question, answer in found.items() if answer != question.answer}


@asynccontextmanager
async def served(distribution: Distribution, root: Path) -> AsyncIterator[tuple[Served, list[str]]]:
    async with AsyncExitStack() as around:
        api = await around.enter_async_context(cluster())
        servers = dict(distribution.servers)
        if distribution.node:
            servers["/etc/resolv.conf"] = distribution.node
        real = {}
        for server, address in servers.items():
            upstream = await around.enter_async_context(answering(address))
            real[server] = f"127.0.0.1:{upstream.port}"
        stage = Stage(distribution.name, root, api.url, distribution.hosts, real, FILES)
        loop = asyncio.get_running_loop()
        process = Process(Registry(), loop.time, lambda: 1_700_000_000.0, {}, "kdns", "1.14.7")
        source = Source(
            str(root / distribution.conf), str(root / distribution.kube_dns) if distribution.kube_dns else ""
        )
        supervisor = Supervisor(source, process, stage.port(53))
        listing = await supervisor.start()
        try:
            yield Served(distribution, stage, supervisor), listing
        finally:
            await supervisor.stop(gracefully=True)


@pytest.mark.parametrize("distribution", TABLE, ids=lambda distribution: distribution.name)
async def test_it_starts_answers_and_reloads(distribution: Distribution, tmp_path: Path) -> None:
    async with served(distribution, tmp_path) as (here, listing):
        assert sorted(here.stage.unstaged(line) for line in listing) == sorted(distribution.listing)
        questions = distribution.cluster + distribution.asks
        assert await here.wrong(questions) == {}
        for path, number in distribution.ports.items():
            response = await fetch(here.stage.ports[number], f"/{path}")
            assert (response.status, path == "metrics" or response.body) == (200, path == "metrics" or "OK")
        assert set(distribution.ports.values()) | {distribution.dns, 53} == set(here.stage.ports)

        before = await here.supervisor.digest()
        assert await here.ask(RELOADED) != RELOADED.answer
        here.stage.edit(*distribution.edit)
        assert await here.supervisor.digest() != before
        await here.supervisor.reload()
        assert await here.wrong((RELOADED, *questions)) == {}
