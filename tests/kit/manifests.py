"""A small cluster as manifests: pods, Services in and out of the cluster, a headless one, an alias."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]


def namespace(name: str) -> Manifest:
    """A namespace."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def service(
    namespace: str,
    name: str,
    addresses: tuple[str, ...],
    ports: Mapping[str, int] | None = None,
    *,
    status: Manifest | None = None,
    **spec: Any,
) -> Manifest:
    """A Service; `None` as its only address makes it headless. An empty port name is a port without one."""
    given = [{"port": number} | ({"name": port} if port else {}) for port, number in (ports or {}).items()]
    spec = {"clusterIP": addresses[0], "clusterIPs": list(addresses), "ports": given} | spec if addresses else spec
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
        "status": status or {},
    }


def endpoints(
    namespace: str, service: str, hosts: Mapping[str, str], ports: Mapping[str, int] | None = None, piece: str = "1"
) -> Manifest:
    """A slice of a Service: addresses with their host names, which may be empty."""
    entries = [
        {"addresses": [address]} | ({"hostname": host} if host else {}) | {"conditions": {"ready": True}}
        for address, host in hosts.items()
    ]
    family = "IPv6" if any(":" in address for address in hosts) else "IPv4"
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-{piece}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "endpoints": entries,
        "ports": [{"name": port, "port": number} for port, number in (ports or {}).items()],
    }


def pod(namespace: str, name: str, address: str, **labels: str) -> Manifest:
    """A running pod."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {},
        "status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]},
    }


def write(folder: Path, *objects: Manifest) -> str:
    """Put objects into a folder for the option `manifests`; the folder's name."""
    (folder / "cluster.yaml").write_text(yaml.safe_dump_all(objects))
    return str(folder)
