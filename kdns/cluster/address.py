"""IP addresses in their packed form, 4 or 16 octets: what the index compares and what an A or AAAA record carries."""

from ipaddress import AddressValueError, IPv6Address
from typing import Final

_OCTETS: Final = {str(octet): octet for octet in range(256)}


def pack(text: str) -> bytes:
    """The octets of an IP address; empty if `text` is none.

    Octets of IPv4 are decimal without leading zeros. An IPv4-mapped IPv6 address stays IPv6, one with a zone
    (`fe80::1%eth0`) is none.
    """
    try:
        a, b, c, d = text.split(".", 4)
        return bytes((_OCTETS[a], _OCTETS[b], _OCTETS[c], _OCTETS[d]))
    except (ValueError, KeyError):
        pass
    if ":" not in text or "%" in text:
        return b""
    try:
        return IPv6Address(text).packed
    except AddressValueError:
        return b""
