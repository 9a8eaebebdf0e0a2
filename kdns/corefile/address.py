"""Server-block keys and zone arguments: `[SCHEME://]ZONE[:PORT]` (spec corefile.md §5).

A zone is text in presentation form: a lower-case, fully qualified name, escapes kept. Any characters may be in it; only
the rules for lengths and empty labels are checked. A prefix of addresses becomes its reverse zones. The port is what
stands behind the last colon if it is a number; anything else stays part of the zone.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import Final, NamedTuple

from kdns.corefile.errors import Kind
from kdns.corefile.reverse import reverse_zones
from kdns.corefile.token import Token

DEFAULT_PORTS: Final = MappingProxyType(
    {"dns": 53, "tls": 853, "quic": 853, "grpc": 443, "https": 443, "https3": 443, "unix": 0}
)
"""The port of each transport without one in the key. A `unix` key makes no listener, so its 0 is never opened."""

MAX_ZONES: Final = 1 << 16
"""Zones of one server block or one argument list, prefixes split."""

_number: Final = re.compile(r"[+-]?[0-9]+", re.ASCII)
_name_part: Final = re.compile(r"\\[0-9]{3} | \\. | \. | [^.\\]+", re.DOTALL | re.VERBOSE)
_UPPER_TO_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Address(NamedTuple):
    """Where a key asks to be served. Port 0 lets the kernel choose."""

    transport: str
    zone: str
    port: int

    def __str__(self) -> str:
        return f"{self.transport}://{self.zone}:{self.port}"


def block_addresses(keys: Iterable[Token], dns_port: int = 53) -> tuple[Address, ...]:
    """The addresses of all keys of a server block, in order. Raises ConfigError for a bad key or too many zones."""
    addresses: list[Address] = []
    for key in keys:
        addresses += key_addresses(key, dns_port)
        if len(addresses) > MAX_ZONES:
            raise key.error(f"more than {MAX_ZONES} zones in a server block", Kind.KEY)
    return tuple(addresses)


def key_addresses(key: Token, dns_port: int = 53) -> tuple[Address, ...]:
    """The addresses of one key: one, or one for each reverse zone of a prefix.

    `dns_port` is the port of keys of plain DNS that name none. Raises ConfigError.
    """
    transport, rest = split_scheme(key.text)
    try:
        zones, port = split_zone(rest)
    except ValueError as error:
        raise key.error(str(error), Kind.KEY) from error
    if port is None:
        port = dns_port if transport == "dns" else DEFAULT_PORTS[transport]
    return tuple(Address(transport, zone, port) for zone in zones)


def normalize_zone(text: str) -> tuple[str, ...]:
    """The zones a plugin argument stands for, without scheme and port; none if it is not a legal name."""
    try:
        return split_zone(split_scheme(text)[1])[0]
    except ValueError:
        return ()


def split_scheme(text: str) -> tuple[str, str]:
    """The transport and what follows `SCHEME://`; without a known scheme the transport is `dns` and the text whole."""
    scheme, mark, rest = text.partition("://")
    return (scheme, rest) if mark and scheme in DEFAULT_PORTS else ("dns", text)


def split_zone(text: str) -> tuple[tuple[str, ...], int | None]:
    """The zones of `ZONE[:PORT]` and the port, if there is one. Raises ValueError with CoreDNS's text."""
    zone, colon, port = text.rpartition(":")
    if not text or (colon and not port):
        raise ValueError(f'expecting data after last colon: "{text}"')
    if not colon or not _number.fullmatch(port):
        return _zones(text), None
    digits = port.lstrip("+-0") or "0"
    if len(digits) > 5 or int(digits) > 65535 or (port[0] == "-" and digits != "0"):
        raise ValueError(f"address {port}: invalid port")
    return _zones(zone), int(digits)


def _zones(text: str) -> tuple[str, ...]:
    for length in (len(text.encode()), len(_absolute(text).encode())):
        if length > 255:
            raise ValueError(f"specified zone is too long: {length} > 255")
    if not _is_domain_name(text):
        raise ValueError(f"zone is not a valid domain name: {text}")
    return reverse_zones(text) or (_absolute(text).translate(_UPPER_TO_LOWER),)


def _absolute(text: str) -> str:
    """The name with a dot at its end, unless the one it ends in is escaped."""
    backslashes = len(text) - 1 - len(text[:-1].rstrip("\\"))
    return text if text.endswith(".") and backslashes % 2 == 0 else text + "."


def _is_domain_name(text: str) -> bool:
    """True for labels of 1 to 63 octets and at most 255 in all on the wire (RFC 1035 §3.1); the root is `.`."""
    if text in {"", "."}:
        return text == "."
    total, label = 1, 0
    for part in _name_part.findall(_absolute(text)):
        if part == ".":
            if not 0 < label <= 63:
                return False
            total += 1 + label
            label = 0
        elif part[0] != "\\":
            label += len(part.encode())
        elif len(part) < 4:
            label += len(part[1:].encode())
        elif int(part[1:]) <= 255:  # RFC 1035 §5.1: an octet by its decimal number
            label += 1
        else:
            return False
    return label == 0 and total <= 255
