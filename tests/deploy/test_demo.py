"""The demo cluster holds together, and has what `make run` proposes to ask for."""

import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
Manifest = dict[str, Any]


def load() -> Iterator[Manifest]:
    for path in sorted((ROOT / "deploy/demo/cluster").glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


@pytest.fixture(scope="module")
def objects() -> dict[tuple[str, str, str], Manifest]:
    found = list(load())
    keyed = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]): o for o in found}
    assert len(keyed) == len(found)
    return keyed


def of_kind(objects: dict[tuple[str, str, str], Manifest], kind: str) -> list[Manifest]:
    return [found for (its_kind, _, _), found in objects.items() if its_kind == kind]


def test_every_object_is_in_a_namespace_that_exists(objects: dict[tuple[str, str, str], Manifest]) -> None:
    for kind, namespace, name in objects:
        assert kind == "Namespace" or ("Namespace", "", namespace) in objects, name


def test_every_slice_belongs_to_a_service_and_has_addresses_of_its_type(
    objects: dict[tuple[str, str, str], Manifest],
) -> None:
    slices = of_kind(objects, "EndpointSlice")
    assert slices
    for found in slices:
        service = found["metadata"]["labels"]["kubernetes.io/service-name"]
        assert ("Service", found["metadata"]["namespace"], service) in objects
        for endpoint in found["endpoints"]:
            (address,) = endpoint["addresses"]
            assert f"IPv{ip_address(address).version}" == found["addressType"]


def test_shows_every_kind_of_service(objects: dict[tuple[str, str, str], Manifest]) -> None:
    specs = [service["spec"] for service in of_kind(objects, "Service")]
    assert {spec["type"] for spec in specs} == {"ClusterIP", "ExternalName", "LoadBalancer"}
    assert any(spec.get("clusterIP") == "None" for spec in specs)
    assert any(len(spec.get("clusterIPs", [])) == 2 for spec in specs)


def test_what_make_run_proposes_is_there(objects: dict[tuple[str, str, str], Manifest]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    asked = re.findall(r'"  dig @127\.0\.0\.1 -p 1053 (.*)"', makefile)
    assert len(asked) == 3
    for line in asked:
        if service := re.search(r"(\w+)\.(\w+)\.svc\.cluster\.local", line):
            assert ("Service", service[2], service[1]) in objects, line
        else:
            address = line.split()[-1]
            assert any(address in service["spec"].get("clusterIPs", []) for service in of_kind(objects, "Service")), (
                line
            )


def test_the_corefile_serves_this_folder_where_the_makefile_says() -> None:
    corefile = (ROOT / "deploy/demo/Corefile").read_text()
    assert ".:1053 {\n    bind 127.0.0.1\n" in corefile
    assert "manifests deploy/demo/cluster\n" in corefile
