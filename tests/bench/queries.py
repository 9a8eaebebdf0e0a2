"""Files of questions over the cluster that an API server holds, one `name type` a line, the same in every run.

The shares of the mix are those that a cluster sees: address pairs for Services, headless names, SRV, 2 000 pods, PTR,
and the names that a search path makes of 40 external ones in each namespace: some 20 000 different questions.
"""

import json
import random
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ZONE = "cluster.local"
MIX = (("a", 30), ("aaaa", 20), ("headless", 8), ("srv", 7), ("pod", 3), ("ptr", 4), ("search", 28))
"""Parts of the mix, in percent."""

LINES = 60_000
"""Lines of the mix and of the names outside."""


class Cluster:
    """Names and addresses of the Services behind an API server."""

    def __init__(self, api: str) -> None:
        services = [_fields(item) for item in _items(api, "/api/v1/services")]
        self.plain = [service for service in services if service[2] not in ("", "None")]
        self.headless = [service for service in services if service[2] == "None"]
        slices = _items(api, "/apis/discovery.k8s.io/v1/endpointslices")
        self.addresses = [address for item in slices for end in item["endpoints"] for address in end["addresses"]]


def _items(api: str, path: str) -> list[Any]:
    with urllib.request.urlopen(api + path) as response:
        return list(json.load(response)["items"])


def _fields(item: Any) -> tuple[str, str, str]:
    return item["metadata"]["name"], item["metadata"]["namespace"], item["spec"].get("clusterIP", "")


def services(cluster: Cluster, _: random.Random) -> Iterator[str]:
    """Service A, every Service once."""
    for name, namespace, _address in cluster.plain:
        yield f"{name}.{namespace}.svc.{ZONE} A"


def mix(cluster: Cluster, pick: random.Random) -> Iterator[str]:
    """What pods ask, in the shares of `MIX`."""
    parts, weights = zip(*MIX, strict=True)
    for part in pick.choices(parts, weights, k=LINES):
        yield _PARTS[part](cluster, pick)


def _service(rtype: str) -> Callable[[Cluster, random.Random], str]:
    def line(cluster: Cluster, pick: random.Random) -> str:
        name, namespace, _ = pick.choice(cluster.plain)
        return f"{name}.{namespace}.svc.{ZONE} {rtype}"

    return line


def _headless(cluster: Cluster, pick: random.Random) -> str:
    name, namespace, _ = pick.choice(cluster.headless or cluster.plain)
    return f"{name}.{namespace}.svc.{ZONE} A"


def _srv(cluster: Cluster, pick: random.Random) -> str:
    name, namespace, _ = pick.choice(cluster.plain)
    return f"_http._tcp.{name}.{namespace}.svc.{ZONE} SRV"


def _pod(cluster: Cluster, pick: random.Random) -> str:
    namespace = cluster.plain[0][1]
    return f"{pick.choice(cluster.addresses[:2000]).replace('.', '-').replace(':', '-')}.{namespace}.pod.{ZONE} A"


def _ptr(cluster: Cluster, pick: random.Random) -> str:
    address = pick.choice(cluster.plain)[2]
    return f"{'.'.join(reversed(address.split('.')))}.in-addr.arpa PTR"


def _search(cluster: Cluster, pick: random.Random) -> str:
    _, namespace, _ = pick.choice(cluster.plain)
    suffix = pick.choice((f"{namespace}.svc.{ZONE}", f"svc.{ZONE}", ZONE))
    return f"api{pick.randrange(40)}.example.com.{suffix} {pick.choice(('A', 'AAAA'))}"


_PARTS = {
    "a": _service("A"),
    "aaaa": _service("AAAA"),
    "headless": _headless,
    "srv": _srv,
    "pod": _pod,
    "ptr": _ptr,
    "search": _search,
}


def namespaces(cluster: Cluster, _: random.Random) -> Iterator[str]:
    """Ends of names in the cluster zone; the load puts a label of its own in front of each (`load.c`, -n)."""
    for namespace in sorted({namespace for _, namespace, _ in cluster.plain}):
        yield f"{namespace}.svc.{ZONE} A"


def domains(_: Cluster, pick: random.Random) -> Iterator[str]:
    """Ends of names outside, likewise."""
    for number in range(200):
        yield f"domain{number}.example.com A"


def kinds(_: Cluster, pick: random.Random) -> Iterator[str]:
    """The same; a third of them have aliases, and a third do not exist (`upstream.c`)."""
    for number in range(67):
        for kind in ("", "alias.", "nothing."):
            yield f"{kind}domain{number}.example.com A"


def external(_: Cluster, pick: random.Random) -> Iterator[str]:
    """2 000 names outside, asked over and over."""
    for _line in range(LINES):
        yield f"www{pick.randrange(2000)}.example.com A"


FILES: dict[str, Callable[[Cluster, random.Random], Iterator[str]]] = {
    "services": services,
    "mix": mix,
    "random": namespaces,
    "external": external,
    "uncached": domains,
    "kinds": kinds,
}


def write(api: str, folder: Path) -> None:
    """Write every file of `FILES` into a folder."""
    cluster = Cluster(api)
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in FILES.items():
        lines = list(make(cluster, random.Random(name)))
        if name == "services":
            random.Random(name).shuffle(lines)
        (folder / name).write_text("\n".join(lines) + "\n")
