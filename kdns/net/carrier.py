"""What carries datagrams between one socket and a responder; there is a fast carrier and one for everywhere.

A *route* is what a carrier needs to send a reply: where to, and from which of this machine's addresses. A reply leaves
from the address that was asked (RFC 2181 section 4.1). Through which interface is for the routing table to say, unless
the address is link-local and means nothing without one.
"""

import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

BATCH = 64
"""Datagrams that are taken in one go, before the loop serves others."""
QUERY_SIZE = 4096
"""Longest query in octets; of a longer one this much is read."""
REPLY_SIZE = 65507
"""Longest reply in octets: 65 535 with the headers of UDP and IPv4."""

IP_PKTINFO = 8
"""Linux's number; the socket module of older Pythons does not name it."""
INFO_SIZE = {socket.AF_INET: 12, socket.AF_INET6: 20}
"""Octets of in_pktinfo (interface, local address, destination) and of in6_pktinfo (destination, interface)."""

R = TypeVar("R")
Hit = Callable[[bytes], bytes | None]


class Carrier(Protocol[R]):
    """Moves up to `BATCH` datagrams at a time."""

    @property
    def received(self) -> int:
        """Datagrams read."""
        ...

    @property
    def refused(self) -> int:
        """Replies that the system would not send: no route, forbidden by a filter, too long for a link."""
        ...

    def serve(self, hit: Hit, miss: Callable[[bytes, R], bytes | None]) -> Sequence[tuple[R, bytes]]:
        """Read a batch, ask for each reply, send them. Those that the socket had no room for are returned."""
        ...

    def send(self, replies: Sequence[tuple[R, bytes]]) -> int:
        """Send up to `BATCH` replies. How many were dealt with before the socket was full."""
        ...

    def client(self, route: R) -> tuple[str, int]:
        """Address, without zone, and port of the querier."""
        ...

    def local(self, route: R) -> str:
        """Address that was asked, without zone."""
        ...


AnyCarrier = Carrier[Any]


def has_packet_info(sock: socket.socket) -> bool:
    """Whether a socket tells the address that each datagram was sent to."""
    if sock.family == socket.AF_INET6:
        return bool(sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO))
    return sys.platform == "linux" and bool(sock.getsockopt(socket.IPPROTO_IP, IP_PKTINFO))


def is_link_local(octets: bytes) -> bool:
    """Whether an IPv6 address is in fe80::/10, and so means nothing without an interface (RFC 4291 section 2.5.6)."""
    return octets[0] == 0xFE and octets[1] & 0xC0 == 0x80
