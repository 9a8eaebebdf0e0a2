import struct

import pytest

from kdns.net import netlink


def attribute(kind: int, octets: bytes) -> bytes:
    length = 4 + len(octets)
    return struct.pack("=HH", length, kind) + octets + bytes(-length % 4)


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


def test_of_a_point_to_point_link_our_end_counts() -> None:
    body = (
        struct.pack("=BBBBI", 2, 32, 0, 0, 7) + attribute(1, bytes([10, 0, 0, 1])) + attribute(2, bytes([10, 0, 0, 2]))
    )
    assert netlink._address(body) == (7, "10.0.0.2")


def test_addresses_without_octets_or_of_other_families_are_left_out() -> None:
    assert netlink._address(struct.pack("=BBBBI", 2, 32, 0, 0, 7)) is None
    assert netlink._address(struct.pack("=BBBBI", 17, 32, 0, 0, 7) + attribute(1, bytes(6))) is None


@pytest.mark.parametrize("length", [0, 3, 4, 15])
def test_lengths_that_make_no_sense_come_to_an_end(length: int) -> None:
    assert len(list(netlink._messages(struct.pack("=IHHII", length, 20, 2, 1, 0) * 3))) == 3
    assert len(list(netlink._attributes(struct.pack("=HH", min(length, 3), 1) * 3))) == 3


def test_messages_are_told_apart() -> None:
    dump = message(20, b"12345678") + message(3, b"")
    assert list(netlink._messages(dump)) == [(20, b"12345678"), (3, b"")]
