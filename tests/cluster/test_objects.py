import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster.kinds import (
    ENDPOINT_SLICES,
    IMPORTED_SLICES,
    KINDS,
    NAMESPACES,
    PODS,
    SERVICE_IMPORTS,
    SERVICES,
    Kind,
)
from kdns.cluster.objects import (
    DecodeError,
    Endpoint,
    EndpointSlice,
    Event,
    Gone,
    ImportedSlice,
    Namespace,
    ObjectError,
    Pod,
    Port,
    Put,
    Service,
    ServiceImport,
    decode_event,
    decode_list,
    decode_object,
)
from tests.cluster.samples import endpoint_slice, list_of, service

Json = dict[str, Any]
META: Json = {"name": "web", "namespace": "shop", "resourceVersion": "7"}


def decode(kind: Kind, document: Json) -> object:
    """The value of an object that came as JSON; the same as of one that came as dicts."""
    (value,) = decode_list(kind, list_of(f"{kind.name}List", [document])).items
    if isinstance(value, ObjectError):
        raise value
    assert value == decode_object(kind, document)
    return value


def test_service() -> None:
    spec = {
        "type": "LoadBalancer",
        "clusterIP": "10.96.0.1",
        "clusterIPs": ["10.96.0.1", "fd00::1"],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}],
        "externalIPs": ["198.51.100.7"],
        "selector": {"a": "b"},
    }
    status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1", "hostname": "x"}, {"hostname": "lb.example"}, {}]}}
    found = decode(SERVICES, {"metadata": {**META, "uid": "u1"}, "spec": spec, "status": status})
    assert found == Service(
        "shop", "web", "7", "u1", "LoadBalancer",
        cluster_ips=("10.96.0.1", "fd00::1"),
        ports=(Port("http", 80, "tcp"), Port("", 53, "udp")),
        external_addresses=("198.51.100.7", "203.0.113.1", "lb.example"),
    )  # fmt: skip
    assert isinstance(found, Service)
    assert found.packed == (bytes((10, 96, 0, 1)), bytes([0xFD, *[0] * 14, 1]))
    assert not found.headless


@pytest.mark.parametrize(
    ("spec", "ips", "headless"),
    [
        ({"clusterIP": "10.96.0.1"}, ("10.96.0.1",), False),
        ({"clusterIP": "10.96.0.1", "clusterIPs": None}, ("10.96.0.1",), False),
        ({"clusterIP": "10.96.0.1", "clusterIPs": []}, ("10.96.0.1",), False),
        ({"clusterIP": "None"}, ("None",), True),
        ({"clusterIP": "None", "clusterIPs": ["None"]}, ("None",), True),
        ({"clusterIP": "", "clusterIPs": [""]}, (), False),
        ({}, (), False),
        ({"type": "ExternalName", "externalName": "a.b", "clusterIPs": ["None"]}, ("None",), False),
    ],
)
def test_cluster_ips(spec: Json, ips: tuple[str, ...], headless: bool) -> None:
    found = decode(SERVICES, {"metadata": META, "spec": spec})
    assert isinstance(found, Service)
    assert (found.cluster_ips, found.headless) == (ips, headless)


@pytest.mark.parametrize("name", ["db.example", "db.example.", "DB.Vendor.Example", "192.0.2.55", "_x.a", "a"])
def test_external_names(name: str) -> None:
    found = decode(SERVICES, {"metadata": META, "spec": {"type": "ExternalName", "externalName": name}})
    assert isinstance(found, Service)
    assert found.external_name == name


