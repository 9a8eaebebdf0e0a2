"""Endpoints: addresses that are none, names no certificate can carry, sockets that are ours alone."""

import socket
import ssl

import pytest

from kdns.net.endpoint import Endpoint


@pytest.mark.parametrize("address", ["dns.example", "", "127.0.0.1:53", "[::1]", "fe80::1%no-such-link", "ü", "a\0b"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        Endpoint(address, 53)
    with pytest.raises(ValueError, match="not an IP address"):
        Endpoint("127.0.0.1", 53, source_address=address or "x")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_what_is_no_port(port: int) -> None:
    with pytest.raises(ValueError, match="not in 1-65535"):
        Endpoint("127.0.0.1", port)


@pytest.mark.parametrize("name", ["a" * 64 + ".example", ".example", "a..b", "a\0b"])
def test_a_name_that_no_certificate_can_carry(name: str) -> None:
    with pytest.raises(ValueError, match="no certificate can carry the name"):
        Endpoint("127.0.0.1", 853, tls=ssl.create_default_context(), server_name=name)


def test_the_certificates_name_is_the_address_where_no_name_is_given() -> None:
    tls = ssl.create_default_context()
    assert Endpoint("fe80::1%lo", 853, tls=tls).tls_name == "fe80::1"
    assert Endpoint("192.0.2.1", 853, tls=tls, server_name="dns.example").tls_name == "dns.example"


def test_it_reads_as_in_go() -> None:
    assert str(Endpoint("192.0.2.1", 53)) == "192.0.2.1:53"
    assert str(Endpoint("2001:db8::1", 53)) == "[2001:db8::1]:53"


def test_a_datagram_socket_hears_one_peer_and_never_blocks() -> None:
    with Endpoint("127.0.0.1", 53).datagram_socket() as sock:
        assert sock.getpeername() == ("127.0.0.1", 53)
        assert sock.gettimeout() == 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM
