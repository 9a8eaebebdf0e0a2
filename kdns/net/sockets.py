"""Opening sockets to listen on, and the addresses there are to listen on.

A wildcard host is two sockets, `0.0.0.0` and `[::]` for IPv6 only. One for both is no faster, but its IPv4 clients are
`::ffff:10.0.0.1`, and a machine without IPv6 would need another way. As in Go, `0.0.0.0` and `::` both mean it.

Every socket shares its port (SO_REUSEPORT), so that a successor or further processes may listen beside it.
"""

import errno
import ipaddress
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from kdns.net import netlink
from kdns.net.carrier import IP_PKTINFO
from kdns.net.errors import ListenError
from kdns.net.failures import host_port, reason

BACKLOG = 1024
"""Connections that may wait to be accepted; the system's own limit may be lower."""
BUFFER = 1 << 20
"""Bytes asked of the kernel for datagrams that wait: about 2 500 queries, so a busy moment of the loop loses none."""

_ANY = {socket.AF_INET: "0.0.0.0", socket.AF_INET6: "::"}  # noqa: S104 - what a wildcard listener is
_ABSENT = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT)
"""What opening a socket says on a machine that lacks the family."""
_PORT_TRIES = 16
"""A free port of one family may be taken in the other."""

# Linux's numbers; the socket module does not name them.
_IP_MTU_DISCOVER = 10
_IP_PMTUDISC_OMIT = 5


def listen(transport: str, host: str, port: int) -> Sequence[socket.socket]:
    """Sockets that listen on an address: one, or one per family where `host` is a wildcard (also "").

    `transport` is `udp` or `tcp`, `host` an IP address that may have a zone, `port` 0-65535, 0 for any free one, which
    is then the same for both families. The sockets do not block. Raises ListenError.
    """
    address = _parsed(transport, host, port)
    if address is None:
        return _wildcard(transport, host, port)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        return (_opened(transport, family, str(address), port),)
    except _StepError as failure:
        raise _listen_error(transport, host, port, failure) from None


def interface_addresses() -> Mapping[str, Sequence[str]]:
    """The addresses of each interface by its name, IPv4 first, IPv6 link-local ones with their zone."""
    found: dict[str, list[str]] = {}
    for index, text in _dump():
        try:
            name = socket.if_indextoname(index)
        except OSError:  # gone since
            continue
        zoned = ":" in text and ipaddress.ip_address(text).is_link_local
        found.setdefault(name, []).append(f"{text}%{name}" if zoned else text)
    return found


def own_addresses() -> tuple[str, ...]:
    """Every address of this machine but loopback ones, without zones (`kubernetes.md` section 1.9)."""
    return tuple(text for _, text in _dump() if not ipaddress.ip_address(text).is_loopback)


def _dump() -> list[tuple[int, str]]:
    try:
        return netlink.addresses()
    except OSError:  # forbidden, as in some sandboxes: CoreDNS does without as well
        return []


def _parsed(transport: str, host: str, port: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not host:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise ListenError(f"listen {transport}: lookup {host}: no such host") from None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return None if address.is_unspecified else address


def _wildcard(transport: str, host: str, port: int) -> Sequence[socket.socket]:
    tries = _PORT_TRIES
    while True:
        tries -= 1
        try:
            return _both(transport, port)
        except _StepError as failure:
            if port or not tries or failure.error.errno != errno.EADDRINUSE:
                raise _listen_error(transport, host, port, failure) from None


def _both(transport: str, port: int) -> Sequence[socket.socket]:
    opened: list[socket.socket] = []
    absent: list[_StepError] = []
    for family, host in _ANY.items():
        try:
            opened.append(_opened(transport, family, host, port))
        except _StepError as failure:
            if failure.error.errno in _ABSENT:
                absent.append(failure)
                continue
            for sock in opened:
                sock.close()
            raise
        port = port or opened[0].getsockname()[1]
    if not opened:
        raise absent[0]
    return opened


class _StepError(Exception):
    """A system call that failed on the way to a socket."""

    def __init__(self, step: str, error: OSError) -> None:
        super().__init__(step, error)
        self.step = step
        self.error = error


def _listen_error(transport: str, host: str, port: int, failure: _StepError) -> ListenError:
    return ListenError(f"listen {transport} {host_port(host, port)}: {failure.step}: {_words(failure.error)}")


def _words(error: OSError) -> str:
    if error.errno == errno.EAFNOSUPPORT:  # the C library's words differ from Go's, and glibc's from musl's
        return "address family not supported by protocol"
    return reason(error)


def _opened(transport: str, family: int, host: str, port: int) -> socket.socket:
    step = "socket"
    stream = transport == "tcp"
    try:
        sock = socket.socket(family, socket.SOCK_STREAM if stream else socket.SOCK_DGRAM)
    except OSError as error:
        raise _StepError(step, error) from None
    try:
        step = "setsockopt"
        sock.setblocking(False)
        _set_options(sock, stream=stream, wildcard=host == _ANY.get(socket.AddressFamily(family)))
        step = "bind"
        sock.bind(_socket_address(host, port))
        if stream:
            step = "listen"
            sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise _StepError(step, error) from None
    return sock


def _socket_address(host: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    text, _, zone = host.partition("%")
    if not zone:
        return host, port
    return text, port, 0, int(zone) if zone.isdecimal() else _index(zone)


def _index(interface: str) -> int:
    try:
        return socket.if_nametoindex(interface)
    except OSError:  # whose words are another's in each version of Python
        raise OSError("no interface with this name") from None


def _set_options(sock: socket.socket, *, stream: bool, wildcard: bool) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    six = sock.family == socket.AF_INET6
    if six:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if stream:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    if wildcard and six:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    elif wildcard and sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    if not six and sys.platform == "linux":
        # A forged "fragmentation needed" must not shrink replies, and a smaller link on the way may split them.
        with suppress(OSError):  # before Linux 3.15
            sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_OMIT)
