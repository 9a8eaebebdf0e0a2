"""The addresses of this machine's interfaces, as Linux tells them (rtnetlink(7), RTM_GETADDR).

One dump gives both families in the kernel's order, which is the order of CoreDNS's lists. The kernel answers within
the call, so the socket need not block. Other systems have no netlink: there is nothing to tell then.
"""

import socket
import struct
from collections.abc import Iterator

_RTM_GETADDR = 22
_RTM_NEWADDR = 20
_NLMSG_ERROR = 2
_NLMSG_DONE = 3
_REQUEST_DUMP = 0x301
_IFA_ADDRESS = 1
_IFA_LOCAL = 2
_HEADER = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_ATTRIBUTE = struct.Struct("=HH")
_DUMP_SIZE = 1 << 16


def addresses() -> list[tuple[int, str]]:
    """(interface index, address text without zone) of every address. Raises OSError."""
    if not hasattr(socket, "AF_NETLINK"):
        return []
    found: list[tuple[int, str]] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.setblocking(False)
        body = _ADDRESS.pack(socket.AF_UNSPEC, 0, 0, 0, 0)
        kernel.send(_HEADER.pack(_HEADER.size + len(body), _RTM_GETADDR, _REQUEST_DUMP, 1, 0) + body)
        while True:
            for kind, message in _messages(kernel.recv(_DUMP_SIZE)):
                if kind == _NLMSG_DONE:
                    return found
                if kind == _NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", message)[0], "netlink")
                if kind == _RTM_NEWADDR and (address := _address(message)) is not None:
                    found.append(address)


def _messages(dump: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _HEADER.size <= len(dump):
        length, kind, _, _, _ = _HEADER.unpack_from(dump, at)
        yield kind, dump[at + _HEADER.size : at + length]
        at += max(_aligned(length), _HEADER.size)


def _address(message: bytes) -> tuple[int, str] | None:
    family, _, _, _, index = _ADDRESS.unpack_from(message)
    if family not in (socket.AF_INET, socket.AF_INET6):
        return None
    attributes = dict(_attributes(message[_ADDRESS.size :]))
    # On a point-to-point link IFA_ADDRESS is the other end's.
    octets = attributes.get(_IFA_LOCAL) or attributes.get(_IFA_ADDRESS)
    return None if octets is None else (index, socket.inet_ntop(family, octets))


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + _ATTRIBUTE.size <= len(octets):
        length, kind = _ATTRIBUTE.unpack_from(octets, at)
        yield kind, octets[at + _ATTRIBUTE.size : at + length]
        at += max(_aligned(length), _ATTRIBUTE.size)


def _aligned(length: int) -> int:
    return (length + 3) & ~3
