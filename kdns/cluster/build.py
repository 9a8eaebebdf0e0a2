"""From an object in the API's shape to the value that the index keeps.

Checked is what the decoder cannot: names have to fit into a label of a domain name, addresses have to be addresses. An
API server lets nothing else in, so what fails here was written by hand or is not from an API server. Strings and tuples
that many objects have in common become one.
"""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from sys import intern
from typing import Any, Final, TypeVar

from kdns.cluster import kinds, raw
from kdns.cluster.address import pack
from kdns.cluster.kinds import Kind
from kdns.cluster.values import (
    NO_ADDRESS,
    Endpoint,
    EndpointSlice,
    ImportedSlice,
    Namespace,
    Object,
    Pod,
    Port,
    Service,
    ServiceImport,
)

MAX_ADDRESSES: Final = 10_000
"""Addresses of a slice, some 30 ms of work. Controllers write a thousand; the API would take 100 000."""

T = TypeVar("T")
Match = Callable[[str], re.Match[str] | None]

_label: Final[Match] = re.compile(r"(?!-)[-a-z0-9]{1,63}(?<!-)").fullmatch
_subdomain: Final[Match] = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?").fullmatch
_domain: Final[Match] = re.compile(r"(?!.{254})[!-\-/-\[\]-~]{1,63}(\.[!-\-/-\[\]-~]{1,63})*").fullmatch


class Half(ValueError):
    """A field that the decoder let pass cannot be used: the `text` at `where` is not `wanted`."""

    def __init__(self, where: str, text: str, wanted: str) -> None:
        short = text if len(text) <= 80 else f"{text[:77]}..."
        super().__init__(f"{where}: {short!r} is not {wanted}")


def build_namespace(given: raw.Namespace) -> Namespace:
    """Raises `Half`."""
    return Namespace(_name(given.metadata, _label), _version(given.metadata))


def build_service(given: raw.Service) -> Service:
    """Raises `Half`. An ExternalName has to have a name; it may be an address (kubernetes.md section 1.7)."""
    meta, spec = given.metadata, given.spec
    external_name = spec.external_name or ""
    if spec.type == "ExternalName" and not _domain(external_name.removesuffix(".")):
        raise Half("spec.externalName", external_name, "a domain name")
    ingress = given.status.load_balancer.ingress if given.status and given.status.load_balancer else None
    return Service(
        _namespace(meta),
        _name(meta, _label),
        _version(meta),
        meta.uid or "",
        intern(spec.type or "ClusterIP"),
        _cluster_ips(spec),
        _ports(spec.ports, "spec.ports"),
        external_name,
        (*(spec.external_ips or ()), *[where for point in ingress or () if (where := point.ip or point.hostname)]),
    )


def _cluster_ips(spec: raw.ServiceSpec) -> tuple[str, ...]:
    """Only what is assigned: an API server may show a Service before its addresses (kubernetes.md section 1.5)."""
    texts = [text for text in spec.cluster_ips or [spec.cluster_ip or ""] if text]
    if texts[:1] == [NO_ADDRESS]:
        return (NO_ADDRESS,)
    return _addresses(texts, "spec.clusterIPs")


def build_slice(given: raw.Slice) -> EndpointSlice:
    """Raises `Half`."""
    meta = given.metadata
    service = meta.labels.service if meta.labels else None
    return EndpointSlice(
        _namespace(meta), _name(meta, _subdomain), _version(meta), _owner(service), *_slice_fields(given)
    )


def build_imported_slice(given: raw.Slice) -> ImportedSlice:
    """Raises `Half`."""
    meta, labels = given.metadata, given.metadata.labels or raw.SliceLabels()
    return ImportedSlice(
        _namespace(meta),
        _name(meta, _subdomain),
        _version(meta),
        _owner(labels.imported),
        *_slice_fields(given),
        source_cluster=_owner(labels.cluster),
    )


def _slice_fields(given: raw.Slice) -> tuple[str, tuple[Port, ...], tuple[Endpoint, ...], float | None]:
    notes = given.metadata.annotations
    count = sum([len(endpoint.addresses) for endpoint in given.endpoints or () if endpoint.addresses])
    if count > MAX_ADDRESSES:
        raise Half("endpoints", f"{count} addresses", f"at most {MAX_ADDRESSES}")
    return (
        intern(given.address_type),
        _ports(given.ports, "ports"),
        tuple(_ready(given)),
        _seconds(notes.trigger) if notes and notes.trigger else None,
    )


