"""Where names stand inside record data, and record data to and from the text of a zone file.

Layouts are needed in both directions: names in the data of the older types may arrive compressed and must be
expanded when read (RFC 3597 section 4), and only those of RFC 1035 may be compressed when written. Every other
type is opaque octets.
"""

from ipaddress import IPv4Address, IPv6Address
from struct import pack

from kdns.wire import codes, name
from kdns.wire.errors import WireError

NAME, STRING = -1, -2
NAPTR = 35
LAYOUTS: dict[int, tuple[int, ...]] = {
    codes.NS: (NAME,), 3: (NAME,), 4: (NAME,), codes.CNAME: (NAME,), codes.SOA: (NAME, NAME, 20),
    7: (NAME,), 8: (NAME,), 9: (NAME,), codes.PTR: (NAME,), 14: (NAME, NAME), codes.MX: (2, NAME),
    17: (NAME, NAME), 18: (2, NAME), 21: (2, NAME), 26: (2, NAME, NAME), codes.SRV: (6, NAME),
    NAPTR: (4, STRING, STRING, STRING, NAME), 36: (2, NAME), codes.DNAME: (NAME,),
}  # fmt: skip
"""Fields of the record data that holds names: a count of octets, or a name, or a character string."""

COMPRESSIBLE = frozenset((codes.NS, 3, 4, codes.CNAME, codes.SOA, 7, 8, 9, codes.PTR, 14, codes.MX))
"""Types whose names may be compressed when written (RFC 1035 section 3.3, RFC 3597 section 4)."""


def fields(rtype: int, data: bytes) -> list[tuple[bool, bytes]]:
    """Record data of a type with a layout, cut into (is a name, octets); the data is uncompressed."""
    out, at = [], 0
    for field in LAYOUTS[rtype]:
        end = at + field if field > 0 else at + data[at] + 1 if field == STRING else _name_end(data, at)
        out.append((field == NAME, data[at:end]))
        at = end
    return out


def _name_end(data: bytes, at: int) -> int:
    while length := data[at]:
        at += length + 1
    return at + 1


def service_end(data: bytes) -> int:
    """Where the target of an SVCB or HTTPS record ends (RFC 9460 section 2.2); raises `WireError` if it has none."""
    at = 2
    while at < len(data) and 0 < data[at] <= name.MAX_LABEL:
        at += data[at] + 1
    if at >= len(data) or data[at] or at - 1 > name.MAX_NAME:
        raise WireError("no target name in the data of a service")
    return at + 1


def a(address: str) -> bytes:
    """Data of an A record; raises `ValueError` for what is not an IPv4 address."""
    return IPv4Address(address).packed


def aaaa(address: str) -> bytes:
    """Data of an AAAA record; raises `ValueError` for what is not an IPv6 address."""
    return IPv6Address(address).packed


def srv(priority: int, weight: int, port: int, target: bytes) -> bytes:
    """Data of an SRV record (RFC 2782)."""
    return pack(">HHH", priority, weight, port) + target


def mx(preference: int, exchange: bytes) -> bytes:
    """Data of an MX record (RFC 1035 section 3.3.9)."""
    return pack(">H", preference) + exchange


def soa(mname: bytes, rname: bytes, serial: int, refresh: int, retry: int, expire: int, minimum: int) -> bytes:
    """Data of an SOA record (RFC 1035 section 3.3.13); times in seconds."""
    return mname + rname + pack(">IIIII", serial, refresh, retry, expire, minimum)


def txt(*strings: bytes) -> bytes:
    """Data of a TXT record; each string is cut at 255 octets."""
    return b"".join([bytes((min(len(s), 255),)) + s[:255] for s in strings])


def to_text(rtype: int, data: bytes) -> str:
    """Record data in the form of a zone file; types without a form of their own as RFC 3597 section 5 says."""
    try:
        return _to_text(rtype, data)
    except (IndexError, ValueError):
        return _opaque(data)


def _opaque(data: bytes) -> str:
    return f"\\# {len(data)} {data.hex()}".rstrip()


def _to_text(rtype: int, data: bytes) -> str:
    if rtype == codes.A:
        return str(IPv4Address(data))
    if rtype == codes.AAAA:
        return str(IPv6Address(data))
    if rtype in (codes.TXT, codes.HINFO, 99):
        return " ".join(_quoted(s) for s in _strings(data))
    if rtype in LAYOUTS and rtype != NAPTR:
        return " ".join(_field_text(is_name, octets, rtype) for is_name, octets in fields(rtype, data))
    return _opaque(data)


def _field_text(is_name: bool, octets: bytes, rtype: int) -> str:
    if is_name:
        return name.to_text(octets)
    width = 4 if rtype == codes.SOA else 2
    return " ".join(str(int.from_bytes(octets[i : i + width], "big")) for i in range(0, len(octets), width))


def _strings(data: bytes) -> list[bytes]:
    out, at = [], 0
    while at < len(data):
        end = at + 1 + data[at]
        if end > len(data):
            raise WireError("character string longer than its record")
        out.append(data[at + 1 : end])
        at = end
    return out


def _quoted(octets: bytes) -> str:
    text = "".join("\\" + chr(c) if c in b'"\\' else chr(c) if 0x20 <= c < 0x7F else f"\\{c:03d}" for c in octets)
    return f'"{text}"'
