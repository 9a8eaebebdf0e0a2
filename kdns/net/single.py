"""Datagrams one by one, with what every system has: the carrier where there are no batches."""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from kdns.net.carrier import BATCH, INFO_SIZE, IP_PKTINFO, QUERY_SIZE, Hit, has_packet_info, is_link_local

Route = tuple[Any, list[tuple[int, int, bytes]]]
"""The peer's socket address, and ancillary data to send."""
Letters = Sequence[tuple[Route, bytes]]


class SingleCarrier:
    """A carrier for any system."""

    def __init__(self, sock: socket.socket) -> None:
        self.received = 0
        self.refused = 0
        self._sock = sock
        self._room = socket.CMSG_SPACE(INFO_SIZE[sock.family]) if has_packet_info(sock) else 0

    def serve(self, hit: Hit, miss: Callable[[bytes, Route], bytes | None]) -> Letters:
        """See `Carrier`."""
        unsent: list[tuple[Route, bytes]] = []
        for _ in range(BATCH):
            try:
                packet, ancillary, _, peer = self._sock.recvmsg(QUERY_SIZE, self._room)
            except OSError:  # nothing there any more, or an ICMP message
                break
            self.received += 1
            route = peer, [_way_back(*item) for item in ancillary]
            reply = hit(packet)
            if reply is None:
                reply = miss(packet, route)
            if reply is not None and not self._send(route, reply):
                unsent.append((route, reply))
        return unsent

    def send(self, replies: Letters) -> int:
        """See `Carrier`."""
        for done, (route, reply) in enumerate(replies):
            if not self._send(route, reply):
                return done
        return len(replies)

    def _send(self, route: Route, reply: bytes) -> bool:
        """Whether a reply was dealt with, sent or refused; otherwise the socket is full."""
        peer, ancillary = route
        try:
            self._sock.sendmsg((reply,), ancillary, 0, peer)
        except BlockingIOError:
            return False
        except OSError:
            self.refused += 1
        return True

    def client(self, route: Route) -> tuple[str, int]:
        """See `Carrier`."""
        host, port = route[0][:2]
        return host.partition("%")[0], port

    def local(self, route: Route) -> str:
        """See `Carrier`."""
        if not route[1]:
            host: str = self._sock.getsockname()[0]
            return host.partition("%")[0]
        level, _, info = route[1][0]
        return (
            socket.inet_ntop(socket.AF_INET6, info[:16])
            if level == socket.IPPROTO_IPV6
            else socket.inet_ntop(socket.AF_INET, info[4:8])
        )


def _way_back(level: int, kind: int, info: bytes) -> tuple[int, int, bytes]:
    if (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO):
        return level, kind, bytes(4) + info[4:]
    return level, kind, info if is_link_local(info) else info[:16] + bytes(4)
