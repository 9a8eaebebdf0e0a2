"""When the serial of a zone moves (kubernetes.md section 4.6, with the advice of section 9).

Three kinds of zone, three counters: cluster zones, multicluster zones, and those of k8s_external. A counter is the Unix
time of the last event that counts, cut to 32 bits; 0 before any. An object that comes or goes counts for every counter
in its row; one that changes counts if what the row names changed.

| object            | cluster                               | multicluster  | external                             |
|-------------------|---------------------------------------|---------------|--------------------------------------|
| Service           | type, cluster IPs, external name,     |               | headless or not, ports,              |
|                   | ports                                 |               | external addresses                   |
| EndpointSlice     | Service, ports, ready addresses with  |               | the same, if its Service is headless |
|                   | host name (and zone, pod name: below) |               |                                      |
| Namespace         | always                                | always        | always                               |
| Pod               | addresses                             | addresses     |                                      |
| ServiceImport     |                                       | type, IPs,    |                                      |
|                   |                                       | ports         |                                      |
| imported slice    |                                       | as for slices |                                      |

What differs from CoreDNS, where answers change and secondaries miss it: cluster IPs, type and Namespaces move the
serial; ServiceImports and imported slices move that of their own zones, also when they come and go; so do Services
for k8s_external. A slice without a Service is in no zone, but moves the cluster's serial as in CoreDNS.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Literal

from kdns.cluster import kinds
from kdns.cluster.kinds import Kind
from kdns.cluster.values import Object

Counter = Literal["cluster", "multicluster", "external"]
Facet = Callable[[Any], object]


class Serials:
    """The counters. Zone and pod name of an endpoint count where answers have them: `zonal`, `pod_names`."""

    __slots__ = ("_facets", "cluster", "external", "multicluster")

    def __init__(self, *, zonal: bool = False, pod_names: bool = False) -> None:
        self.cluster = self.multicluster = self.external = 0
        seen = _endpoints("address", "hostname", *["zone"] * zonal, *["pod"] * pod_names)
        name, addresses = attrgetter("name"), attrgetter("addresses")
        self._facets: dict[Kind, dict[Counter, Facet]] = {
            kinds.SERVICES: {
                "cluster": attrgetter("type", "cluster_ips", "external_name", "ports"),
                "external": attrgetter("headless", "ports", "external_addresses"),
            },
            kinds.ENDPOINT_SLICES: {"cluster": seen, "external": seen},
            kinds.NAMESPACES: {"cluster": name, "multicluster": name, "external": name},
            kinds.PODS: {"cluster": addresses, "multicluster": addresses},
            kinds.SERVICE_IMPORTS: {"multicluster": attrgetter("type", "ips", "ports")},
            kinds.IMPORTED_SLICES: {"multicluster": lambda piece: (piece.source_cluster, seen(piece))},
        }

    def count(self, old: Object | None, new: Object | None, now: int, *, external: bool = True) -> None:
        """Take note that `new` stands where `old` did, at `now` in seconds of Unix time; one of them may be None.

        With `external` false nothing of this is in the zones of k8s_external.
        """
        there = new if new is not None else old
        if there is None:
            return
        for counter, facet in self._facets[there.kind].items():
            if counter == "external" and not external:
                continue
            if old is None or new is None or facet(old) != facet(new):
                setattr(self, counter, now & 0xFFFFFFFF)


def _endpoints(*fields: str) -> Facet:
    shown = attrgetter(*fields)
    return lambda piece: (piece.service, piece.ports, [shown(endpoint) for endpoint in piece.endpoints])
