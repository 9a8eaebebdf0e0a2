"""Random histories of a small cluster, and everything that can be read of an index after them.

The universe is small on purpose: names and addresses meet all the time, IPv6 addresses come in two spellings.
"""

from collections.abc import Callable, Iterable
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from kdns.cluster.address import pack
from kdns.cluster.index import Index
from kdns.cluster.kinds import KINDS
from kdns.cluster.lookup import Key
from kdns.cluster.values import (
    UNSEEN,
    Change,
    Endpoint,
    EndpointSlice,
    Gone,
    ImportedSlice,
    Namespace,
    Object,
    Pod,
    Port,
    Put,
    Service,
    ServiceImport,
)

NAMESPACES = ("a", "b")
NAMES = ("x", "y")
ADDRESSES = ("10.0.0.1", "10.0.0.2", "fd00::1", "FD00:0::1")
PACKED = tuple(sorted({pack(text) for text in ADDRESSES}))
PORTS = (Port("http", 80), Port("", 53, "udp"))

_addresses = st.lists(st.sampled_from(ADDRESSES), max_size=3).map(tuple)
_ports = st.lists(st.sampled_from(PORTS), max_size=2).map(tuple)
_path = (st.sampled_from(NAMESPACES), st.sampled_from(NAMES), st.sampled_from(("1", "2")))
_endpoints = st.lists(
    st.builds(
        Endpoint,
        st.sampled_from((*ADDRESSES, "db.example")),
        hostname=st.sampled_from(("", "h")),
        pod=st.sampled_from(("", "p")),
        zone=st.sampled_from(("", "z")),
    ),
    max_size=3,
).map(tuple)
_slice = {
    "service": st.sampled_from(("", *NAMES)),
    "ports": _ports,
    "endpoints": _endpoints,
    "trigger_time": st.sampled_from((None, 1.0, 2.0)),
}

objects: st.SearchStrategy[Object] = st.one_of(
    st.builds(Namespace, st.sampled_from(NAMESPACES), st.sampled_from(("1", "2"))),
    st.builds(
        Service,
        *_path,
        type=st.sampled_from(("ClusterIP", "ExternalName")),
        cluster_ips=st.one_of(st.just(("None",)), _addresses),
        ports=_ports,
        external_name=st.sampled_from(("", "db.example")),
        external_addresses=st.lists(st.sampled_from((*ADDRESSES, "lb.example")), max_size=2).map(tuple),
    ),
    st.builds(EndpointSlice, *_path, **_slice),
    st.builds(ImportedSlice, *_path, **_slice, source_cluster=st.sampled_from(("east", "west"))),
    st.builds(ServiceImport, *_path, type=st.sampled_from(("ClusterSetIP", "Headless")), ips=_addresses, ports=_ports),
    st.builds(Pod, *_path, addresses=_addresses, terminating=st.booleans(), finished=st.booleans()),
)

gone = st.builds(
    lambda kind, namespace, name: Gone(
        kind, namespace if kind.namespaced else "", name if kind.namespaced else namespace
    ),
    st.sampled_from(KINDS),
    st.sampled_from(NAMESPACES),
    st.sampled_from(NAMES),
)
changes: st.SearchStrategy[Change] = st.one_of(objects.map(Put), objects.map(Put), gone)
histories = st.lists(changes, max_size=30)

Place = tuple[str, str, str]


def place_of(value: Object) -> Place:
    return (value.kind.tag, value.namespace, value.name)


def final_state(history: Iterable[Change]) -> dict[Place, Object]:
    """What stands after a history, by the plain words of the specification."""
    standing: dict[Place, Object] = {}
    for change in history:
        if isinstance(change, Gone):
            standing.pop((change.kind.tag, change.namespace, change.name), None)
            continue
        value, place = change.object, place_of(change.object)
        if isinstance(value, Pod) and value.finished:
            standing.pop(place, None)
        elif isinstance(value, Pod) and value.terminating:
            if place in standing:
                standing[place] = replace(standing[place], terminating=True)
        else:
            standing[place] = value
    return standing


def seen(value: Object) -> Object:
    """A value without what no answer shows."""
    blank = {"version": "", "uid": "", "trigger_time": None}
    return replace(value, **{field: blank[field] for field in UNSEEN if field in value.__struct_fields__})


def expected(standing: Iterable[Object]) -> dict[Key, Any]:
    """The answer of every read, found by looking at every object."""
    everything = sorted(standing, key=lambda value: (value.namespace, value.name))

    def those(kind: type[Any], **fields: str) -> tuple[Any, ...]:
        """The objects of a kind whose fields are these, or all."""
        return tuple(
            seen(value)
            for value in everything
            if type(value) is kind and all(getattr(value, field) == wanted for field, wanted in fields.items())
        )

    def only(kind: type[Any], **fields: str) -> Any:
        return next(iter(those(kind, **fields)), None)

    found: dict[Key, Any] = {
        ("namespaces",): those(Namespace),
        ("services",): those(Service),
        ("service-imports",): those(ServiceImport),
    }
    for namespace in NAMESPACES:
        found["namespace", "", namespace] = only(Namespace, name=namespace)
        for name in NAMES:
            found["service", namespace, name] = only(Service, namespace=namespace, name=name)
            found["service-import", namespace, name] = only(ServiceImport, namespace=namespace, name=name)
            found["slices", namespace, name] = those(EndpointSlice, namespace=namespace, service=name)
            found["imported-slices", namespace, name] = those(ImportedSlice, namespace=namespace, service=name)
    for address in PACKED:
        at = {
            "services-at": [value for value in those(Service) if address in map(pack, value.cluster_ips)],
            "external-at": [value for value in those(Service) if address in map(pack, value.external_addresses)],
            "pods-at": [value for value in those(Pod) if address in map(pack, value.addresses)],
            "slices-at": [
                value
                for value in those(EndpointSlice)
                if value.service and address in [pack(endpoint.address) for endpoint in value.endpoints]
            ],
        }
        found |= {(tag, address): tuple(values) for tag, values in at.items()}
    return found


def observe(index: Index) -> dict[Key, Any]:
    """The answer of every read, under the key that the read noted."""
    found: dict[Key, Any] = {}

    def read(call: Callable[..., Any], *arguments: object, ordered: bool = True) -> None:
        reads: list[Key] = []
        value = call(reads, *arguments)
        (key,) = reads
        if isinstance(value, tuple):
            value = tuple(map(seen, value))
            value = value if ordered else tuple(sorted(value, key=lambda one: (one.namespace, one.name)))
        found[key] = seen(value) if isinstance(value, Namespace | Service | ServiceImport) else value

    for call in (index.namespaces, index.services, index.service_imports):
        read(call, ordered=False)
    for namespace in NAMESPACES:
        read(index.namespace, namespace)
        for name in NAMES:
            for by_name in (index.service, index.service_import, index.slices, index.imported_slices):
                read(by_name, namespace, name)
    for address in PACKED:
        for by_address in (index.services_at, index.external_at, index.pods_at, index.slices_at):
            read(by_address, address)
    return found
