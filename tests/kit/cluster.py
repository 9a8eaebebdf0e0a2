"""A generated cluster of any size, always the same for the same numbers, with objects as big as real ones are.

One Service in ten is headless, one in fifty an alias; the endpoints are spread over the others, a hundred a slice.
"""

from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

NAMESPACES = 50
PER_SLICE = 100


def cluster(services: int, endpoints: int) -> Iterator[Manifest]:
    """The Namespaces, Services and EndpointSlices."""
    for n in range(min(NAMESPACES, services)):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"ns-{n}"}, "status": {"phase": "Active"}}
    with_endpoints = [n for n in range(services) if n % 50 != 7]
    for n in range(services):
        yield service(n)
    each, more = divmod(endpoints, max(1, len(with_endpoints)))
    first = 0
    for place, n in enumerate(with_endpoints):
        count = each + (place < more)
        for part in range(0, max(count, 1), PER_SLICE):
            size = min(PER_SLICE, count - part)
            yield slice_of(n, part // PER_SLICE, first + part, size)
        first += count


def service(n: int, revision: int = 0) -> Manifest:
    """The n-th Service; revisions differ in an address that DNS sees."""
    spec: Manifest = {
        "ports": [
            {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
            {"name": "metrics", "protocol": "TCP", "port": 9100, "targetPort": 9100},
        ],
        "selector": {"app.kubernetes.io/name": f"svc-{n}"},
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
    }
    if n % 50 == 7:
        spec = {"type": "ExternalName", "externalName": f"host-{n}.example.com", "sessionAffinity": "None"}
    elif n % 10 == 3:
        spec |= {"clusterIP": "None", "clusterIPs": ["None"]}
    else:
        address = f"10.{96 + revision % 16}.{n >> 8 & 255}.{n & 255}"
        spec |= {"clusterIP": address, "clusterIPs": [address]}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(f"svc-{n}", n, {"app.kubernetes.io/name": f"svc-{n}"}),
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def slice_of(n: int, part: int, first: int, count: int) -> Manifest:
    """A slice of the n-th Service with `count` endpoints, numbered from `first`."""
    labels = {
        "app.kubernetes.io/name": f"svc-{n}",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
        "kubernetes.io/service-name": f"svc-{n}",
    }
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _metadata(f"svc-{n}-{part:05x}", n, labels),
        "addressType": "IPv4",
        "endpoints": [_endpoint(n, number) for number in range(first, first + count)],
        "ports": [
            {"name": "http", "port": 8080, "protocol": "TCP"},
            {"name": "metrics", "port": 9100, "protocol": "TCP"},
        ],
    }


def _endpoint(n: int, number: int) -> Manifest:
    pod = f"svc-{n}-7c9f4d6b5-{number:05x}"
    return {
        "addresses": [f"10.{128 + (number >> 16 & 63)}.{number >> 8 & 255}.{number & 255}"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": f"node-{number % 500}",
        "targetRef": {"kind": "Pod", "namespace": f"ns-{n % NAMESPACES}", "name": pod, "uid": f"{number:036x}"},
        "zone": f"zone-{'abc'[number % 3]}",
    }


def _metadata(name: str, n: int, labels: dict[str, str]) -> Manifest:
    owned: Manifest = {
        f"f:{key}": {} for key in ("labels", "ports", "selector", "sessionAffinity", "type", "internalTrafficPolicy")
    }
    managed = {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "apiVersion": "v1",
        "time": "2026-11-01T10:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:spec": owned},
    }
    return {
        "name": name,
        "namespace": f"ns-{n % NAMESPACES}",
        "labels": labels,
        "creationTimestamp": "2026-11-01T10:00:00Z",
        "managedFields": [managed],
    }