def test_endpoint_slice() -> None:
    document = {
        "metadata": {
            **META,
            "labels": {"kubernetes.io/service-name": "db", "other": "x"},
            "annotations": {"endpoints.kubernetes.io/last-change-trigger-time": "2026-01-15T10:00:00.123456789Z"},
        },
        "addressType": "IPv4",
        "ports": [{"name": "pg", "port": 5432, "protocol": "TCP"}, {"name": "all"}],
        "endpoints": [
            {
                "addresses": ["10.0.0.1", "10.0.0.2"],
                "hostname": "db-0",
                "nodeName": "n1",
                "zone": "Z",
                "targetRef": {"kind": "Pod", "name": "db-0"},
            },
            {"addresses": ["10.0.0.3"], "conditions": {}},
            {"addresses": ["10.0.0.4"], "conditions": {"ready": None}},
            {"addresses": ["10.0.0.5"], "conditions": {"ready": True}, "targetRef": {"name": "p" * 64}},
            {"addresses": ["10.0.0.6"], "conditions": {"ready": False, "serving": True, "terminating": True}},
            {"addresses": None},
        ],
    }
    found = decode(ENDPOINT_SLICES, document)
    assert isinstance(found, EndpointSlice)
    assert (found.service, found.address_type, found.version) == ("db", "IPv4", "7")
    assert found.ports == (Port("pg", 5432, "tcp"), Port("all", 0, "tcp"))
    assert found.endpoints == (
        Endpoint("10.0.0.1", "db-0", "db-0", "Z"),
        Endpoint("10.0.0.2", "db-0", "db-0", "Z"),
        Endpoint("10.0.0.3"),
        Endpoint("10.0.0.4"),
        Endpoint("10.0.0.5"),
    )
    assert found.trigger_time == pytest.approx(1768471200.123456)


@pytest.mark.parametrize("when", ["", "yesterday", "2026-01-15T10:00:00", "2026-13-15T10:00:00Z", None])
def test_a_wrong_trigger_time_is_none(when: str | None) -> None:
    annotations = {"endpoints.kubernetes.io/last-change-trigger-time": when}
    document = {"metadata": {**META, "annotations": annotations}, "addressType": "IPv4"}
    found = decode(ENDPOINT_SLICES, document)
    assert isinstance(found, EndpointSlice)
    assert found.trigger_time is None


def test_a_slice_with_nulls_has_nothing() -> None:
    document = {"metadata": {**META, "labels": None}, "addressType": "IPv4", "ports": None, "endpoints": None}
    assert decode(ENDPOINT_SLICES, document) == EndpointSlice("shop", "web", "7")


@pytest.mark.parametrize("label", ["", "Web", "a.b", "x" * 64])
def test_a_slice_of_what_cannot_be_a_service_belongs_to_none(label: str) -> None:
    document = {"metadata": {**META, "labels": {"kubernetes.io/service-name": label}}, "addressType": "IPv4"}
    assert decode(ENDPOINT_SLICES, document) == EndpointSlice("shop", "web", "7")


def test_names_as_endpoints() -> None:
    document = {"metadata": META, "addressType": "FQDN", "endpoints": [{"addresses": ["db.vendor.example"]}]}
    found = decode(ENDPOINT_SLICES, document)
    assert isinstance(found, EndpointSlice)
    assert [(endpoint.address, endpoint.packed) for endpoint in found.endpoints] == [("db.vendor.example", b"")]


def test_imported_slice() -> None:
    labels = {"multicluster.kubernetes.io/service-name": "db", "multicluster.kubernetes.io/source-cluster": "east"}
    document = {
        "metadata": {**META, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
    }
    found = decode(IMPORTED_SLICES, document)
    assert found == ImportedSlice("shop", "web", "7", "db", endpoints=(Endpoint("10.0.0.1"),), source_cluster="east")
    assert decode(ENDPOINT_SLICES, document) == EndpointSlice("shop", "web", "7", endpoints=(Endpoint("10.0.0.1"),))


def test_pod() -> None:
    document = {
        "metadata": {**META, "labels": {"b": "2", "a": "1"}},
        "spec": {"hostNetwork": True},
        "status": {"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]},
    }
    assert decode(PODS, document) == Pod(
        "shop", "web", "7", ("10.0.0.1", "fd00::1"), host_network=True, labels=(("a", "1"), ("b", "2"))
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, Pod("shop", "web", "7")),
        ({"phase": "Pending"}, Pod("shop", "web", "7")),
        ({"podIP": "10.0.0.1"}, Pod("shop", "web", "7", ("10.0.0.1",))),
        ({"podIP": "10.0.0.1", "podIPs": None}, Pod("shop", "web", "7", ("10.0.0.1",))),
        ({"phase": "Succeeded"}, Pod("shop", "web", "7", finished=True)),
        ({"phase": "Failed"}, Pod("shop", "web", "7", finished=True)),
        ({"phase": "Unknown"}, Pod("shop", "web", "7", finished=True)),
    ],
)
def test_pod_states(status: Json | None, expected: Pod) -> None:
    assert decode(PODS, {"metadata": META, "status": status}) == expected
    ending = {**META, "deletionTimestamp": "2026-01-15T10:00:00Z"}
    found = decode(PODS, {"metadata": ending, "status": status})
    assert isinstance(found, Pod)
    assert found.terminating


