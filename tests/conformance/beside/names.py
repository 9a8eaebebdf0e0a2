"""Names that a cluster has, and names that are nearly so: what to ask about a set of Kubernetes objects.

The names come from the objects alone, in a fixed order, each once. Which of them exist is for the servers to say.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

MOST_OCTETS = 255

Objects = Iterable[Mapping[str, Any]]


def cluster(objects: Objects, zone: str) -> Iterator[str]:
    """Names in a forward zone: of the zone itself, and for each object."""
    yield from _distinct(_cluster(list(objects), "" if zone == "." else zone))


def reverse(objects: Objects) -> Iterator[str]:
    """Reverse names of all addresses that objects have, and of some that none has."""
    found = [address for item in objects for address in _addresses(item)]
    names = [ipaddress.ip_address(address).reverse_pointer + "." for address in found]
    yield from _distinct([*names, *_odd_reverse()])


def external(objects: Objects, zone: str) -> Iterator[str]:
    """Names as `k8s_external` has them in a zone."""
    yield from _distinct(_external(objects, zone))


def near(name: str) -> Iterator[str]:
    """A name, those above it, and what stands at the borders of names: odd octets, and the longest there are."""
    labels = name.rstrip(".").split(".")
    yield from (".".join([*labels[at:], ""]) for at in range(len(labels)))
    yield from (f"{part}.{name}" for part in ("x", "a.b", "*", "_tcp", "_http._tcp", "1", "-", "xn--80ak6aa92e"))
    yield from (f"x{name}", name[1:].removeprefix("."), ".".join([f"{labels[0]}x", *labels[1:], ""]))
    yield from (
        f"{part}.{name}" for part in (r"\000", r"\032", r"\255\200", r"a\.b", r"\"q\"", r"\;", r"\@", "{0}", "$1")
    )
    room = MOST_OCTETS - sum(1 + len(label) for label in labels) - 1
    full, rest = divmod(room, 64)
    longest = [*["l" * 63] * full, *(["r" * (rest - 1)] if rest > 1 else [])]
    yield from (f"{'m' * 63}.{name}", f"{'.'.join(longest)}.{name}", f"{'.'.join([*longest[:-1], 'r'])}.{name}")


def _external(objects: Objects, zone: str) -> Iterator[str]:
    yield from (zone, f"dns.{zone}", f"ns1.dns.{zone}", f"nope.{zone}", f"a.b.c.d.{zone}")
    for item in objects:
        name, space = _key(item)
        if item["kind"] == "Namespace":
            yield f"{name}.{zone}"
        if item["kind"] == "Service":
            yield from (f"{name}.{space}.{zone}", f"x.{name}.{space}.{zone}", f"_no._tcp.{name}.{space}.{zone}")
            for port in item["spec"].get("ports") or ():
                yield f"_{port.get('name', '')}._tcp.{name}.{space}.{zone}"
        if item["kind"] == "EndpointSlice" and (service := _service(item)):
            yield from (f"{name}.{service}.{space}.{zone}" for name in _endpoint_names(item))


def _cluster(objects: list[Mapping[str, Any]], zone: str) -> Iterator[str]:
    yield zone or "."
    yield from (f"{prefix}.{zone}" for prefix in ("svc", "pod", "dns-version", "ns.dns", "dns", "x.dns", "nothing"))
    yield from (f"{prefix}.{zone}" for prefix in ("a.b.nothing", "dns-version.svc", "*", "any", "*.svc", "*.*.svc"))
    yield f"x{zone}"
    spaces = [_key(item)[0] for item in objects if item["kind"] == "Namespace"]
    for space in (*spaces, "gone", "nowhere"):
        yield from (f"{space}.svc.{zone}", f"{space}.pod.{zone}", f"nosuch.{space}.svc.{zone}", f"{space}.{zone}")
    for item in objects:
        name, space = _key(item)
        match item["kind"]:
            case "Service" | "ServiceImport":
                yield from _of_service(item, f"{name}.{space}.svc.{zone}")
                yield f"{name}.{space}.pod.{zone}"
            case "EndpointSlice" if _service(item):
                yield from _of_slice(item, f"{_service(item)}.{space}.svc.{zone}")
            case "Pod":
                yield from _of_pod(item, space, spaces, zone)


def _of_service(item: Mapping[str, Any], base: str) -> Iterator[str]:
    yield from (base, f"x.{base}", f"*.{base}", f"_tcp.{base}", f"a.b.c.{base}", f"_no._tcp.{base}", f"_._tcp.{base}")
    for port in item["spec"].get("ports") or ():
        name, proto = port.get("name", ""), port.get("protocol", "TCP").lower()
        if name:
            yield from (f"_{name}._{proto}.{base}", f"{name}.{proto}.{base}", f"_{name}._sctp.{base}")
            yield from (f"_{name}._.{base}", f"_{name}.{base}", f"x._{name}._{proto}.{base}", f"_{name}._udp.{base}")


def _of_slice(item: Mapping[str, Any], base: str) -> Iterator[str]:
    cluster = (item["metadata"].get("labels") or {}).get("multicluster.kubernetes.io/source-cluster")
    zones = [entry["zone"] for entry in item["endpoints"] if "zone" in entry]
    for zone in dict.fromkeys([*zones, "zone-x"] if zones else []):
        yield from (f"{zone}.pin._zone.{base}", f"{zone}.prefer._zone.{base}", f"{zone}.other._zone.{base}")
    for name in _endpoint_names(item):
        yield from (f"{name}.{base}", f"x.{name}.{base}")
        if cluster:
            yield from (f"{name}.{cluster}.{base}", f"{name}.nowhere.{base}")
    for port in item.get("ports") or ():
        yield f"_{port['name']}._tcp.{next(_endpoint_names(item))}.{base}"


def _of_pod(item: Mapping[str, Any], space: str, spaces: list[str], zone: str) -> Iterator[str]:
    yield f"{_key(item)[0]}.{space}.pod.{zone}"
    for address in _addresses(item):
        dashed = _dashed(address)
        yield from (f"{dashed}.{space}.pod.{zone}", f"{dashed}.{space}.svc.{zone}", f"{dashed}.nowhere.pod.{zone}")
        yield from (f"x.{dashed}.{space}.pod.{zone}", f"x.y.{dashed}.{space}.pod.{zone}")
        yield from (f"{dashed}.{other}.pod.{zone}" for other in spaces)
    for text in (
        "1-2-3-4",
        "1-2-3",
        "01-2-3-4",
        "256-1-1-1",
        "0--1",
        "--",
        "fd00-1",
        "fd00--1",
        "--ffff-a00-1",
        "-",
        "web",
    ):
        yield f"{text}.{space}.pod.{zone}"


def _endpoint_names(item: Mapping[str, Any]) -> Iterator[str]:
    """Every name that an endpoint might go by: host name, pod, address."""
    for entry in item["endpoints"]:
        if "hostname" in entry:
            yield entry["hostname"]
        if "targetRef" in entry:
            yield entry["targetRef"]["name"][:63]
        yield from map(_dashed, entry["addresses"])


def _addresses(item: Mapping[str, Any]) -> Iterator[str]:
    spec, status = item.get("spec") or {}, item.get("status") or {}
    found = [*spec.get("clusterIPs", ()), spec.get("clusterIP"), *spec.get("externalIPs", ()), *spec.get("ips", ())]
    found += [entry.get("ip") for entry in (status.get("loadBalancer") or {}).get("ingress", ())]
    found += [address for entry in item.get("endpoints") or () for address in entry["addresses"]]
    found += [status.get("podIP"), *[entry["ip"] for entry in status.get("podIPs", ())]]
    yield from dict.fromkeys(address for address in found if address and address != "None")


def _odd_reverse() -> Iterator[str]:
    yield from ("in-addr.arpa.", "ip6.arpa.", "10.in-addr.arpa.", "96.10.in-addr.arpa.", "12.96.10.in-addr.arpa.")
    yield from ("9.9.9.9.in-addr.arpa.", "99.99.96.10.in-addr.arpa.", "1.10.12.96.10.in-addr.arpa.", "x.in-addr.arpa.")
    yield from (
        "010.12.96.10.in-addr.arpa.",
        "300.12.96.10.in-addr.arpa.",
        "web.shop.svc.in-addr.arpa.",
        "d.f.ip6.arpa.",
    )
    yield from (
        "svc.in-addr.arpa.",
        "pod.in-addr.arpa.",
        "ns.dns.in-addr.arpa.",
        "dns-version.ip6.arpa.",
        "g.ip6.arpa.",
    )
    web = ipaddress.ip_address("fd00:10:96::1420").reverse_pointer
    yield from (f"f.{web}.", f"{web[2:]}.", f"{ipaddress.ip_address('::ffff:10.96.12.10').reverse_pointer}.")


def _dashed(address: str) -> str:
    text = address.replace(".", "-").replace(":", "-")
    return text + "0" if text.endswith("-") else text


def _service(item: Mapping[str, Any]) -> str:
    labels = item["metadata"].get("labels") or {}
    found = labels.get("kubernetes.io/service-name") or labels.get("multicluster.kubernetes.io/service-name")
    return str(found or "")


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["metadata"]["name"], item["metadata"].get("namespace", "")


def _distinct(names: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(name for name in names if all(len(label) < 64 for label in name.split("."))))
