"""From what the index holds to resource records: addresses, SRV with glue, endpoint names, the SOA.

Owners that are the question's own name are `None`, so one record serves every spelling of the question.
"""

from collections.abc import Iterable, Sequence
from struct import pack
from typing import NamedTuple

from kdns.cluster.values import Endpoint
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

MAX_SOA_TTL = 300
"""Upper bound in seconds of the TTL of an SOA record; its minimum field is not capped (section 1.9)."""

DNS_VERSION = "1.1.0"
"""Schema version of the Kubernetes DNS specification that is implemented."""


class Found(NamedTuple):
    """One address of a Service with one of its ports.

    `host` are the labels in front of the Service's own name (endpoint, and cluster), `address` 4 or 16 octets or empty
    when there is an `alias` instead, `port` 0 when the Service has none.
    """

    host: tuple[bytes, ...]
    address: bytes
    port: int = 0
    alias: str = ""


def endpoint_name(endpoint: Endpoint, *, pod_names: bool) -> str:
    """The label of an endpoint: its hostname, its pod's name if wanted, or its address with dashes (section 1.6)."""
    if endpoint.hostname:
        return endpoint.hostname
    if pod_names and endpoint.pod:
        return endpoint.pod
    dashed = endpoint.address.replace(".", "-").replace(":", "-")
    return dashed + "0" if dashed.endswith("-") else dashed


def addresses(found: Iterable[Found], rtype: int, ttl: int) -> list[Record]:
    """A or AAAA records at the question's name, each address once."""
    size = 4 if rtype == codes.A else 16
    octets = dict.fromkeys([entry.address for entry in found if len(entry.address) == size])
    return [Record(None, rtype, address, ttl) for address in octets]


def services(found: Sequence[Found], base: bytes, ttl: int) -> tuple[list[Record], list[Record]]:
    """SRV records at the question's name and their glue; `base` is the Service's own name (section 1.6).

    The weight is 100 shared by all entries, at least 1; entries are counted before duplicates go.
    """
    weight = max(1, 100 // len(found)) if found else 1
    srv: dict[tuple[bytes, int], Record] = {}
    glue: dict[tuple[bytes, bytes], Record] = {}
    for entry in found:
        if not entry.port or not entry.address:
            continue
        try:
            target = name.from_labels(entry.host, base)
        except WireError:
            continue
        srv.setdefault((target, entry.port), Record(None, codes.SRV, rdata.srv(0, weight, entry.port, target), ttl))
        rtype = codes.A if len(entry.address) == 4 else codes.AAAA
        glue.setdefault((target, entry.address), Record(target, rtype, entry.address, ttl))
    return list(srv.values()), list(glue.values())


def soa(zone: bytes, ttl: int, serial: int) -> Record:
    """The SOA of a zone (section 1.9)."""
    names = b"\2ns\3dns" + zone + b"\x0ahostmaster" + zone
    return Record(zone, codes.SOA, names + pack(">IIIII", serial, 7200, 1800, 86400, ttl), min(ttl, MAX_SOA_TTL))
