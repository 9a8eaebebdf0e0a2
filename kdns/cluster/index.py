"""The cluster as DNS asks for it: every object by its name, and by every address it is found at.

Rules:
* Every read notes its key first, whether or not something stands there; what was read can be forgotten by that key.
* `apply` is one plain step: it compares, swaps, and returns the keys of the old and the new state in every map they
  appear in. What is alike touches nothing. Nothing else writes.
* What a read returned is frozen; later changes make new values.

Addresses are compared in packed form (4 or 16 octets), never as text. Reads cost a tuple, an append and a dict access.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from kdns.cluster import kinds
from kdns.cluster.address import pack
from kdns.cluster.kinds import Kind
from kdns.cluster.lookup import Key, Lookup
from kdns.cluster.serials import Serials
from kdns.cluster.values import (
    Change,
    EndpointSlice,
    ImportedSlice,
    Namespace,
    Object,
    Pod,
    Put,
    Service,
    ServiceImport,
    alike,
)

Touched = AbstractSet[Key]

Place = tuple[str, str, str]
"""An object's own place: tag of its kind, namespace, name; also the read key of kinds that are read by name."""

NOTHING: Final[Touched] = frozenset()


class _Store(NamedTuple):
    objects: dict[Place, Any]
    lookups: tuple[Lookup[Any, Any], ...] = ()
    whole: tuple[Key, ...] = ()


