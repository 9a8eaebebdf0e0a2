"""The EDNS client subnet option (RFC 7871 section 6)."""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

from kdns.wire.edns import Edns

CODE: Final = 8
_SIZES: Final = {1: 4, 2: 16}
_HEADER: Final = 4


def subnet(edns: Edns | None) -> IPv4Address | IPv6Address | None:
    """The address of the first such option, with zeros behind its prefix; `None` if there is none that can be read."""
    option = next((option for option in edns.options if option.code == CODE), None) if edns is not None else None
    if option is None or len(option.data) < _HEADER:
        return None
    family, prefix = int.from_bytes(option.data[:2], "big"), option.data[2]
    size, octets = _SIZES.get(family, 0), option.data[_HEADER:]
    if not size or prefix > 8 * size or len(octets) > size:
        return None
    packed = octets.ljust(size, b"\0")
    return IPv4Address(packed) if size == 4 else IPv6Address(packed)
