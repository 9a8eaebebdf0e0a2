"""Writes small MaxMind databases (https://maxmind.github.io/MaxMind-DB/): nothing is shared, records are of 24 bits.

mmdb.write(path, "GeoLite2-City", {"192.0.2.0/24": {"city": {"names": {"en": "Utopia"}}}})
"""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from struct import pack
from typing import Any

MARKER = b"\xab\xcd\xefMaxMind.com"
_SEPARATOR = bytes(16)
_STRING, _DOUBLE, _MAP, _UINT32, _UINT64, _ARRAY, _BOOLEAN = 2, 3, 7, 6, 9, 11, 14

Record = Mapping[str, Any]


def write(path: Path, kind: str, records: Mapping[str, Any], *, version: int = 6, **metadata: Any) -> str:
    """Write a database; `metadata` replaces fields of its metadata. Returns the path as text."""
    path.write_bytes(database(kind, records, version=version, **metadata))
    return str(path)


def database(kind: str, records: Mapping[str, Any], *, version: int = 6, **metadata: Any) -> bytes:
    """A database as octets; IPv4 networks are at ::/96 of one with IPv6."""
    tree: list[list[int | None]] = [[None, None]]
    values = list(records.values())
    for number, network in enumerate(records):
        _plant(tree, _bits(network, version), -1 - number)
    places, data = [], b""
    for value in values:
        places.append(len(data))
        data += encode(value)
    nodes = b"".join(_record(child, len(tree), places) for node in tree for child in node)
    about = {
        "binary_format_major_version": 2,
        "binary_format_minor_version": 0,
        "build_epoch": 1_700_000_000,
        "database_type": kind,
        "description": {"en": "made by a test"},
        "ip_version": version,
        "languages": ["en"],
        "node_count": len(tree),
        "record_size": 24,
    }
    return nodes + _SEPARATOR + data + MARKER + encode(about | metadata)


def _bits(network: str, version: int) -> str:
    parsed = ip_network(network)
    bits = f"{int(parsed.network_address):0{parsed.max_prefixlen}b}"[: parsed.prefixlen]
    return "0" * 96 + bits if version == 6 and parsed.version == 4 else bits


def _plant(tree: list[list[int | None]], bits: str, leaf: int) -> None:
    node = 0
    for bit in map(int, bits[:-1]):
        child = tree[node][bit]
        if child is None:
            tree.append([None, None])
            child = tree[node][bit] = len(tree) - 1
        node = child
    tree[node][int(bits[-1])] = leaf


def _record(child: int | None, nodes: int, places: list[int]) -> bytes:
    value = nodes if child is None else child if child >= 0 else nodes + len(_SEPARATOR) + places[-1 - child]
    return value.to_bytes(3, "big")


def encode(value: Any) -> bytes:
    """A value of the data section."""
    match value:
        case bool():
            return _control(_BOOLEAN, int(value))
        case int():
            octets = value.to_bytes((value.bit_length() + 7) // 8, "big")
            return _control(_UINT32 if len(octets) <= 4 else _UINT64, len(octets)) + octets
        case float():
            return _control(_DOUBLE, 8) + pack(">d", value)
        case str():
            return _control(_STRING, len(value.encode())) + value.encode()
        case list():
            return _control(_ARRAY, len(value)) + b"".join(map(encode, value))
        case dict():
            return _control(_MAP, len(value)) + b"".join(encode(name) + encode(item) for name, item in value.items())
        case bytes():
            return value
    raise TypeError(f"no {type(value)} in a database")


def _control(kind: int, size: int) -> bytes:
    """The type and the size of a value, which is below 285."""
    extended = bytes((kind - 7,)) if kind > 7 else b""
    first = (0 if kind > 7 else kind << 5) | min(size, 29)
    return bytes((first,)) + extended + (bytes((size - 29,)) if size >= 29 else b"")
