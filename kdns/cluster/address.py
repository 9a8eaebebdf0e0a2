"""IP addresses in their packed form, 4 or 16 octets: what the index compares and what an A or AAAA record carries."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

_OCTETS: Final = {str(octet): bytes((octet,)) for octet in range(256)}


def pack(text: str) -> bytes:
    """The octets of an IP address; empty if `text` is none.

    Octets of IPv4 are decimal without leading zeros. An IPv4-mapped IPv6 address stays IPv6, one with a zone
    (`fe80::1%eth0`) is none.
    """
    first, _, last = text.rpartition(".")
    if (octet := _OCTETS.get(last)) and (network := _first_three(first)):
        return network + octet
    if ":" not in text or "%" in text:
        return b""
    try:
        return IPv6Address(text).packed
    except AddressValueError:
        return b""


@lru_cache(maxsize=4096)
def _first_three(text: str) -> bytes:
    """Remembered: the pods of a node have them in common, and there are few nodes beside the pods."""
    try:
        a, b, c = text.split(".", 3)
        return _OCTETS[a] + _OCTETS[b] + _OCTETS[c]
    except (ValueError, KeyError):
        return b""
