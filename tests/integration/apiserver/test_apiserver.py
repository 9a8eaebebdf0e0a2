"""kdns against a real API server and its etcd, where `KUBEBUILDER_ASSETS` names a folder with both binaries.

What is created, changed and deleted through the API changes the answers. The token of kdns may list and watch only.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from blockbuster import BlockBuster

from kdns.wire import codes, rdata
from tests.integration.apiserver.control import LIMITED, WATCHER, ControlPlane, Refusal
from tests.integration.apiserver.passage import Passage
from tests.kit.chain import process
from tests.kit.house import House

pytestmark = [pytest.mark.integration, pytest.mark.slow]

SOON, BACK_AGAIN = 10.0, 60.0
"""Seconds until a change shows at the latest; and after the API server was away, with kdns's back-off."""

Outcome = tuple[int, list[str]]
NODATA: Outcome = (codes.NOERROR, [])
NXDOMAIN: Outcome = (codes.NXDOMAIN, [])
_numbers = count(1)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    assets = os.environ.get("KUBEBUILDER_ASSETS", "")
    if not assets or not all((Path(assets) / name).is_file() for name in ("etcd", "kube-apiserver")):
        pytest.skip("KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver")
    control = ControlPlane(Path(assets), tmp_path_factory.mktemp("plane"))
    try:
        control.start()
        yield control
    finally:
        control.stop()


@pytest.fixture(autouse=True)
def reading_kubeconfigs(blockbuster: BlockBuster | None) -> None:
    if blockbuster is not None:
        for function in blockbuster.functions.values():
            function.can_block_in("kdns/cluster/kubeconfig.py", {"_load", "check"})


@pytest.fixture
def api(plane: ControlPlane) -> "Api":
    return Api(plane, f"shop{next(_numbers)}")


class Api:
    """The API as an operator uses it, in one namespace; the calls run in threads."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        self.plane = plane
        self.namespace = namespace

    async def call(self, method: str, path: str, body: object = None, **how: Any) -> Any:
        return await asyncio.to_thread(self.plane.call, method, path, body, **how)

    async def create_namespace(self) -> None:
        await self.call("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})

    async def end_namespace(self) -> None:
        """Delete it, and do what a controller would do then."""
        path = f"/api/v1/namespaces/{self.namespace}"
        namespace = await self.call("DELETE", path)
        assert namespace["status"]["phase"] == "Terminating"
        namespace["spec"] = {"finalizers": []}
        await self.call("PUT", f"{path}/finalize", namespace)

    def path(self, plural: str, name: str = "") -> str:
        root = "/apis/discovery.k8s.io/v1" if plural == "endpointslices" else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{plural}{name and '/'}{name}"

    async def create(self, plural: str, name: str, **body: Any) -> Any:
        metadata = {"name": name} | body.pop("metadata", {})
        return await self.call("POST", self.path(plural), {"metadata": metadata} | body)

    async def patch(self, plural: str, name: str, **body: Any) -> Any:
        return await self.call("PATCH", self.path(plural, name), body)

    async def delete(self, plural: str, name: str) -> None:
        await self.call("DELETE", self.path(plural, name))

    async def create_service(self, name: str, **spec: Any) -> str:
        """A Service with port 80 by default; its address."""
        ports = {"ports": [{"name": "http", "port": 80}]} if spec.get("type") != "ExternalName" else {}
        made = await self.create("services", name, spec=ports | spec)
        return str(made["spec"].get("clusterIP", ""))

    async def create_slice(self, name: str, service: str, endpoints: list[dict[str, Any]]) -> None:
        await self.create(
            "endpointslices",
            name,
            metadata={"labels": {"kubernetes.io/service-name": service}},
            addressType="IPv4",
            endpoints=endpoints,
            ports=[{"name": "http", "port": 8080, "protocol": "TCP"}],
        )


@asynccontextmanager
async def serving(plane: ControlPlane, *, token: str = LIMITED, port: int = 0, more: str = "") -> AsyncIterator[House]:
    """kdns with its kept replies, and the clocks of the machine."""
    corefile = f"""
        cluster.local 10.in-addr.arpa {{
            kubernetes {{
                kubeconfig {plane.kubeconfig(token, port or plane.port)}
                pods verified
                startup_timeout 20s
                {more}
            }}
        }}
    """
    house = House(corefile, outside=process(time.monotonic, time=time.time))
    async with house.running():
        yield house


async def outcome(house: House, text: str, rtype: str = "A") -> Outcome:
    """Response code and the data of the answer's records of that type, sorted."""
    reply = await house.ask(text, rtype)
    number = codes.TYPE_NUMBERS[rtype]
    return reply.rcode, sorted(rdata.to_text(number, each.data) for each in reply.answer if each.type == number)


