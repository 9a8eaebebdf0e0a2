import re
import socket
from ipaddress import IPv6Address
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as some

from kdns.net.proxyheader import (
    MAX_BLOCK,
    MAX_HEADER,
    SIGNATURE_2,
    Header,
    HeaderError,
    IncompleteHeader,
    read_datagram,
    read_header,
)

ONE, TWO = ("192.0.2.7", 4711), ("198.51.100.1", 53)
SIX, SEVEN = ("2001:db8::7", 4711), ("2001:db8::1", 53)
V4 = socket.inet_aton(ONE[0]) + socket.inet_aton(TWO[0]) + pack(">HH", ONE[1], TWO[1])
V6 = IPv6Address(SIX[0]).packed + IPv6Address(SEVEN[0]).packed + pack(">HH", SIX[1], SEVEN[1])


def v2(kind: int, block: bytes, command: int = 0x21, size: int | None = None) -> bytes:
    return SIGNATURE_2 + bytes([command, kind]) + pack(">H", len(block) if size is None else size) + block


@pytest.mark.parametrize(
    ("octets", "source", "destination"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 53\r\n", ONE, TWO),
        (b"PROXY TCP6 2001:db8::7 2001:DB8:0::1 4711 53\r\n", SIX, SEVEN),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 4711 53\r\n", ONE, TWO),
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 0 65535\r\n", (ONE[0], 0), (TWO[0], 65535)),
        (b"PROXY UNKNOWN\r\n", None, None),
        (b"PROXY UNKNOWN ffff::1 1.2.3.4 what ever\r\n", None, None),
        (v2(0x11, V4), ONE, TWO),
        (v2(0x12, V4), ONE, TWO),
        (v2(0x21, V6), SIX, SEVEN),
        (v2(0x22, V6), SIX, SEVEN),
        (v2(0x11, V4 + b"\x04\0\3abc"), ONE, TWO),
        (v2(0x11, V4.ljust(MAX_BLOCK, b"\4")), ONE, TWO),
        (v2(0x31, bytes(216)), None, None),
        (v2(0x32, bytes(300)), None, None),
        (v2(0x00, b"", 0x20), None, None),
        (v2(0x00, b"tlv", 0x20), None, None),
        (v2(0x11, b"", 0x20), None, None),
        (v2(0x11, V4, 0x20), None, None),
    ],
)
def test_headers(octets: bytes, source: tuple[str, int] | None, destination: tuple[str, int] | None) -> None:
    header = read_header(octets + b"what follows\n")
    assert header is not None
    assert (header.source, header.destination) == (source, destination)
    assert header.size == len(octets)
    assert header.version == (1 if octets[:1] == b"P" else 2)
    for size in range(len(octets)):
        with pytest.raises(IncompleteHeader):
            read_header(octets[:size])


@pytest.mark.parametrize("octets", [b"x", b"PROXZ", b"PR0", b"proxy", b"\r\n\r\n\0\r\nQUIX", b"\0\x1dab", b"\x16\3\1"])
def test_what_is_no_header(octets: bytes) -> None:
    assert read_header(octets) is None
    assert read_datagram(octets) is None


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", "must end with \\r\\n"),
        (b"PROXY".ljust(107, b"x"), "107 bytes or less"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2".ljust(107) + b"\r\n", "107 bytes or less"),
        (b"PROXYjunk TCP4 1.1.1.1 2.2.2.2 1 2\r\n", "can't read version 1 header"),
        (b"PROXY\r\n", "address family or protocol"),
        (b"PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n", "address family or protocol"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", "address family or protocol"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", "address family or protocol"),
        (b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n", "address family or protocol"),
        (b"PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n", "invalid address"),
        (b"PROXY TCP4 ::1 ::2 1 2\r\n", "invalid address"),
        (b"PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n", "invalid address"),
        (b"PROXY TCP6 fe80::1%1 ::2 1 2\r\n", "invalid address"),
        (b"PROXY TCP4 1.1.1.\xb2 2.2.2.2 1 2\r\n", "invalid address"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n", "invalid port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n", "invalid port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", "invalid port"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n", "invalid port"),
        (v2(0x11, V4, 0x22), "version and command"),
        (v2(0x11, V4, 0x11), "version and command"),
        (v2(0x13, V4), "unsupported address family"),
        (v2(0x01, V4), "unsupported address family"),
        (v2(0x41, V4), "unsupported address family"),
        (v2(0x00, b""), "unsupported address family"),
        (v2(0x13, b"", 0x20), "unsupported address family"),
        (v2(0x11, V4[:11]), "invalid length"),
        (v2(0x21, V6[:35]), "invalid length"),
        (v2(0x31, bytes(215)), "invalid length"),
        (v2(0x11, V4, size=MAX_BLOCK + 1), "invalid length"),
        (v2(0x00, b"", 0x20, size=65535), "invalid length"),
    ],
)
def test_broken_headers(octets: bytes, error: str) -> None:
    with pytest.raises(HeaderError, match=re.escape(error)) as raised:
        read_header(octets)
    assert not isinstance(raised.value, IncompleteHeader)


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (v2(0x12, V4) + b"query", Header(28, 2, ONE, TWO, datagram=True)),
        (v2(0x22, V6), Header(52, 2, SIX, SEVEN, datagram=True)),
        (v2(0x00, b"", 0x20) + b"query", Header(16, 2)),
        (v2(0x32, bytes(216)), Header(232, 2)),
        (b"PROXY"[:4], None),
        (SIGNATURE_2[:11], None),
        (b"", None),
    ],
)
def test_datagrams(octets: bytes, header: Header | None) -> None:
    assert read_datagram(octets) == header


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"PROXY UNKNOWN\r\n", "unsupported Proxy Protocol version 1 (only v2 supported for UDP)"),
        (v2(0x11, V4), "PROXY Protocol header is not UDP type (transport protocol: 0x11)"),
        (v2(0x12, V4)[:20], "parsing Proxy Protocol header (packet size: 20): proxyproto: invalid length"),
        (SIGNATURE_2, "parsing Proxy Protocol header (packet size: 12): proxyproto: can't read length"),
        (b"PROXY x", "parsing Proxy Protocol header (packet size: 7): proxyproto: can't read version 1 header"),
    ],
)
def test_broken_datagrams(octets: bytes, error: str) -> None:
    with pytest.raises(HeaderError) as raised:
        read_datagram(octets)
    assert str(raised.value) == error


_ANY = some.one_of(
    some.binary(max_size=80),
    some.binary(max_size=300).map(lambda rest: SIGNATURE_2 + rest),
    some.builds(v2, some.sampled_from([0, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32, 0x13]), some.binary(max_size=260)),
    some.text("PROXYTCP46UNKNOWN .:0123456789abf\r\n", max_size=110).map(lambda text: b"PROXY " + text.encode()),
)


@given(_ANY)
def test_any_octets_are_a_header_none_or_an_error(octets: bytes) -> None:
    for read in (read_header, read_datagram):
        try:
            header = read(octets)
        except HeaderError:
            continue
        if header is None:
            continue
        assert 0 < header.size <= min(len(octets), MAX_HEADER)
        assert (header.source is None) == (header.destination is None)
        if read is read_header:
            assert read_header(octets[: header.size]) == header
