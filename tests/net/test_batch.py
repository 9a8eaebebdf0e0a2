"""What of the batches does not show in replies; the rest is in test_udp.py."""

import ctypes
import errno
import socket
import subprocess
import sys
from typing import Any

import pytest

from kdns.net import batch, sockets
from kdns.net.batch import BatchCarrier
from tests.kit.desk import needs_ipv6

pytestmark = pytest.mark.skipif(not batch.supported(), reason="this system has no recvmmsg")

GLOBAL, LOCAL, LOOKALIKE = (socket.inet_pton(socket.AF_INET6, text) for text in ("2001:db8::1", "fe80::1", "fec0::1"))


def info(address: bytes, interface: int) -> bytes:
    return bytes(batch._INFO + 16) + address + interface.to_bytes(4, sys.byteorder)


@needs_ipv6
@pytest.mark.parametrize("neighbour", [GLOBAL, LOCAL])
def test_only_link_local_addresses_keep_their_interface(neighbour: bytes) -> None:
    opened = sockets.listen("udp", "", 0)
    carrier = BatchCarrier(next(sock for sock in opened if sock.family == socket.AF_INET6))
    routes = [info(GLOBAL, 3), info(neighbour, 3), info(LOOKALIKE, 3)]
    for slot, route in enumerate(routes):
        at = slot * batch._ROUTE
        carrier._routes[at : at + len(route)] = route
    carrier._clear_interfaces(len(routes))
    assert carrier._interfaces[: len(routes)].tolist() == [0, 3 if neighbour is LOCAL else 0, 0]
    for sock in opened:
        sock.close()


def test_a_route_names_no_interface() -> None:
    four, *others = sockets.listen("udp", "", 0)
    carrier = BatchCarrier(four)
    routes: list[bytes] = []

    def miss(packet: bytes, route: bytes) -> None:
        routes.append(route)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.sendto(b"x", ("127.0.0.2", four.getsockname()[1]))
    assert carrier.serve(lambda packet: None, miss) == []
    at = batch._INFO + socket.CMSG_LEN(0)
    assert routes[0][at : at + 8] == bytes(4) + bytes([127, 0, 0, 2])
    for sock in (four, *others):
        sock.close()


def test_a_system_without_the_calls_has_no_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any) -> int:
        ctypes.set_errno(errno.ENOSYS)
        return -1

    monkeypatch.setattr(batch, "_recvmmsg", unknown)
    assert not batch.supported()
    monkeypatch.setattr(batch, "_recvmmsg", None)
    assert not batch.supported()


def test_forked_listeners_do_not_share_memory() -> None:
    """In a process of its own, as a fork takes every thread's locks with it."""
    program = """
import os, socket
from kdns.net.batch import BatchCarrier
from tests.kit.desk import needs_ipv6
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    carrier = BatchCarrier(sock)
    carrier._arena[:6] = b"parent"
    child = os.fork()
    if not child:
        carrier._arena[:6] = b"child!"
        os._exit(0)
    os.waitpid(child, 0)
    print(carrier._arena[:6].decode())
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("parent\n", "")