def _ready(given: raw.Slice) -> list[Endpoint]:
    """Endpoints whose readiness is true or unknown; nothing else of their conditions counts (section 1.5)."""
    is_names = given.address_type == "FQDN"
    ready = []
    for endpoint in given.endpoints or ():
        if endpoint.conditions is not None and endpoint.conditions.ready is False:
            continue
        hostname, target = endpoint.hostname or "", endpoint.target_ref
        if hostname and not _label(hostname):
            raise Half("endpoints: hostname", hostname, "a DNS label")
        pod = target.name if target is not None and target.name and _label(target.name) else ""
        zone = intern(endpoint.zone) if endpoint.zone else ""
        for address in endpoint.addresses or ():
            octets = pack(address)
            if not octets and not (is_names and _domain(address.removesuffix("."))):
                raise Half("endpoints: address", address, "a domain name" if is_names else "an IP address")
            ready.append(Endpoint(address, hostname, pod, zone, octets))
    return ready


def build_pod(given: raw.Pod) -> Pod:
    """Raises `Half`. `podIP` counts where there are no `podIPs`."""
    meta, status = given.metadata, given.status or raw.PodStatus()
    texts = [entry.ip for entry in status.pod_ips or () if entry.ip] or [status.pod_ip or ""]
    return Pod(
        _namespace(meta),
        _name(meta, _subdomain),
        _version(meta),
        _addresses([text for text in texts if text], "status.podIPs"),
        given.spec is not None and given.spec.host_network is True,
        meta.deletion_timestamp is not None,
        status.phase in {"Succeeded", "Failed", "Unknown"},
        _shared(tuple(sorted((meta.labels or {}).items()))),
    )


def build_service_import(given: raw.ServiceImport) -> ServiceImport:
    """Raises `Half`."""
    meta, spec = given.metadata, given.spec
    return ServiceImport(
        _namespace(meta),
        _name(meta, _label),
        _version(meta),
        intern(spec.type or "ClusterSetIP"),
        _addresses(spec.ips or [], "spec.ips"),
        _ports(spec.ports, "spec.ports"),
    )


def _name(meta: raw.ObjectMeta, valid: Match) -> str:
    if not valid(meta.name):
        raise Half("metadata.name", meta.name, "a DNS label" if valid is _label else "a DNS subdomain")
    return meta.name


def _namespace(meta: raw.ObjectMeta) -> str:
    namespace = meta.namespace or ""
    if not _label(namespace):
        raise Half("metadata.namespace", namespace, "a DNS label")
    return intern(namespace)


def _version(meta: raw.ObjectMeta) -> str:
    return meta.resource_version or ""


def _owner(label: str | None) -> str:
    """No Service and no cluster has a name that is not a label, so such a slice belongs to none."""
    return intern(label) if label and _label(label) else ""


def _addresses(texts: list[str], where: str) -> tuple[str, ...]:
    for text in texts:
        if not pack(text):
            raise Half(where, text, "an IP address")
    return tuple(texts)


def _ports(given: list[raw.Port] | None, where: str) -> tuple[Port, ...]:
    return _built_ports(tuple([(port.name, port.port, port.protocol) for port in given]), where) if given else ()


@lru_cache(maxsize=10_000)
def _built_ports(given: tuple[tuple[str | None, int | None, str | None], ...], where: str) -> tuple[Port, ...]:
    """The first tuple of all that equal it: most Services have the ports of some other."""
    for name, _, _ in given:
        if name and not _label(name):
            raise Half(f"{where}: name", name, "a DNS label")
    return tuple([Port(name or "", number or 0, (protocol or "TCP").lower()) for name, number, protocol in given])


@lru_cache(maxsize=10_000)
def _shared(value: T) -> T:
    """The first value of all that equal it."""
    return value


def _seconds(text: str) -> float | None:
    """Unix time of an RFC 3339 text; None if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.timestamp() if moment.tzinfo is not None else None


BUILDERS: Final[dict[Kind, Callable[[Any], Object]]] = {
    kinds.NAMESPACES: build_namespace,
    kinds.SERVICES: build_service,
    kinds.ENDPOINT_SLICES: build_slice,
    kinds.PODS: build_pod,
    kinds.SERVICE_IMPORTS: build_service_import,
    kinds.IMPORTED_SLICES: build_imported_slice,
}
"""What makes a value of an object in the shape that `raw.SHAPES` has for its kind. All raise `Half`."""
