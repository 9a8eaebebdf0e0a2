import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kdns.cluster.client import Client
from kdns.cluster.credentials import Access, Endpoint
from kdns.cluster.index import Index
from kdns.cluster.kinds import (
    ENDPOINT_SLICES,
    IMPORTED_SLICES,
    KINDS,
    NAMESPACES,
    PODS,
    SERVICE_IMPORTS,
    SERVICES,
    Kind,
)
from kdns.cluster.mirror import Mirror
from kdns.cluster.selector import Selection, Selector
from kdns.cluster.source import ApiSource, KindState, Source
from kdns.cluster.watch import Pace, Reflector
from tests.kit.api import FakeApi
from tests.kit.until import until

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class Time:
    now = 0.0

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001)


class Running:
    def __init__(self, client: Client, kinds: tuple[Kind, ...], selection: Selection) -> None:
        self.time = Time()
        self.mirror = self.mirror_of(*kinds)
        pace = Pace(clock=self.time.clock, sleep=self.time.sleep, random=lambda: 0.0)
        self.source = ApiSource(client, self.mirror, selection, pace)

    @staticmethod
    def mirror_of(*kinds: Kind) -> Mirror:
        return Mirror(Index(), lambda: 0.0, lambda touched: None, kinds)

    def state(self, kind: Kind) -> KindState:
        (state,) = (state for state in self.source.states() if state.kind is kind)
        return state


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        yield api