class Index:
    """See the module. `serials` has the Unix time of the last change for each kind of zone.

    `zonal` and `pod_names`: answers show the zone, or the pod name, of endpoints.
    """

    def __init__(self, *, zonal: bool = False, pod_names: bool = False) -> None:
        self.serials = Serials(zonal=zonal, pod_names=pod_names)
        self._namespaces: dict[Place, Namespace] = {}
        self._services: dict[Place, Service] = {}
        self._imports: dict[Place, ServiceImport] = {}
        services_at: Lookup[bytes, Service] = Lookup(lambda service: service.packed, "services-at")
        external_at: Lookup[bytes, Service] = Lookup(_external, "external-at")
        slices: Lookup[Key, EndpointSlice] = Lookup(lambda piece: _owner("slices", piece))
        slices_at: Lookup[bytes, EndpointSlice] = Lookup(_endpoints, "slices-at")
        imported: Lookup[Key, ImportedSlice] = Lookup(lambda piece: _owner("imported-slices", piece))
        pods_at: Lookup[bytes, Pod] = Lookup(lambda pod: pod.packed, "pods-at")
        self._services_at, self._external_at = services_at.entries, external_at.entries
        self._slices, self._slices_at = slices.entries, slices_at.entries
        self._imported, self._pods_at = imported.entries, pods_at.entries
        self._stores: dict[Kind, _Store] = {
            kinds.NAMESPACES: _Store(self._namespaces, (), (("namespaces",),)),
            kinds.SERVICES: _Store(self._services, (services_at, external_at), (("services",),)),
            kinds.ENDPOINT_SLICES: _Store({}, (slices, slices_at)),
            kinds.PODS: _Store({}, (pods_at,)),
            kinds.SERVICE_IMPORTS: _Store(self._imports, (), (("service-imports",),)),
            kinds.IMPORTED_SLICES: _Store({}, (imported,)),
        }

    def apply(self, change: Change, now: int) -> Touched:
        """Take over a change that happened at `now`, in seconds of Unix time; the read keys whose answers differ."""
        new: Object | None
        if isinstance(change, Put):
            new = change.object
            kind, place = new.kind, (new.kind.tag, new.namespace, new.name)
        else:
            new = None
            kind, place = change.kind, (change.kind.tag, change.namespace, change.name)
        store = self._stores[kind]
        old = store.objects.get(place)
        if isinstance(new, Pod):
            new = _admitted(old, new)
        if old is None and new is not None:
            return self._add(store, place, new, now)
        if old == new:
            return NOTHING
        # Taken out first, so that the place shares its strings with the newest object and keeps no second copy alive.
        store.objects.pop(place, None)
        if new is not None:
            store.objects[place] = new
        touched: set[Key] = {place, *store.whole}
        for lookup in store.lookups:
            lookup.swap(old, new, touched)
        if old is not None and new is not None and alike(old, new):
            return NOTHING
        self.serials.count(old, new, now, external=self._is_external(old) or self._is_external(new))
        return touched

    def _add(self, store: _Store, place: Place, new: Object, now: int) -> Touched:
        """What `apply` does for an object that was not there, which is all of a first load."""
        store.objects[place] = new
        touched: set[Key] = {place, *store.whole}
        for lookup in store.lookups:
            lookup.swap(None, new, touched)
        self.serials.count(None, new, now, external=self._is_external(new))
        return touched

    def _is_external(self, value: Object | None) -> bool:
        """Whether k8s_external can show it; slices only behind a headless Service."""
        if not isinstance(value, EndpointSlice):
            return value is not None
        service = self._services.get(("service", value.namespace, value.service))
        return service is not None and service.headless

    def places(self, kind: Kind) -> set[Place]:
        """Where objects of a kind stand. Not a read: for comparing with another state."""
        return set(self._stores[kind].objects)

    def namespace(self, reads: list[Key], name: str) -> Namespace | None:
        """A namespace that exists."""
        key = ("namespace", "", name)
        reads.append(key)
        return self._namespaces.get(key)

    def namespaces(self, reads: list[Key]) -> tuple[Namespace, ...]:
        """All of them, in no order."""
        reads.append(("namespaces",))
        return tuple(self._namespaces.values())

    def service(self, reads: list[Key], namespace: str, name: str) -> Service | None:
        """A Service by its name."""
        key = ("service", namespace, name)
        reads.append(key)
        return self._services.get(key)

    def services(self, reads: list[Key]) -> tuple[Service, ...]:
        """All of them, in no order."""
        reads.append(("services",))
        return tuple(self._services.values())

    def services_at(self, reads: list[Key], address: bytes) -> tuple[Service, ...]:
        """The Services that have this address among their cluster IPs."""
        reads.append(("services-at", address))
        return self._services_at.get(address, ())

    def external_at(self, reads: list[Key], address: bytes) -> tuple[Service, ...]:
        """The Services that have this address among their external addresses."""
        reads.append(("external-at", address))
        return self._external_at.get(address, ())

    def external_addresses(self) -> list[bytes]:
        """Every address that a Service has outside the cluster. Not a read: for what is made once."""
        return list(self._external_at)

    def addresses(self) -> set[bytes]:
        """Every address that leads back to a Service or an endpoint. Not a read: for what is made once."""
        return self._services_at.keys() | self._slices_at.keys()

    def slices(self, reads: list[Key], namespace: str, service: str) -> tuple[EndpointSlice, ...]:
        """The slices of a Service, whether or not there is such a Service."""
        key = ("slices", namespace, service)
        reads.append(key)
        return self._slices.get(key, ())

    def slices_at(self, reads: list[Key], address: bytes) -> tuple[EndpointSlice, ...]:
        """The slices that hold this ready address; not those that belong to no Service."""
        reads.append(("slices-at", address))
        return self._slices_at.get(address, ())

    def pods_at(self, reads: list[Key], address: bytes) -> tuple[Pod, ...]:
        """The pods with this address: those of the host network share theirs, a terminating one may have lost it."""
        reads.append(("pods-at", address))
        return self._pods_at.get(address, ())

    def service_import(self, reads: list[Key], namespace: str, name: str) -> ServiceImport | None:
        """A ServiceImport by its name."""
        key = ("service-import", namespace, name)
        reads.append(key)
        return self._imports.get(key)

    def service_imports(self, reads: list[Key]) -> tuple[ServiceImport, ...]:
        """All of them, in no order."""
        reads.append(("service-imports",))
        return tuple(self._imports.values())

    def imported_slices(self, reads: list[Key], namespace: str, name: str) -> tuple[ImportedSlice, ...]:
        """The slices of a ServiceImport, whether or not there is such an import."""
        key = ("imported-slices", namespace, name)
        reads.append(key)
        return self._imported.get(key, ())


def _admitted(old: Pod | None, new: Pod) -> Pod | None:
    """A pod that ends keeps its addresses until it is deleted, and one that is first seen ending never gets them.

    kubernetes.md sections 2 and 4.2. A finished pod has none (needs.md section 4, 1: its address may be another's).
    """
    if new.finished or (new.terminating and old is None):
        return None
    if new.terminating and old is not None:
        return replace(old, version=new.version, terminating=True)
    return new


def _owner(tag: str, piece: EndpointSlice) -> tuple[Key, ...]:
    return ((tag, piece.namespace, piece.service),) if piece.service else ()


def _endpoints(piece: EndpointSlice) -> list[bytes]:
    return [octets for endpoint in piece.endpoints if (octets := endpoint.packed)] if piece.service else []


def _external(service: Service) -> Iterable[bytes]:
    texts = service.external_addresses
    return [octets for text in texts if (octets := pack(text))] if texts else ()
