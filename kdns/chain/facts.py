"""What expressions may ask about a query, in `view` and `template` (`plugins.md`, view).

Answers are CoreDNS's: addresses without brackets, the name folded and with its final dot, ports as text. What differs
between queries of the same octets is read through the query, so that its basis knows (`chain.memo`): the client's and
the server's address mark the answer private, and so does the id.
"""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from kdns.chain.query import Query
from kdns.corefile import Network, parse_network
from kdns.corefile.expression import BOOL, INT, STRING, Fault, Function, Type
from kdns.wire import codes

_MAPPED: Final = 96
"""Length of the prefix of IPv4-mapped addresses (RFC 4291 section 2.5.5.2)."""


def _is_in(query: Query, address: str, network: str) -> bool:
    found, prefix = _address(address), _network(network)
    return found.version == prefix.version and found in prefix


@lru_cache(maxsize=4096)
def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError:
        raise Fault("first argument is not an IP address") from None
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise Fault("first argument is not an IP address")
        return address.ipv4_mapped or address
    return address


@lru_cache(maxsize=1024)
def _network(text: str) -> Network:
    try:
        network = parse_network(text)
    except ValueError as error:
        raise Fault(str(error)) from None
    mapped = network.network_address.ipv4_mapped if network.version == 6 else None
    if mapped is None or network.prefixlen < _MAPPED:
        return network
    return parse_network(f"{mapped}/{network.prefixlen - _MAPPED}")


def _metadata(query: Query, label: str) -> str:
    labels = query.metadata
    return "" if labels is None else labels.get(label) or ""


def _id(query: Query) -> int:
    # The id is no part of what replies are kept under.
    query.basis.private = True
    return int.from_bytes(query.ident, "big")


def _of(result: Type, call: object) -> Function:
    return Function((), result, call)  # type: ignore[arg-type]


FACTS: Final[Mapping[str, Function]] = {
    "bufsize": _of(INT, lambda query: query.payload),
    "class": _of(STRING, lambda query: codes.class_name(query.question.cls)),
    "client_ip": _of(STRING, lambda query: query.client[0]),
    "do": _of(BOOL, lambda query: query.do),
    "id": _of(INT, _id),
    "incidr": Function((STRING, STRING), BOOL, _is_in, "(bool, error)"),
    "metadata": Function((STRING,), STRING, _metadata),
    "name": _of(STRING, lambda query: query.text),
    "opcode": _of(INT, lambda query: query.flags >> codes.OPCODE_SHIFT & 15),
    "port": _of(STRING, lambda query: str(query.client[1])),
    "proto": _of(STRING, lambda query: query.transport.proto),
    "server_ip": _of(STRING, lambda query: query.local),
    "server_port": _of(STRING, lambda query: query.transport.server.rpartition(":")[2]),
    "size": _of(INT, lambda query: query.size),
    "type": _of(STRING, lambda query: codes.type_name(query.question.type)),
}
"""The functions by name."""
