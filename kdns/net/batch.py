"""Datagrams in batches: recvmmsg(2) and sendmmsg(2) through ctypes, in memory that is laid out once.

Theory. Where a query costs three microseconds, system calls and Python's objects for addresses and ancillary data are
most of it. So none are made: the kernel puts a datagram, its sender and the address it was sent to (IP_PKTINFO,
IPV6_RECVPKTINFO) into a slot, the reply is written over the query, and the slot goes back. A query costs one object
for its octets, and what the responder makes.

    arena     slot 0: the query, then the reply | slot 1 ...    a slot holds the longest reply
    routes    slot 0: peer's address, packet info | slot 1 ...  handed back as they came
    arrivals  a header per slot, to receive                     with room for the longest query
    sendings  a header per slot, to send                        with the reply's length

A route is a slot of `routes` as octets. Pages of the arena that nobody wrote to cost nothing. A fork copies all of it
on the first write, so forked listeners do not meet.
"""

import ctypes
import errno
import mmap
import socket
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any

from kdns.net.carrier import BATCH, INFO_SIZE, QUERY_SIZE, REPLY_SIZE, Hit, has_packet_info, is_link_local

Route = bytes
Letters = Sequence[tuple[Route, bytes]]


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("len", ctypes.c_size_t))


class _Msghdr(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Mmsghdr(ctypes.Structure):
    _fields_ = (("hdr", _Msghdr), ("len", ctypes.c_uint))


_HEADER = ctypes.sizeof(_Mmsghdr)
_STRIDE = (REPLY_SIZE + 127) // 128 * 128 + 64
"""Not a multiple of a page, or all slots would compete for the same lines of the processor's cache."""
_SLOTS = tuple(range(BATCH))
_OFFSETS = tuple(range(0, BATCH * _STRIDE, _STRIDE))
_NAME_SIZE = {socket.AF_INET: 16, socket.AF_INET6: 28}
_INFO = 32
"""Where packet info, its header included, begins in a route; before it stands a socket address of either family."""
_ROUTE = 72
_ZEROS = memoryview(bytes(4 * BATCH)).cast("I")
_DONTWAIT = int(socket.MSG_DONTWAIT)
_FULL = (errno.EAGAIN, errno.ENOBUFS)

_libc = ctypes.CDLL(None, use_errno=True)
_recvmmsg: Any = getattr(_libc, "recvmmsg", None)
_sendmmsg: Any = getattr(_libc, "sendmmsg", None)


def supported() -> bool:
    """Whether the C library and the kernel have both calls."""
    if _recvmmsg is None or _sendmmsg is None:
        return False
    _recvmmsg(-1, None, 0, 0, None)
    return ctypes.get_errno() != errno.ENOSYS


class BatchCarrier:
    """A carrier for systems that are `supported`."""

    def __init__(self, sock: socket.socket) -> None:
        self.received = 0
        self.refused = 0
        self._sock = sock
        self._fd = sock.fileno()
        self._family = sock.family
        self._arena = _memory(BATCH * _STRIDE)
        self._routes = _memory(BATCH * _ROUTE)
        self._info_size = socket.CMSG_SPACE(INFO_SIZE[sock.family]) if has_packet_info(sock) else 0
        self._info = _INFO + socket.CMSG_LEN(0)
        routes = memoryview(self._routes)
        # in_pktinfo begins with the interface, in6_pktinfo ends with it.
        interface = self._info + (16 if sock.family == socket.AF_INET6 else 0)
        self._interfaces = routes.cast("I")[interface // 4 :: _ROUTE // 4]
        self._asked = routes[self._info :: _ROUTE]
        self._arrivals, self._rooms = self._headers(QUERY_SIZE)
        self._sendings, self._replies = self._headers(0)
        self._gathered = (_Mmsghdr * BATCH)()
        self._lengths = memoryview(self._arrivals).cast("B").cast("I")[_Mmsghdr.len.offset // 4 :: _HEADER // 4]
        self._sizes = memoryview(self._replies).cast("B").cast("L")[1::2]
        # Made once: ctypes takes longer to convert these than the kernel to find nothing.
        self._receive_args = (self._fd, ctypes.byref(self._arrivals), BATCH, _DONTWAIT, None)

    def _headers(self, room: int) -> tuple["ctypes.Array[_Mmsghdr]", "ctypes.Array[_Iovec]"]:
        arena, routes = _address(self._arena), _address(self._routes)
        iovecs = (_Iovec * BATCH)(*[_Iovec(arena + offset, room) for offset in _OFFSETS])
        headers = (_Mmsghdr * BATCH)()
        for slot, header in enumerate(headers):
            name = routes + slot * _ROUTE
            iovec = ctypes.addressof(iovecs) + slot * ctypes.sizeof(_Iovec)
            header.hdr = _Msghdr(name, _NAME_SIZE[self._family], iovec, 1, name + _INFO, self._info_size)
        return headers, iovecs

    def serve(self, hit: Hit, miss: Callable[[bytes, Route], bytes | None]) -> Letters:
        """See `Carrier`. An error to read is some ICMP message, which is not the business of anybody else."""
        count = _recvmmsg(*self._receive_args)
        if count <= 0:
            return ()
        self.received += count
        if self._info_size:
            self._clear_interfaces(count)
        arena, routes, sizes = self._arena, self._routes, self._sizes
        gaps = False
        for slot, offset, length in zip(_SLOTS, _OFFSETS, self._lengths[:count].tolist(), strict=False):
            packet = arena[offset : offset + length]
            reply = hit(packet)
            if reply is None:
                reply = miss(packet, routes[slot * _ROUTE : slot * _ROUTE + _ROUTE])
                if reply is None:
                    sizes[slot] = 0
                    gaps = True
                    continue
            size = len(reply)
            arena[offset : offset + size] = reply
            sizes[slot] = size
        if gaps:
            return self._send_some(count)
        sent = self._send(self._sendings, count)
        return () if sent == count else self._letters(_SLOTS[sent:count])

    def _clear_interfaces(self, count: int) -> None:
        """Leave the way of each reply to the routing table."""
        if self._family == socket.AF_INET6 and 0xFE in self._asked[:count].tolist():
            for slot in range(count):
                at = slot * _ROUTE + self._info
                if not is_link_local(self._routes[at : at + 2]):
                    self._interfaces[slot] = 0
        else:
            self._interfaces[:count] = _ZEROS[:count]

    def _send(self, headers: "ctypes.Array[_Mmsghdr]", count: int) -> int:
        """Send the first `count` headers; how many were dealt with before the socket was full."""
        done = 0
        while done < count:
            first = ctypes.byref(headers, done * _HEADER) if done else headers
            sent = _sendmmsg(self._fd, first, count - done, _DONTWAIT)
            if sent > 0:
                done += sent
                continue
            if ctypes.get_errno() in _FULL:
                break
            self.refused += 1
            done += 1
        return done

    def _send_some(self, count: int) -> Letters:
        """Send the slots that have a reply, their headers moved together."""
        slots = [slot for slot, size in enumerate(self._sizes[:count].tolist()) if size]
        headers = bytes(self._sendings)
        together = b"".join([headers[slot * _HEADER : (slot + 1) * _HEADER] for slot in slots])
        memoryview(self._gathered).cast("B")[: len(together)] = together
        return self._letters(slots[self._send(self._gathered, len(slots)) :])

    def _letters(self, slots: Iterable[int]) -> Letters:
        return [
            (self._routes[slot * _ROUTE : (slot + 1) * _ROUTE], self._arena[offset : offset + self._sizes[slot]])
            for slot, offset in [(slot, _OFFSETS[slot]) for slot in slots]
        ]

    def send(self, replies: Letters) -> int:
        """See `Carrier`."""
        for slot, offset, (route, reply) in zip(_SLOTS, _OFFSETS, replies, strict=False):
            self._routes[slot * _ROUTE : (slot + 1) * _ROUTE] = route
            self._arena[offset : offset + len(reply)] = reply
            self._sizes[slot] = len(reply)
        return self._send(self._sendings, len(replies))

    def client(self, route: Route) -> tuple[str, int]:
        """See `Carrier`."""
        octets = route[8:24] if self._family == socket.AF_INET6 else route[4:8]
        return socket.inet_ntop(self._family, octets), int.from_bytes(route[2:4], "big")

    def local(self, route: Route) -> str:
        """See `Carrier`."""
        if not self._info_size:
            host: str = self._sock.getsockname()[0]
            return host.partition("%")[0]
        octets = route[self._info :][:16] if self._family == socket.AF_INET6 else route[self._info + 4 :][:4]
        return socket.inet_ntop(self._family, octets)


def _memory(size: int) -> mmap.mmap:
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages; with them a slot's first octet would cost two megabytes
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    return memory


def _address(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
