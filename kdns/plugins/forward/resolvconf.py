"""Name servers of a file in the format of resolv.conf(5); nothing else in it counts."""

from ipaddress import ip_address

MAX_SIZE = 64 * 1024
"""Octets of the file; what a kubelet or a resolver writes has a few hundred."""
MAX_SERVERS = 64


def read(path: str) -> tuple[str, ...]:
    """Addresses in the order of the file. Blocks. Raises OSError, or ValueError for what is no such file."""
    with open(path, "rb") as file:
        octets = file.read(MAX_SIZE + 1)
    if len(octets) > MAX_SIZE:
        raise ValueError(f"more than {MAX_SIZE} bytes")
    servers = servers_of(octets.decode("utf-8", "replace"))
    if len(servers) > MAX_SERVERS:
        raise ValueError(f"more than {MAX_SERVERS} name servers")
    return servers


def servers_of(text: str) -> tuple[str, ...]:
    """Second word of every `nameserver` line, without IPv6 zone, if it is an address."""
    servers = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            address = words[1].partition("%")[0]
            if is_address(address):
                servers.append(address)
    return tuple(servers)


def is_address(text: str) -> bool:
    """Whether a text is an IP address, without zone."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text