@asynccontextmanager
async def running(
    api: FakeApi, *kinds: Kind, selection: Selection | None = None, client: Client | None = None
) -> AsyncIterator[Running]:
    client = client or Client(Endpoint(api.url, environ={}))
    running = Running(client, kinds or KINDS, selection or Selection())
    task = asyncio.create_task(running.source.run())
    try:
        yield running
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def manifest(kind: str, name: str, labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    if kind != "Namespace":
        metadata["namespace"] = "n"
    return {"kind": kind, "metadata": metadata, **more}


def fill(api: FakeApi) -> None:
    slices = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": []}
    imported = {"multicluster.kubernetes.io/service-name": "s"}
    api.store.load(
        [
            manifest("Namespace", "n", {"team": "a"}),
            manifest("Service", "s", {"app": "web"}, spec={"clusterIP": "10.96.0.1"}),
            manifest("EndpointSlice", "e", {"kubernetes.io/service-name": "s", "app": "web"}, **slices),
            manifest("EndpointSlice", "i", imported, **slices),
            manifest("Pod", "p", {"app": "web"}, status={"podIP": "10.0.0.2", "phase": "Running"}),
            manifest("Pod", "done", {"app": "web"}, status={"podIP": "10.0.0.3", "phase": "Succeeded"}),
            manifest("ServiceImport", "s", spec={"type": "ClusterSetIP", "ips": ["10.112.0.1"]}),
        ]
    )


def placed(running: Running) -> set[tuple[str, str]]:
    return {place[::2] for kind in running.mirror.kinds for place in running.mirror.index.places(kind)}


async def test_all_kinds_are_loaded_and_followed(api: FakeApi) -> None:
    fill(api)
    async with running(api) as run:
        await until(lambda: run.mirror.synced)
        assert placed(run) == {
            ("namespace", "n"),
            ("service", "s"),
            ("slice", "e"),
            ("slice", "i"),
            ("imported-slice", "i"),
            ("pod", "p"),
            ("service-import", "s"),
        }
        api.store.delete("services", "s", "n")
        await until(lambda: ("service", "s") not in placed(run))
        assert all(state == KindState(state.kind, True, "", 0.0) for state in run.source.states())
        assert api.requests("get") == []
    assert len(api.seen) == len(KINDS)


async def test_only_the_kinds_of_the_mirror_are_asked_for(api: FakeApi) -> None:
    async with running(api, SERVICES, NAMESPACES) as run:
        await until(lambda: run.mirror.synced)
        assert {seen.plural for seen in api.seen} == {"services", "namespaces"}


async def test_selectors_go_to_the_kinds_they_are_for(api: FakeApi) -> None:
    selection = Selection(Selector.parse("app=web"), Selector.parse("team in (a,b)"))
    async with running(api, selection=selection) as run:
        await until(lambda: run.mirror.synced)
        labels = {(seen.plural, seen.params.get("labelSelector")) for seen in api.seen}
        assert labels == {
            ("services", "app=web"),
            ("namespaces", "team in (a,b)"),
            ("pods", "app=web"),
            ("endpointslices", "app=web"),
            ("endpointslices", "multicluster.kubernetes.io/service-name,app=web"),
            ("serviceimports", "app=web"),
        }


@pytest.mark.parametrize(
    ("kind", "break_it", "reason"),
    [
        (
            SERVICE_IMPORTS,
            lambda api: api.missing.add("serviceimports"),
            (
                "failed to list *v1alpha1.ServiceImport: the server could not find the requested resource "
                "(get serviceimports.multicluster.x-k8s.io)"
            ),
        ),
        (
            PODS,
            lambda api: api.denied.update({("list", "pods"), ("watch", "pods")}),
            (
                'failed to list *v1.Pod: pods is forbidden: User "system:serviceaccount:kube-system:coredns" cannot '
                'list resource "pods" in API group "" at the cluster scope'
            ),
        ),
        (
            ENDPOINT_SLICES,
            lambda api: api.denied.update({("list", "endpointslices"), ("watch", "endpointslices")}),
            (
                "failed to list *v1.EndpointSlice: endpointslices.discovery.k8s.io is forbidden: User "
                '"system:serviceaccount:kube-system:coredns" cannot list resource "endpointslices" in API group '
                '"discovery.k8s.io" at the cluster scope'
            ),
        ),
    ],
)
async def test_one_kind_that_cannot_be_had_leaves_the_others_alone(
    api: FakeApi,
    caplog: pytest.LogCaptureFixture,
    kind: Kind,
    break_it: Callable[[FakeApi], None],
    reason: str,
) -> None:
    fill(api)
    break_it(api)
    broken = {ENDPOINT_SLICES, IMPORTED_SLICES} if kind is ENDPOINT_SLICES else {kind}
    async with running(api) as run:
        await until(lambda: all(run.mirror.loaded(other) for other in set(KINDS) - broken))
        await until(lambda: run.state(kind).failure)
        assert not run.mirror.synced
        assert run.state(kind) == KindState(kind, False, reason.partition(": ")[2], None)
        assert run.state(NAMESPACES) == KindState(NAMESPACES, True, "", 0.0)
        assert f"Failed to watch: {reason}" in caplog.messages
        api.missing.clear()
        api.denied.clear()
        await until(lambda: run.mirror.synced)
        await until(lambda: not run.state(kind).failure)


async def test_the_age_of_what_is_known(api: FakeApi) -> None:
    async with running(api, SERVICES) as run:
        assert run.state(SERVICES).age is None
        await until(lambda: run.mirror.synced)
        run.time.now = 45.0
        assert run.state(SERVICES).age == 45.0
        api.bookmark()
        await until(lambda: run.state(SERVICES).age == 0.0)


class Rotating:
    """Credentials with whatever token is valid now."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.token = "one"  # a password for nothing

    def check(self) -> None:
        pass

    async def load(self) -> Access:
        return Access(self.api.url, authorization=f"Bearer {self.token}")


async def test_a_token_that_expires_while_watching(api: FakeApi) -> None:
    credentials = Rotating(api)
    api.tokens = {"one"}
    async with running(api, SERVICES, client=Client(credentials)) as run:
        await until(lambda: run.mirror.synced)
        api.tokens, credentials.token = {"two"}, "two"
        run.time.now += 300
        api.end_watches()
        await until(lambda: api.watchers)
        api.store.put(manifest("Service", "late", spec={}))
        await until(lambda: ("service", "late") in placed(run))
        assert [seen.headers["authorization"] for seen in api.seen] == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_token_that_stays_bad_and_then_gets_better(api: FakeApi) -> None:
    api.tokens = {"good"}
    credentials = Rotating(api)
    async with running(api, SERVICES, client=Client(credentials)) as run:
        await until(lambda: run.state(SERVICES).failure == "Unauthorized")
        credentials.token = "good"
        await until(lambda: run.mirror.synced)


async def test_a_fault_of_kdns_in_one_kind_is_logged_and_the_kind_begun_anew(
    api: FakeApi, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = iter([True])

    async def run_with_a_fault(self: Reflector) -> None:
        if self.kind is SERVICES and next(faults, False):
            raise ZeroDivisionError("what should not be")
        await run(self)

    run = Reflector.run
    monkeypatch.setattr(Reflector, "run", run_with_a_fault)
    async with running(api, SERVICES, NAMESPACES) as running_source:
        await until(lambda: running_source.mirror.synced)
    (record,) = (record for record in caplog.records if record.levelno == logging.ERROR)
    assert record.getMessage() == "Watch of services failed, beginning anew"
    assert record.exc_info is not None


async def test_it_ends_before_it_has_begun(api: FakeApi) -> None:
    source: Source = ApiSource(Client(Endpoint(api.url, environ={})), Running.mirror_of(*KINDS))
    task = asyncio.create_task(source.run())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_cancelling_ends_all_watches(api: FakeApi) -> None:
    async with running(api):
        await until(lambda: len(api.watchers) == len(KINDS))
    await until(lambda: not api.watchers)