def test_namespace_and_import() -> None:
    assert decode(NAMESPACES, {"metadata": {"name": "shop"}}) == Namespace("shop")
    spec = {"type": "Headless", "ips": ["10.0.0.1"], "ports": [{"name": "a", "port": 1}]}
    expected = ServiceImport("shop", "web", "7", "Headless", ("10.0.0.1",), (Port("a", 1, "tcp"),))
    assert decode(SERVICE_IMPORTS, {"metadata": META, "spec": spec}) == expected


SLICE: Json = {"metadata": META, "addressType": "IPv4"}
HALF: list[tuple[Kind, Json, str]] = [
    (SERVICES, {"metadata": META}, "Service shop/web: Object missing required field `spec`"),
    (SERVICES, {"metadata": META, "spec": []}, "Service shop/web: Expected `object`, got `array` - at `$.spec`"),
    (SERVICES, {"metadata": META, "spec": {"clusterIP": 5}}, "got `int` - at `$.spec.clusterIP`"),
    (SERVICES, {"metadata": META, "spec": {"clusterIPs": ["x"]}}, "spec.clusterIPs: 'x' is not an IP address"),
    (SERVICES, {"metadata": META, "spec": {"clusterIPs": ["::1", "None"]}}, "spec.clusterIPs: 'None' is not an IP"),
    (SERVICES, {"metadata": META, "spec": {"ports": [{"port": 65536}]}}, "Service shop/web: Expected `int` <= 65535"),
    (SERVICES, {"metadata": META, "spec": {"ports": [{"port": "http"}]}}, "got `str` - at `$.spec.ports[0].port`"),
    (SERVICES, {"metadata": META, "spec": {"ports": [{"name": "A_b"}]}}, "spec.ports: name: 'A_b' is not a DNS label"),
    (SERVICES, {"metadata": META, "spec": {"ports": [{"protocol": "tcp"}]}}, "Invalid enum value 'tcp'"),
    (SERVICES, {"metadata": META, "spec": {"ports": [None]}}, "got `null` - at `$.spec.ports[0]`"),
    (SERVICES, {"metadata": META, "spec": {"type": "ExternalName"}}, "spec.externalName: '' is not a domain name"),
    (SERVICES, {"metadata": META, "spec": {"type": "ExternalName", "externalName": "a..b"}}, "'a..b' is not a domain"),
    (SERVICES, {"metadata": META, "spec": {"type": "ExternalName", "externalName": "a b"}}, "'a b' is not a domain"),
    (
        SERVICES,
        {"metadata": META, "spec": {"type": "ExternalName", "externalName": "a." * 130}},
        "is not a domain name",
    ),
    (SERVICES, {"metadata": {"name": "Web", "namespace": "shop"}, "spec": {}}, "'Web' is not a DNS label"),
    (SERVICES, {"metadata": {"name": "web"}, "spec": {}}, "Service web: metadata.namespace: '' is not a DNS label"),
    (SERVICES, {"metadata": {"namespace": "shop"}, "spec": {}}, "Service shop: Object missing required field `name`"),
    (SERVICES, {"metadata": {"name": None, "namespace": "shop"}, "spec": {}}, "got `null` - at `$.metadata.name`"),
    (SERVICES, {"metadata": None}, "Service without a name: Expected `object`, got `null` - at `$.metadata`"),
    (SERVICES, {}, "Service without a name: Object missing required field `metadata`"),
    (ENDPOINT_SLICES, {"metadata": META}, "EndpointSlice shop/web: Object missing required field `addressType`"),
    (ENDPOINT_SLICES, {**SLICE, "endpoints": [{"addresses": ["10.0.0"]}]}, "endpoints: address: '10.0.0' is not an IP"),
    (
        ENDPOINT_SLICES,
        {**SLICE, "endpoints": [{"addresses": ["::1"], "hostname": "a.b"}]},
        "hostname: 'a.b' is not a DNS",
    ),
    (ENDPOINT_SLICES, {**SLICE, "endpoints": {"addresses": []}}, "got `object` - at `$.endpoints`"),
    (ENDPOINT_SLICES, {**SLICE, "endpoints": [{"conditions": {"ready": "no"}}]}, "$.endpoints[0].conditions.ready"),
    (ENDPOINT_SLICES, {**SLICE, "endpoints": [{}] * 1001}, "array` of length <= 1000 - at `$.endpoints`"),
    (
        ENDPOINT_SLICES,
        {**SLICE, "endpoints": [{"addresses": ["::1"] * 100}] * 101},
        "endpoints: '10100 addresses' is not",
    ),
    (PODS, {"metadata": META, "status": {"podIP": "10.0.0"}}, "Pod shop/web: status.podIPs: '10.0.0' is not an IP"),
    (PODS, {"metadata": {**META, "labels": {"a": 1}}}, "Pod shop/web: Expected `str`, got `int`"),
    (NAMESPACES, {"metadata": {"name": "a/b"}}, "Namespace a/b: metadata.name: 'a/b' is not a DNS label"),
    (NAMESPACES, {"metadata": {"name": "n" * 100_000}}, "is not a DNS label"),
    (SERVICE_IMPORTS, {"metadata": META, "spec": {"ips": ["x"]}}, "ServiceImport shop/web: spec.ips: 'x' is not an IP"),
]


