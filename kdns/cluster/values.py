"""What the index holds of the cluster: values with only the fields that DNS can see (kubernetes.md section 4.2).

Rules. Every value is frozen and complete in itself. Addresses are kept in two forms: the text as the API spells it
(endpoint names are made of it) and `packed`, which the constructor derives. `version` is the resourceVersion; it and
what else stands in `UNSEEN` do not count when two states of an object are compared.

Memory: a cluster has ten times as many endpoints as everything else together. An endpoint with several addresses
becomes one `Endpoint` for each of them, since only pairs of address and port ever reach an answer; equal tuples of
ports and labels are one object; nothing here is tracked by the garbage collector.
"""

from typing import ClassVar, Final, NamedTuple

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from kdns.cluster import kinds
from kdns.cluster.address import pack
from kdns.cluster.kinds import Kind

NO_ADDRESS: Final = "None"
"""The cluster IP of a headless Service."""

UNSEEN: Final = ("version", "uid", "trigger_time")
"""Fields that may change without any answer changing."""


class Port(Struct, frozen=True, gc=False):
    """A port of a Service or of its endpoints. `port` is 0 where there is no number; `protocol` is in lower case."""

    name: str = ""
    port: int = 0
    protocol: str = "tcp"


class Namespace(Struct, frozen=True, gc=False):
    """A namespace that exists."""

    kind: ClassVar[Kind] = kinds.NAMESPACES
    namespace: ClassVar[str] = ""
    name: str
    version: str = ""


class Service(Struct, frozen=True, gc=False):
    """A Service. `cluster_ips` holds what is assigned: addresses, or `None` alone; `packed` only the addresses.

    `external_addresses` are `spec.externalIPs`, then those of the load balancer: addresses and host names.
    """

    kind: ClassVar[Kind] = kinds.SERVICES
    namespace: str
    name: str
    version: str = ""
    uid: str = ""
    type: str = "ClusterIP"
    cluster_ips: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    external_name: str = ""
    external_addresses: tuple[str, ...] = ()
    packed: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "packed", packed(self.cluster_ips))

    @property
    def headless(self) -> bool:
        """Whether its names mean its endpoints (kubernetes.md section 1.5)."""
        return self.cluster_ips[:1] == (NO_ADDRESS,) and self.type != "ExternalName"


class Endpoint(Struct, frozen=True, gc=False):
    """One ready address. `packed` is empty for a name, which only slices of the address type FQDN have; who has packed
    the address already gives it.

    `pod` is the name of the target object, if it can be a label of a domain name. `hostname`, `pod` and `zone` are
    empty where there is none.
    """

    address: str
    hostname: str = ""
    pod: str = ""
    zone: str = ""
    packed: bytes = b""

    def __post_init__(self) -> None:
        if not self.packed:
            force_setattr(self, "packed", pack(self.address))


class EndpointSlice(Struct, frozen=True, gc=False):
    """Some endpoints of a Service. `service` is empty if it belongs to none.

    `trigger_time` is when the change that led to this state happened, in seconds of Unix time.
    """

    kind: ClassVar[Kind] = kinds.ENDPOINT_SLICES
    namespace: str
    name: str
    version: str = ""
    service: str = ""
    address_type: str = "IPv4"
    ports: tuple[Port, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    trigger_time: float | None = None


class ImportedSlice(EndpointSlice, frozen=True, gc=False):
    """Some endpoints of a ServiceImport, whose name is `service`, in the cluster with the id `source_cluster`."""

    kind: ClassVar[Kind] = kinds.IMPORTED_SLICES
    source_cluster: str = ""


class Pod(Struct, frozen=True, gc=False):
    """A pod. `terminating`: it has a deletion timestamp; `finished`: its phase is Succeeded, Failed or Unknown."""

    kind: ClassVar[Kind] = kinds.PODS
    namespace: str
    name: str
    version: str = ""
    addresses: tuple[str, ...] = ()
    host_network: bool = False
    terminating: bool = False
    finished: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    packed: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "packed", packed(self.addresses))


class ServiceImport(Struct, frozen=True, gc=False):
    """A Service of a cluster set; `type` is ClusterSetIP or Headless."""

    kind: ClassVar[Kind] = kinds.SERVICE_IMPORTS
    namespace: str
    name: str
    version: str = ""
    type: str = "ClusterSetIP"
    ips: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    packed: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        force_setattr(self, "packed", packed(self.ips))


Object = Service | EndpointSlice | ImportedSlice | Namespace | Pod | ServiceImport


class Put(NamedTuple):
    """An object stands in the cluster as it is here."""

    object: Object


class Gone(NamedTuple):
    """No object of this kind and name stands in the cluster; `namespace` is empty for kinds that have none."""

    kind: Kind
    namespace: str
    name: str


Change = Put | Gone


def packed(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    """The addresses among `texts`."""
    return tuple([octets for text in texts if (octets := pack(text))])


def alike(old: Object, new: Object) -> bool:
    """Whether every answer is the same with `new` in the place of `old`, two states of one object."""
    if old == new:
        return True
    return old == replace(new, **{field: getattr(old, field) for field in UNSEEN if field in old.__struct_fields__})
