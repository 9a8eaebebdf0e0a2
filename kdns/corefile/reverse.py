"""Reverse zones of an address prefix: `10.96.0.0/12` is 96.10.in-addr.arpa. to 111.10.in-addr.arpa. (corefile.md §5.1).

A label of a reverse name stands for 8 bits of an IPv4 address and 4 of an IPv6 one. A prefix that ends between two
labels is split into all prefixes that end at the next: at most 128 and 8 zones. Together they cover exactly the prefix.
"""

import ipaddress
import re

_mask = re.compile(r"[0-9]{1,8}", re.ASCII)


def reverse_zones(text: str) -> tuple[str, ...] | None:
    """The zones of `IP/LENGTH`, host bits masked off; None for any other text, which is then a name like any other.

    Raises ValueError for an IPv6 prefix that begins with a colon or a zero, as CoreDNS refuses it.
    """
    address, slash, length = text.partition("/")
    if not slash or "%" in address or not _mask.fullmatch(length):
        return None
    try:
        network = ipaddress.ip_network((address, int(length)), strict=False)
    except ValueError:
        return None
    if network.version == 6 and address[0] in ":0":
        raise ValueError(f"invalid CIDR {text}")
    bits = 8 if network.version == 4 else 4
    boundary = -(-network.prefixlen // bits) * bits
    labels = boundary // bits
    every = network.max_prefixlen // bits
    return tuple(
        ".".join(subnet.network_address.reverse_pointer.split(".")[every - labels :]) + "."
        for subnet in network.subnets(new_prefix=boundary)
    )
