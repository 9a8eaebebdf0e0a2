"""Whatever an API server sends, good objects are served, before and after."""

import asyncio
import copy
import json
import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from kdns.cluster.client import Client
from kdns.cluster.credentials import Endpoint
from kdns.cluster.index import Index
from kdns.cluster.kinds import ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES
from kdns.cluster.mirror import Mirror
from kdns.cluster.objects import DecodeError, ObjectError, decode_event
from kdns.cluster.source import ApiSource
from kdns.cluster.watch import Pace
from kdns.wire import codes
from tests.fuzz.packets import Packets
from tests.kit.api import FakeApi
from tests.kit.house import House
from tests.kit.until import until

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1 << 40, 10**30, 1.5, "", "x", "a" * 300, "\0", "\ud800", "..", "*.a", "10.0.0.1", "::1", "None",
    [], [None], [[]], {}, {"a": 1}, ["10.0.0.1", "10.0.0.1"], "999.1.1.1", "fe80::1%eth0", "-",
)  # fmt: skip


def service(name: str, address: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "type": "ClusterIP",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
        },
    }


def slice_(name: str, address: str) -> dict[str, Any]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": "shop", "labels": {"kubernetes.io/service-name": "db"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "hostname": "db-0", "conditions": {"ready": True}}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    }


def pod(name: str, address: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": {"podIP": address}}


def events(seed: int, count: int) -> Iterator[bytes]:
    """Watch events with fields left out or of the wrong kind, some of them no JSON any more."""
    chance, source = random.Random(seed), Packets(seed)
    for number in range(count):
        make = chance.choice((service, slice_, pod))
        thing = make(chance.choice(("bad", "worse")), "10.9.9.9")
        thing["metadata"]["resourceVersion"] = str(2000 + number)
        event: Any = {"type": chance.choice(("ADDED", "MODIFIED", "DELETED")), "object": thing}
        for _ in range(chance.choice((1, 1, 2, 3))):
            place = event
            while isinstance(place, dict | list) and place:
                key: Any = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
                if not isinstance(place[key], dict | list) or chance.random() < 0.25:
                    if chance.random() < 0.2:
                        del place[key]
                    else:
                        place[key] = copy.deepcopy(chance.choice(ODD))
                    break
                place = place[key]
        line = json.dumps(event).encode()
        yield (source.spoil(line) if chance.random() < 0.2 else line).replace(b"\n", b" ") + b"\n"


@pytest.mark.parametrize("kind", [SERVICES, ENDPOINT_SLICES, PODS, NAMESPACES], ids=str)
def test_an_event_is_decoded_or_an_error(kind: Any) -> None:
    index, decoded = Index(), 0
    for line in events(seed=5, count=3000):
        with suppress(DecodeError, ObjectError):
            event = decode_event(kind, line)
            if event.change is not None:
                decoded += 1
                index.apply(event.change, 0)
    assert decoded > 100


@pytest.mark.parametrize("seed", range(4))
async def test_a_watch_full_of_rubbish(seed: int) -> None:
    async def no_time(seconds: float) -> None:
        await asyncio.sleep(0.001)

    index = Index()
    mirror = Mirror(index, lambda: 0.0, lambda touched: None, (SERVICES, ENDPOINT_SLICES, NAMESPACES))
    async with FakeApi() as api:
        api.store.load([NAMESPACE, service("web", "10.96.0.1")])
        pace = Pace(clock=lambda: 0.0, sleep=no_time, random=lambda: 0.0)
        running = asyncio.create_task(ApiSource(Client(Endpoint(api.url, None, {})), mirror, pace=pace).run())
        await until(lambda: mirror.synced)
        for line in events(seed, 150):
            await until(lambda: len(api.watchers) >= 3)
            api.send(line)
            await asyncio.sleep(0)
        api.store.put(service("new", "10.96.0.2"))
        await until(lambda: ("shop", "new") in index_names(index))
        assert ("shop", "web") in index_names(index)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def index_names(index: Index) -> set[tuple[str, str]]:
    return {(each.namespace, each.name) for each in index.services([])}


async def test_bad_objects_among_good_ones_in_a_list() -> None:
    async with FakeApi() as api:
        bad = service("bad", "10.96.0.9") | {"spec": 5}
        api.store.load([NAMESPACE, service("a", "10.96.0.1"), bad, service("z", "10.96.0.2")])
        corefile = f"cluster.local {{\n kubernetes {{\n endpoint {api.url}\n }}\n}}\n"
        async with House(corefile).running() as house:
            for name, address in (("a", b"\x0a\x60\0\1"), ("z", b"\x0a\x60\0\2")):
                reply = await house.ask(f"{name}.shop.svc.cluster.local")
                assert [record.data for record in reply.answer] == [address]
            assert (await house.ask("bad.shop.svc.cluster.local")).rcode == codes.NXDOMAIN
