"""From what the index holds to resource records: endpoint names, the SOA; the rest is in `kdns.chain.places`."""

from struct import pack

from kdns.chain.places import Found, addresses, services
from kdns.cluster.values import Endpoint
from kdns.wire import codes
from kdns.wire.record import Record

__all__ = ["DNS_VERSION", "MAX_SOA_TTL", "Found", "addresses", "endpoint_name", "services", "soa"]

MAX_SOA_TTL = 300
"""Upper bound in seconds of the TTL of an SOA record; its minimum field is not capped (section 1.9)."""

DNS_VERSION = "1.1.0"
"""Schema version of the Kubernetes DNS specification that is implemented."""


def endpoint_name(endpoint: Endpoint, *, pod_names: bool) -> str:
    """The label of an endpoint: its hostname, its pod's name if wanted, or its address with dashes (section 1.6)."""
    if endpoint.hostname:
        return endpoint.hostname
    if pod_names and endpoint.pod:
        return endpoint.pod
    dashed = endpoint.address.replace(".", "-").replace(":", "-")
    return dashed + "0" if dashed.endswith("-") else dashed


def soa(zone: bytes, ttl: int, serial: int) -> Record:
    """The SOA of a zone (section 1.9)."""
    names = b"\2ns\3dns" + zone + b"\x0ahostmaster" + zone
    return Record(zone, codes.SOA, names + pack(">IIIII", serial, 7200, 1800, 86400, ttl), min(ttl, MAX_SOA_TTL))
