"""Reverse names: from labels below `in-addr.arpa` and `ip6.arpa` to octets and back (`kubernetes.md` section 5.1)."""

from typing import NamedTuple

from kdns.wire import name

IPV4_ZONE = ["in-addr", "arpa"]
IPV6_ZONE = ["ip6", "arpa"]
_IPV4_ORIGIN = b"\7in-addr\4arpa\0"
_IPV6_ORIGIN = b"\3ip6\4arpa\0"
ORIGINS = (_IPV4_ORIGIN, _IPV6_ORIGIN)
"""The two zones in folded wire form."""
_HEX = frozenset("0123456789abcdef")


class Reverse(NamedTuple):
    """A reverse name: `address` is 4 or 16 octets, empty when the name is `partial` or names no address at all."""

    address: bytes
    partial: bool


_NOTHING = Reverse(b"", False)
_PARTIAL = Reverse(b"", True)


def is_reverse(zone: str) -> bool:
    """Whether a zone (lower case, absolute) is a reverse zone; the bare zones are too (section 9)."""
    return zone.endswith((".in-addr.arpa.", ".ip6.arpa.")) or zone in ("in-addr.arpa.", "ip6.arpa.")


def read(labels: list[str]) -> Reverse | None:
    """The address that all folded labels of a name spell; `None` if it is not below a reverse zone."""
    if labels[-2:] == IPV4_ZONE:
        return _ipv4(labels[-3::-1] if len(labels) > 2 else [])
    if labels[-2:] == IPV6_ZONE:
        return _ipv6(labels[-3::-1] if len(labels) > 2 else [])
    return None


def _ipv4(octets: list[str]) -> Reverse:
    if len(octets) > 4 or not all(_is_octet(text) for text in octets):
        return _NOTHING
    return Reverse(bytes(map(int, octets)), False) if len(octets) == 4 else _PARTIAL


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3 and int(text) < 256 and (text[0] != "0" or text == "0")


def _ipv6(nibbles: list[str]) -> Reverse:
    if len(nibbles) > 32 or not _HEX.issuperset(nibbles):
        return _NOTHING
    return Reverse(bytes.fromhex("".join(nibbles)), False) if len(nibbles) == 32 else _PARTIAL


def owner_of(address: bytes) -> bytes:
    """The reverse name, in wire form, of 4 or 16 octets."""
    if len(address) == 4:
        return name.from_labels([b"%d" % octet for octet in reversed(address)], _IPV4_ORIGIN)
    return b"".join([b"\1" + nibble.encode() for nibble in reversed(address.hex())]) + _IPV6_ORIGIN
