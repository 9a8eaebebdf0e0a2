"""One occurrence of the directive: who may have which zones, and who is told of their changes."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import NamedTuple, Self

from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.net.failures import host_port

EVERYBODY = b"*"


class Target(NamedTuple):
    """A name server: IP address, an IPv6 zone included, and port."""

    address: str
    port: int

    def __str__(self) -> str:
        return host_port(*self)

    @property
    def packed(self) -> bytes:
        """The octets of the address."""
        return ip_address(self.address.partition("%")[0]).packed


class Stanza(NamedTuple):
    """Packed addresses, or `EVERYBODY` among them; `targets` are told, from the address `source` unless it is empty."""

    zones: Zones
    to: frozenset[bytes]
    targets: tuple[Target, ...] = ()
    source: str = ""

    def allows(self, query: Query) -> bool:
        """Whether the client may have them."""
        return EVERYBODY in self.to or ip_address(query.client[0].partition("%")[0]).packed in self.to

    @classmethod
    def longest(cls, stanzas: Iterable[Self], match: Callable[[Self], bytes | None]) -> Self | None:
        """The one with the longest zone that matches; the first of equals."""
        best, longest = None, -1
        for stanza in stanzas:
            zone = match(stanza)
            if zone is not None and len(zone) > longest:
                best, longest = stanza, len(zone)
        return best