@pytest.mark.parametrize(("kind", "document", "message"), HALF)
def test_half_objects_are_errors_that_name_them(kind: Kind, document: Json, message: str) -> None:
    with pytest.raises(ObjectError) as caught:
        decode(kind, document)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 500
    with pytest.raises(ObjectError) as again:
        decode_object(kind, document)
    assert message in str(again.value)


def test_a_bad_object_in_a_list_costs_itself_alone() -> None:
    documents = [service(1), {"metadata": {"name": "bad", "namespace": "shop"}}, service(2)]
    page = decode_list(SERVICES, list_of("ServiceList", documents))
    first, bad, second = page.items
    assert isinstance(first, Service)
    assert isinstance(second, Service)
    assert isinstance(bad, ObjectError)
    assert (bad.kind, bad.namespace, bad.name) == ("Service", "shop", "bad")
    assert page.resource_version == "9000000"


def test_items_that_are_no_objects_or_no_text_are_errors_too() -> None:
    page = decode_list(SERVICES, b'{"items":[5,null,"x",[],{"metadata":{"name":"\xff"}}]}')
    assert [type(item) for item in page.items] == [ObjectError] * 5


def test_parts_of_a_list() -> None:
    page = decode_list(SERVICES, b'{"items":[]}')
    assert (list(page.items), page.resource_version, page.continue_) == ([], "", "")
    page = decode_list(
        SERVICES, b'{"items":null,"metadata":{"resourceVersion":"5","continue":"abc"},"kind":"ServiceList"}'
    )
    assert (list(page.items), page.resource_version, page.continue_) == ([], "5", "abc")


NO_LISTS = [
    b"",
    b"<html>",
    b"[]",
    b"{}",
    b'{"items":{}}',
    b'{"kind":"Status","items":[]}',
    b'{"kind":"PodList","items":[]}',
    b'{"items":[{]}',
    b'{"items":[]}x',
    b'{"metadata":{"resourceVersion":"1"}}',
    b"[" * 100_000,
    b'{"items":[' + b'{"x":' * 5000,
    b'{"items":[],"kind":"\xff"}',
]


@pytest.mark.parametrize("data", NO_LISTS)
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_list(SERVICES, data)


