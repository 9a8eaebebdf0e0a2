"""The shape that the API gives its objects: only the fields that are read, what else stands there is skipped.

Go writes an absent list or object as `null`, so every field that may be missing may be null as well. Lengths of lists
are bounded by what the API allows; with YAML aliases a small file could say a huge one.
"""

from typing import Annotated, Final, Literal, TypeVar

from msgspec import Meta, Struct, field

from kdns.cluster import kinds
from kdns.cluster.kinds import Kind

T = TypeVar("T")
Few = Annotated[list[T], Meta(max_length=1000)]
"""At most as many as an EndpointSlice may have endpoints."""

Hundred = Annotated[list[T], Meta(max_length=100)]
"""At most as many as an endpoint may have addresses."""


class _Raw(Struct, rename="camel", gc=False):
    pass


class Port(_Raw):
    """A port of any object; slices may have ports without a number."""

    name: str | None = None
    port: Annotated[int, Meta(ge=0, le=65535)] | None = None
    protocol: Literal["TCP", "UDP", "SCTP"] | None = None


Ports = Annotated[list[Port], Meta(max_length=20_000)]
"""At most as many as an EndpointSlice may have ports."""


class ObjectMeta(_Raw):
    """What every object's metadata has."""

    name: str
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None


class Namespace(_Raw):
    """A v1 Namespace."""

    metadata: ObjectMeta


class Ingress(_Raw):
    """A point of ingress of a load balancer."""

    ip: str | None = None
    hostname: str | None = None


class LoadBalancer(_Raw):
    """The state of a load balancer."""

    ingress: Few[Ingress] | None = None


class ServiceSpec(_Raw):
    """The `spec` of a v1 Service."""

    type: str | None = None
    cluster_ip: str | None = field(default=None, name="clusterIP")
    cluster_ips: Few[str] | None = field(default=None, name="clusterIPs")
    ports: Ports | None = None
    external_name: str | None = None
    external_ips: Few[str] | None = field(default=None, name="externalIPs")


class ServiceStatus(_Raw):
    """The `status` of a v1 Service."""

    load_balancer: LoadBalancer | None = None


class Service(_Raw):
    """A v1 Service."""

    metadata: ObjectMeta
    spec: ServiceSpec
    status: ServiceStatus | None = None


class Conditions(_Raw):
    """The conditions of an endpoint."""

    ready: bool | None = None


class Target(_Raw):
    """What an endpoint stands for."""

    name: str | None = None


class Endpoint(_Raw):
    """An endpoint of a slice."""

    addresses: Hundred[str] | None = None
    conditions: Conditions | None = None
    hostname: str | None = None
    target_ref: Target | None = None
    zone: str | None = None


class SliceLabels(_Raw):
    """The labels of a slice that say whose it is."""

    service: str | None = field(default=None, name=kinds.SERVICE_NAME)
    imported: str | None = field(default=None, name=kinds.IMPORT_NAME)
    cluster: str | None = field(default=None, name=kinds.SOURCE_CLUSTER)


class SliceAnnotations(_Raw):
    """The annotation of a slice that says when the change behind it happened."""

    trigger: str | None = field(default=None, name="endpoints.kubernetes.io/last-change-trigger-time")


class SliceMeta(ObjectMeta):
    """The metadata of a slice."""

    labels: SliceLabels | None = None
    annotations: SliceAnnotations | None = None


class Slice(_Raw):
    """A discovery.k8s.io/v1 EndpointSlice."""

    metadata: SliceMeta
    address_type: str
    ports: Ports | None = None
    endpoints: Few[Endpoint] | None = None


class PodMeta(ObjectMeta):
    """The metadata of a pod."""

    labels: dict[str, str] | None = None
    deletion_timestamp: str | None = None


class PodSpec(_Raw):
    """The `spec` of a v1 Pod."""

    host_network: bool | None = None


class PodAddress(_Raw):
    """An address of a pod."""

    ip: str | None = None


class PodStatus(_Raw):
    """The `status` of a v1 Pod."""

    phase: str | None = None
    pod_ip: str | None = field(default=None, name="podIP")
    pod_ips: Hundred[PodAddress] | None = field(default=None, name="podIPs")


class Pod(_Raw):
    """A v1 Pod."""

    metadata: PodMeta
    spec: PodSpec | None = None
    status: PodStatus | None = None


class ServiceImportSpec(_Raw):
    """The `spec` of a ServiceImport."""

    type: str | None = None
    ips: Few[str] | None = None
    ports: Ports | None = None


class ServiceImport(_Raw):
    """A multicluster.x-k8s.io/v1alpha1 ServiceImport."""

    metadata: ObjectMeta
    spec: ServiceImportSpec


SHAPES: Final[dict[Kind, type[_Raw]]] = {
    kinds.NAMESPACES: Namespace,
    kinds.SERVICES: Service,
    kinds.ENDPOINT_SLICES: Slice,
    kinds.PODS: Pod,
    kinds.SERVICE_IMPORTS: ServiceImport,
    kinds.IMPORTED_SLICES: Slice,
}
"""The shape of the objects of each kind."""
