import errno
import json
import socket
import subprocess
from collections.abc import Sequence
from typing import Any

import pytest

from kdns.net import netlink, sockets
from kdns.net.errors import ListenError
from tests.conftest import RequireTool
from tests.kit.desk import needs_ipv6
from tests.kit.upstream import unused_port

FOREIGN = "203.0.113.77"


def close(opened: Sequence[socket.socket]) -> None:
    for sock in opened:
        sock.close()


@pytest.fixture(params=["udp", "tcp"])
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@needs_ipv6
@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_a_wildcard_is_a_socket_for_each_family_with_the_same_port(transport: str, host: str) -> None:
    four, six = opened = sockets.listen(transport, host, 0)
    assert [sock.family for sock in opened] == [socket.AF_INET, socket.AF_INET6]
    assert four.getsockname()[1] == six.getsockname()[1] != 0
    assert not four.getblocking()
    close(opened)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.2", "127.0.0.2"), pytest.param("::1", "::1", marks=needs_ipv6), ("::ffff:127.0.0.1", "127.0.0.1")],
)
def test_an_address_is_one_socket(transport: str, host: str, shown: str) -> None:
    (sock,) = sockets.listen(transport, host, 0)
    assert sock.getsockname()[0] == shown
    sock.close()


def test_a_successor_may_listen_beside_us(transport: str) -> None:
    first = sockets.listen(transport, "", 0)
    second = sockets.listen(transport, "", first[0].getsockname()[1])
    close([*first, *second])


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        (FOREIGN, 53, f"listen {{}} {FOREIGN}:53: bind: cannot assign requested address"),
        pytest.param(
            "2001:db8::77",
            5353,
            "listen {} [2001:db8::77]:5353: bind: cannot assign requested address",
            marks=needs_ipv6,
        ),
        ("example", 53, "listen {}: lookup example: no such host"),
    ],
)
def test_failures_read_like_those_of_coredns(transport: str, host: str, port: int, text: str) -> None:
    with pytest.raises(ListenError) as raised:
        sockets.listen(transport, host, port)
    assert str(raised.value) == text.format(transport)


@needs_ipv6
def test_a_zone_that_is_no_interface_is_an_error(transport: str) -> None:
    with pytest.raises(ListenError, match=r"listen ... \[fe80::1%nowhere\]:53: bind: no interface with this name"):
        sockets.listen(transport, "fe80::1%nowhere", 53)


@pytest.mark.parametrize("host", ["127.0.0.1", ""])
def test_a_port_that_somebody_has_for_himself_is_in_use(transport: str, host: str) -> None:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as stranger:
        stranger.bind(("127.0.0.1", 0))
        if transport == "tcp":
            stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(ListenError) as raised:
            sockets.listen(transport, host, port)
        assert str(raised.value) == f"listen {transport} {host}:{port}: bind: address already in use"


@needs_ipv6
def test_when_one_family_cannot_be_had_the_other_is_let_go(transport: str) -> None:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET6, kind) as stranger, socket.socket(socket.AF_INET, kind) as other:
        port = unused_port()
        stranger.bind(("::1", port))
        with pytest.raises(ListenError, match="address already in use"):
            sockets.listen(transport, "", port)
        other.bind(("127.0.0.1", port))


class _Families:
    """The socket module on a machine that lacks some address families."""

    def __init__(self, *absent: int) -> None:
        self._absent = absent

    def __call__(self, family: int, kind: int) -> socket.socket:
        if family in self._absent:
            raise OSError(errno.EAFNOSUPPORT, "whatever the C library calls it")
        return socket.socket(family, kind)


def without(monkeypatch: pytest.MonkeyPatch, *absent: int) -> None:
    class Module:
        def __getattr__(self, name: str) -> Any:
            return _Families(*absent) if name == "socket" else getattr(socket, name)

    monkeypatch.setattr(sockets, "socket", Module())


@needs_ipv6
@pytest.mark.parametrize(("absent", "left"), [(socket.AF_INET6, socket.AF_INET), (socket.AF_INET, socket.AF_INET6)])
def test_a_wildcard_makes_do_with_one_family(
    transport: str, absent: int, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, absent)
    opened = sockets.listen(transport, "", 0)
    assert [sock.family for sock in opened] == [left]
    close(opened)


def test_no_family_at_all_is_an_error(transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, socket.AF_INET, socket.AF_INET6)
    with pytest.raises(ListenError) as raised:
        sockets.listen(transport, "", 53)
    assert str(raised.value) == f"listen {transport} :53: socket: address family not supported by protocol"


def test_a_free_port_is_tried_again_when_the_other_family_has_taken_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def both(transport: str, port: int) -> Sequence[socket.socket]:
        tries.append(port)
        if len(tries) < 3:
            raise sockets._StepError("bind", OSError(errno.EADDRINUSE, "in use"))
        return ()

    monkeypatch.setattr(sockets, "_both", both)
    assert sockets.listen("udp", "", 0) == ()
    assert tries == [0, 0, 0]


def test_interfaces_have_names_and_link_local_addresses_have_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    index = socket.if_nametoindex("lo")
    dump = [(index, "127.0.0.1"), (index, "::1"), (index, "fe80::1"), (1 << 30, "192.0.2.1")]
    monkeypatch.setattr(netlink, "addresses", lambda: dump)
    assert sockets.interface_addresses() == {"lo": ["127.0.0.1", "::1", "fe80::1%lo"]}
    assert sockets.own_addresses() == ("fe80::1", "192.0.2.1")


def test_where_the_kernel_tells_nothing_there_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden() -> list[tuple[int, str]]:
        raise PermissionError(errno.EPERM, "no netlink here")

    monkeypatch.setattr(netlink, "addresses", forbidden)
    assert sockets.interface_addresses() == {}
    assert sockets.own_addresses() == ()


@pytest.mark.clients
def test_the_addresses_are_those_that_ip_lists(require_tool: RequireTool) -> None:
    listed = json.loads(subprocess.check_output([require_tool("ip"), "-json", "address"]))
    expected = {(link["ifindex"], each["local"]) for link in listed for each in link["addr_info"]}
    assert set(netlink.addresses()) == expected
