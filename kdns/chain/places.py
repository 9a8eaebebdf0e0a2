"""What a name stands for: addresses with ports, and the records made of them.

Owners that are the question's own name are `None`, so one record serves every spelling of the question.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record


class Found(NamedTuple):
    """One address of a Service with one of its ports.

    `host` are the labels in front of the Service's own name (endpoint, and cluster), `address` 4 or 16 octets or empty
    when there is an `alias` instead, `port` 0 when the Service has none.
    """

    host: tuple[bytes, ...]
    address: bytes
    port: int = 0
    alias: str = ""


def addresses(found: Iterable[Found], rtype: int, ttl: int) -> list[Record]:
    """A or AAAA records at the question's name, each address once."""
    size = 4 if rtype == codes.A else 16
    octets = dict.fromkeys([entry.address for entry in found if len(entry.address) == size])
    return [Record(None, rtype, address, ttl) for address in octets]


def services(found: Sequence[Found], base: bytes, ttl: int) -> tuple[list[Record], list[Record]]:
    """SRV records at the question's name and their glue; `base` is the Service's own name (section 1.6).

    The weight is 100 shared by all entries, at least 1; entries are counted before duplicates go.
    """
    weight = weight_of(found)
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


def weight_of(found: Sequence[Found]) -> int:
    """The SRV weight of each of these entries."""
    return max(1, 100 // len(found)) if found else 1