def line(kind: str, document: object) -> bytes:
    return json.dumps({"type": kind, "object": document}).encode()


def test_events() -> None:
    document = {"metadata": META, "spec": {"clusterIP": "10.96.0.1"}}
    value = Service("shop", "web", "7", cluster_ips=("10.96.0.1",))
    assert decode_event(SERVICES, line("ADDED", document)) == Event("ADDED", "7", Put(value))
    assert decode_event(SERVICES, line("MODIFIED", document)) == Event("MODIFIED", "7", Put(value))
    assert decode_event(SERVICES, line("DELETED", document)) == Event("DELETED", "7", Gone(SERVICES, "shop", "web"))


def test_a_deleted_object_may_have_any_state() -> None:
    event = decode_event(SERVICES, line("DELETED", {"metadata": {**META, "uid": 5}, "spec": 9}))
    assert event.change == Gone(SERVICES, "shop", "web")
    event = decode_event(NAMESPACES, line("DELETED", {"metadata": {"name": "shop"}}))
    assert event.change == Gone(NAMESPACES, "", "shop")
    for meta in ({}, {"name": "web"}, {"namespace": "shop"}):
        with pytest.raises(ObjectError):
            decode_event(SERVICES, line("DELETED", {"metadata": meta}))


def test_bookmarks() -> None:
    meta: Json = {"resourceVersion": "12", "creationTimestamp": None}
    assert decode_event(PODS, line("BOOKMARK", {"metadata": meta})) == Event("BOOKMARK", "12")
    meta["annotations"] = {"k8s.io/initial-events-end": "true"}
    event = decode_event(PODS, line("BOOKMARK", {"metadata": meta}))
    assert event == Event("BOOKMARK", "12", initial_events_end=True)


def test_errors() -> None:
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    event = decode_event(PODS, line("ERROR", status))
    assert (event.code, event.reason, event.message) == (410, "Expired", "too old resource version")
    assert decode_event(PODS, line("ERROR", {})) == Event("ERROR")


def test_a_half_object_in_an_event() -> None:
    with pytest.raises(ObjectError, match=r"^Service shop/web: spec\.clusterIPs: 'x' is not an IP address$"):
        decode_event(SERVICES, line("ADDED", {"metadata": META, "spec": {"clusterIP": "x"}}))


@pytest.mark.parametrize(
    "text", [b"", b"{}", b'{"type":"NEW","object":{}}', b'{"type":"ADDED"}', b'{"type":"ADDED","object":{']
)
def test_what_is_no_event(text: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_event(SERVICES, text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@st.composite
def damaged(draw: st.DrawFn) -> tuple[Kind, Any]:
    """An object with something else at one place of it."""
    kind = draw(st.sampled_from(KINDS))
    document: Any = draw(
        st.sampled_from([service(1), endpoint_slice(1, 2), {"metadata": META, "status": {"podIP": "::"}}])
    )
    document = json.loads(json.dumps(document))
    place, path = document, draw(st.integers(0, 6))
    for _ in range(path):
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            place[key] = draw(anything)
            return kind, document
        place = place[key]
    return kind, document


@given(damaged() | st.tuples(st.sampled_from(KINDS), anything))
def test_any_damage_is_a_value_or_an_error(given_: tuple[Kind, Any]) -> None:
    kind, document = given_
    (value,) = decode_list(kind, list_of("List", [document])).items
    assert isinstance(value, ObjectError) or value.kind is kind
    for type_ in ("ADDED", "DELETED", "BOOKMARK", "ERROR"):
        with suppress(ObjectError, DecodeError):
            decode_event(kind, line(type_, document))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_an_event_or_an_error(data: bytes) -> None:
    for decoder in (decode_list, decode_event):
        with suppress(DecodeError):
            decoder(SERVICES, data)


def test_strings_and_ports_that_many_objects_share_are_one() -> None:
    first, second = (decode(ENDPOINT_SLICES, endpoint_slice(number, 1, namespaces=1)) for number in (1, 2))
    assert isinstance(first, EndpointSlice)
    assert isinstance(second, EndpointSlice)
    assert first.ports is second.ports
    assert first.namespace is second.namespace
