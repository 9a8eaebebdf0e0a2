"""Lists as an API server sends them, of clusters of any size."""

import json
from typing import Any

Json = dict[str, Any]


def service(number: int, namespaces: int = 50) -> Json:
    """A Service with one cluster IP and one port."""
    address = f"10.96.{number // 256}.{number % 256}"
    return {
        "metadata": {
            "name": f"svc-{number}",
            "namespace": f"ns-{number % namespaces}",
            "uid": f"0b0ff2b7-7d0b-4e0b-9f6e-{number:012d}",
            "resourceVersion": str(1_000_000 + number),
        },
        "spec": {
            "type": "ClusterIP",
            "clusterIP": address,
            "clusterIPs": [address],
            "selector": {"app": f"svc-{number}"},
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080}],
        },
        "status": {"loadBalancer": {}},
    }


def endpoint_slice(number: int, size: int, namespaces: int = 50) -> Json:
    """The one slice of the Service of this number, with `size` endpoints that no other slice has."""
    return {
        "metadata": {
            "name": f"svc-{number}-x7k2p",
            "namespace": f"ns-{number % namespaces}",
            "resourceVersion": str(2_000_000 + number),
            "labels": {"kubernetes.io/service-name": f"svc-{number}"},
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-15T10:00:00Z"},
            "managedFields": [{"manager": "kube-controller-manager", "fieldsV1": {"f:endpoints": {}, "f:ports": {}}}],
        },
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [_endpoint(number, number * size + at) for at in range(size)],
    }


def _endpoint(service_number: int, number: int) -> Json:
    return {
        "addresses": [f"10.{128 + number // 65536}.{number // 256 % 256}.{number % 256}"],
        "conditions": {"ready": True, "serving": True, "terminating": False},
        "nodeName": f"node-{number % 100}",
        "targetRef": {"kind": "Pod", "name": f"svc-{service_number}-5d4c7b9f6-{number:05d}", "uid": f"uid-{number}"},
        "zone": f"zone-{number % 3}",
    }


def list_of(kind: str, items: list[Json]) -> bytes:
    """One list response, in the compact JSON of an API server."""
    body = {"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "9000000"}, "items": items}
    return json.dumps(body, separators=(",", ":")).encode()
