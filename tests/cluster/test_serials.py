import pytest
from msgspec.structs import replace

from kdns.cluster.index import Index
from kdns.cluster.kinds import Kind
from kdns.cluster.values import (
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

SERVICE = Service("a", "x", cluster_ips=("10.96.0.1",), ports=(Port("http", 80), Port("dns", 53, "udp")))
HEADLESS = Service("a", "hl", cluster_ips=("None",))
SLICE = EndpointSlice("a", "s", service="x", ports=(Port("http", 80),), endpoints=(Endpoint("10.0.0.1", "h"),))
OF_HEADLESS = replace(SLICE, service="hl")
IMPORTED = ImportedSlice("a", "s", service="x", endpoints=(Endpoint("10.0.0.1"),), source_cluster="east")
IMPORT = ServiceImport("a", "x", ips=("10.112.0.1",), ports=(Port("http", 80),))
POD = Pod("a", "p", addresses=("10.0.0.1",))


def moved(index: Index, change: Put | Gone) -> str:
    """The counters that a change moves, by their first letters."""
    index.apply(change, 100)
    serials = index.serials
    counters = {"c": serials.cluster, "m": serials.multicluster, "e": serials.external}
    return "".join(letter for letter, value in counters.items() if value == 100)


def standing(*values: Object, zonal: bool = False, pod_names: bool = False) -> Index:
    index = Index(zonal=zonal, pod_names=pod_names)
    for value in (HEADLESS, *values):
        index.apply(Put(value), 1)
    return index


@pytest.mark.parametrize(
    ("value", "counters"),
    [
        (Namespace("a"), "cme"),
        (SERVICE, "ce"),
        (SLICE, "c"),
        (OF_HEADLESS, "ce"),
        (replace(SLICE, service=""), "c"),
        (POD, "cm"),
        (IMPORT, "m"),
        (IMPORTED, "m"),
    ],
)
def test_what_comes_and_goes(value: Object, counters: str) -> None:
    assert moved(standing(), Put(value)) == counters
    assert moved(standing(value), Gone(value.kind, value.namespace, value.name)) == counters


@pytest.mark.parametrize(
    ("old", "fields", "counters"),
    [
        (SERVICE, {"external_name": "a.b"}, "c"),
        (SERVICE, {"ports": (Port("http", 80),)}, "ce"),
        (SERVICE, {"ports": SERVICE.ports[::-1]}, "ce"),
        (SERVICE, {"ports": (Port("web", 80), SERVICE.ports[1])}, "ce"),
        (SERVICE, {"ports": (Port("http", 81), SERVICE.ports[1])}, "ce"),
        (SERVICE, {"ports": (Port("http", 80, "sctp"), SERVICE.ports[1])}, "ce"),
        (SERVICE, {"external_addresses": ("198.51.100.1",)}, "e"),
        (SERVICE, {"cluster_ips": ("10.96.0.2",)}, "c"),
        (SERVICE, {"cluster_ips": ("None",)}, "ce"),
        (SERVICE, {"type": "NodePort"}, "c"),
        (SERVICE, {"uid": "u", "version": "2"}, ""),
        (SLICE, {"endpoints": (Endpoint("10.0.0.2", "h"),)}, "c"),
        (SLICE, {"endpoints": (Endpoint("10.0.0.1", "g"),)}, "c"),
        (SLICE, {"endpoints": ()}, "c"),
        (SLICE, {"ports": ()}, "c"),
        (SLICE, {"service": "y"}, "c"),
        (SLICE, {"service": "hl"}, "ce"),
        (SLICE, {"endpoints": (Endpoint("10.0.0.1", "h", pod="p"),)}, ""),
        (SLICE, {"endpoints": (Endpoint("10.0.0.1", "h", zone="z"),)}, ""),
        (SLICE, {"trigger_time": 5.0, "version": "2"}, ""),
        (OF_HEADLESS, {"endpoints": ()}, "ce"),
        (POD, {"addresses": ("10.0.0.2",)}, "cm"),
        (POD, {"labels": (("a", "b"),)}, ""),
        (POD, {"terminating": True}, ""),
        (POD, {"finished": True}, "cm"),
        (IMPORT, {"type": "Headless"}, "m"),
        (IMPORT, {"ports": ()}, "m"),
        (IMPORT, {"ips": ("10.112.0.2",)}, "m"),
        (IMPORTED, {"endpoints": ()}, "m"),
        (IMPORTED, {"source_cluster": "west"}, "m"),
    ],
)
def test_what_changes(old: Object, fields: dict[str, object], counters: str) -> None:
    assert moved(standing(old), Put(replace(old, **fields))) == counters


def test_zone_and_pod_name_count_where_answers_show_them() -> None:
    zone = Put(replace(SLICE, endpoints=(Endpoint("10.0.0.1", "h", zone="z"),)))
    pod = Put(replace(SLICE, endpoints=(Endpoint("10.0.0.1", "h", pod="p"),)))
    assert moved(standing(SLICE, zonal=True), zone) == "c"
    assert moved(standing(SLICE, zonal=True), pod) == ""
    assert moved(standing(SLICE, pod_names=True), pod) == "c"
    assert moved(standing(SLICE, pod_names=True), zone) == ""


def test_it_is_zero_before_any_event_and_cut_to_32_bits() -> None:
    index = Index()
    assert (index.serials.cluster, index.serials.multicluster, index.serials.external) == (0, 0, 0)
    index.apply(Put(SERVICE), (7 << 32) + 5)
    assert (index.serials.cluster, index.serials.multicluster, index.serials.external) == (5, 0, 5)


def test_every_kind_of_object_is_counted() -> None:
    kinds: set[Kind] = {value.kind for value in (SERVICE, SLICE, IMPORTED, IMPORT, POD, Namespace("a"))}
    assert kinds == set(Index()._stores)