async def becomes(house: House, text: str, rtype: str, expected: Outcome, limit: float = SOON) -> float:
    """Ask until the answer is as expected; how many seconds that took."""
    began = time.monotonic()
    while (found := await outcome(house, text, rtype)) != expected:
        assert time.monotonic() < began + limit, f"{text} {rtype}: {found}, not {expected}"
        await asyncio.sleep(0.005)
    return time.monotonic() - began


def one(*data: str) -> Outcome:
    return codes.NOERROR, sorted(data)


def reverse(address: str) -> str:
    return ip_address(address).reverse_pointer


async def test_a_service_comes_changes_and_goes(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    web = f"web.{api.namespace}.svc.cluster.local"
    async with serving(plane) as house:
        assert await outcome(house, web) == NXDOMAIN
        address = await api.create_service("web")
        await becomes(house, web, "A", one(address))
        assert await outcome(house, web, "AAAA") == NODATA
        assert await outcome(house, reverse(address), "PTR") == one(f"{web}.")
        assert await outcome(house, f"_http._tcp.{web}", "SRV") == one(f"0 100 80 {web}.")

        ports = [{"name": "http", "port": 8080}, {"name": "dns", "port": 53, "protocol": "UDP"}]
        await api.patch("services", "web", spec={"ports": ports})
        await becomes(house, f"_http._tcp.{web}", "SRV", one(f"0 100 8080 {web}."))
        assert await outcome(house, f"_dns._udp.{web}", "SRV") == one(f"0 100 53 {web}.")

        await api.patch("services", "web", spec={"type": "ExternalName", "externalName": "example.org"})
        await becomes(house, web, "CNAME", one("example.org."))
        await becomes(house, reverse(address), "PTR", NXDOMAIN)

        await api.delete("services", "web")
        await becomes(house, web, "A", NXDOMAIN)


async def test_endpoints_of_a_headless_service(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    db = f"db.{api.namespace}.svc.cluster.local"
    first = {"addresses": ["10.1.2.3"], "hostname": "db-0", "conditions": {"ready": True}}
    second = {"addresses": ["10.1.2.4"], "hostname": "db-1", "conditions": {"ready": True}}
    async with serving(plane) as house:
        await api.create_service("db", clusterIP="None")
        await api.create_slice("db-1", "db", [first])
        await becomes(house, db, "A", one("10.1.2.3"))
        assert await outcome(house, f"db-0.{db}") == one("10.1.2.3")
        assert await outcome(house, reverse("10.1.2.3"), "PTR") == one(f"db-0.{db}.")

        await api.create_slice("db-2", "db", [second])
        await becomes(house, db, "A", one("10.1.2.3", "10.1.2.4"))
        assert await outcome(house, f"_http._tcp.{db}", "SRV") == one(f"0 50 8080 db-0.{db}.", f"0 50 8080 db-1.{db}.")

        await api.patch("endpointslices", "db-1", endpoints=[first | {"conditions": {"ready": False}}])
        await becomes(house, db, "A", one("10.1.2.4"))
        await becomes(house, f"db-0.{db}", "A", NXDOMAIN)

        await api.patch("endpointslices", "db-1", endpoints=[first | {"addresses": ["10.1.2.9"]}])
        await becomes(house, db, "A", one("10.1.2.4", "10.1.2.9"))
        assert await outcome(house, reverse("10.1.2.3"), "PTR") == NXDOMAIN

        await api.delete("endpointslices", "db-1")
        await becomes(house, db, "A", one("10.1.2.4"))


async def test_pods_are_verified(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    name = f"10-1-2-3.{api.namespace}.pod.cluster.local"
    async with serving(plane) as house:
        await api.create("pods", "p", spec={"containers": [{"name": "c", "image": "none"}]})
        assert await outcome(house, name) == NXDOMAIN
        status = {"status": {"podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}], "phase": "Running"}}
        await api.call("PATCH", api.path("pods", "p") + "/status", status)
        await becomes(house, name, "A", one("10.1.2.3"))
        await api.call("DELETE", api.path("pods", "p") + "?gracePeriodSeconds=0")
        await becomes(house, name, "A", NXDOMAIN)


async def test_a_namespace_comes_and_goes(plane: ControlPlane, api: Api) -> None:
    name = f"{api.namespace}.svc.cluster.local"
    async with serving(plane) as house:
        assert await outcome(house, name) == NXDOMAIN
        await api.create_namespace()
        await becomes(house, name, "A", NODATA)
        await api.end_namespace()
        await becomes(house, name, "A", NXDOMAIN)


async def test_rights_to_list_and_watch_are_enough(plane: ControlPlane, api: Api) -> None:
    with pytest.raises(Refusal) as refusal:
        await api.call("GET", "/api/v1/namespaces/default/services/kubernetes", token=LIMITED)
    assert refusal.value.status == 403
    async with serving(plane) as house:
        assert await outcome(house, "kubernetes.default.svc.cluster.local") == one("10.96.0.1")


async def test_the_first_list_is_streamed(plane: ControlPlane, api: Api) -> None:
    # A token that may not list cannot be served by pages.
    with pytest.raises(Refusal) as refusal:
        await api.call("GET", "/api/v1/services", token=WATCHER)
    assert refusal.value.status == 403
    await api.create_namespace()
    address = await api.create_service("web")
    async with serving(plane, token=WATCHER) as house:
        assert await outcome(house, f"web.{api.namespace}.svc.cluster.local") == one(address)


async def test_labels_select_on_the_server(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    web = f"web.{api.namespace}.svc.cluster.local"
    address = await api.create_service("web")
    async with serving(plane, more="labels app=shop") as house:
        assert await outcome(house, web) == NXDOMAIN
        await api.patch("services", "web", metadata={"labels": {"app": "shop"}})
        await becomes(house, web, "A", one(address))
        await api.patch("services", "web", metadata={"labels": {"app": "other"}})
        await becomes(house, web, "A", NXDOMAIN)


async def test_a_watch_that_is_cut_goes_on_where_it_was(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    zone = f"{api.namespace}.svc.cluster.local"
    kept, gone = await api.create_service("kept"), await api.create_service("gone")
    async with Passage(plane.port) as way, serving(plane, port=way.port) as house:
        assert await outcome(house, f"gone.{zone}") == one(gone)
        await way.shut()
        await api.delete("services", "gone")
        new = await api.create_service("new")
        assert await outcome(house, f"gone.{zone}") == one(gone)
        assert await outcome(house, f"new.{zone}") == NXDOMAIN
        await way.open()
        await becomes(house, f"new.{zone}", "A", one(new), BACK_AGAIN)
        await becomes(house, f"gone.{zone}", "A", NXDOMAIN)
        assert await outcome(house, f"kept.{zone}") == one(kept)


async def test_answers_stay_while_the_api_server_is_away(plane: ControlPlane, api: Api) -> None:
    await api.create_namespace()
    zone = f"{api.namespace}.svc.cluster.local"
    kept = await api.create_service("kept")
    async with serving(plane) as house:
        await asyncio.to_thread(plane.kill_api)
        assert await outcome(house, f"kept.{zone}") == one(kept)
        assert await outcome(house, f"new.{zone}") == NXDOMAIN
        await asyncio.to_thread(plane.start_api)
        assert await outcome(house, f"kept.{zone}") == one(kept)
        new = await api.create_service("new")
        await becomes(house, f"new.{zone}", "A", one(new), BACK_AGAIN)
        await api.delete("services", "kept")
        await becomes(house, f"kept.{zone}", "A", NXDOMAIN)


async def test_a_version_that_is_gone_is_listed_anew(
    plane: ControlPlane, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    await api.create_namespace()
    zone = f"{api.namespace}.svc.cluster.local"
    kept, gone = await api.create_service("kept"), await api.create_service("gone")
    async with Passage(plane.port) as way, serving(plane, port=way.port) as house:
        assert await outcome(house, f"gone.{zone}") == one(gone)
        await way.shut()
        await api.delete("services", "gone")
        new = await api.create_service("new")
        await asyncio.to_thread(plane.kill_api)
        await asyncio.to_thread(plane.compact)
        await asyncio.to_thread(plane.start_api)
        assert await outcome(house, f"gone.{zone}") == one(gone)
        with caplog.at_level("INFO", "kdns.kubernetes"):
            await way.open()
            await becomes(house, f"new.{zone}", "A", one(new), BACK_AGAIN)
        await becomes(house, f"gone.{zone}", "A", NXDOMAIN)
        assert await outcome(house, f"kept.{zone}") == one(kept)
        assert "is gone, listing again" in caplog.text
