"""PROXY protocol headers, versions 1 and 2 (haproxy's proxy-protocol.txt): octets in, a value out. Pure.

A header stands in front of everything else that a proxy sends, and says whom it speaks for. Bounds: 107 octets for
version 1, 16 and at most `MAX_BLOCK` for version 2. Everything that the specification does not allow is an error:
who is believed about addresses must be understood to the letter.
"""

from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import NamedTuple

Address = tuple[str, int]

SIGNATURE_1 = b"PROXY"
SIGNATURE_2 = b"\r\n\r\n\0\r\nQUIT\n"
MAX_LINE = 107
"""Octets of a version 1 header, its end included (section 2.1)."""
MAX_BLOCK = 4096
"""Octets behind the first 16 of a version 2 header; the longest in use carry a client's certificate."""
MAX_HEADER = 16 + MAX_BLOCK

_LOCAL, _PROXY = 0x20, 0x21
_UNSPECIFIED = 0x00
_BLOCKS = {_UNSPECIFIED: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216}
"""Least octets of the address block by family and transport (section 2.2); other values must be rejected."""


class Header(NamedTuple):
    """A header of `size` octets. `source` and `destination` are `None` where the connection's own ends count.

    `datagram` tells that it speaks of datagrams; no version 1 header does.
    """

    size: int
    version: int
    source: Address | None = None
    destination: Address | None = None
    datagram: bool = False


class HeaderError(ValueError):
    """A header that is not one; the text is the Go library's that CoreDNS uses."""


class IncompleteHeader(HeaderError):
    """What has come so far may become a header."""


def read_header(octets: bytes) -> Header | None:
    """The header at the beginning of a stream, `None` if it cannot be one; raises `HeaderError`."""
    if octets.startswith(SIGNATURE_2):
        return _read_2(octets)
    if octets.startswith(SIGNATURE_1):
        return _read_1(octets)
    if SIGNATURE_1.startswith(octets) or SIGNATURE_2.startswith(octets):
        raise IncompleteHeader("can't read the signature")
    return None


def read_datagram(octets: bytes) -> Header | None:
    """The header at the beginning of a datagram, which is all there is; raises `HeaderError`. Version 2 only."""
    if not octets.startswith((SIGNATURE_1, SIGNATURE_2)):
        return None
    try:
        header = read_header(octets)
    except HeaderError as error:
        raise HeaderError(f"parsing Proxy Protocol header (packet size: {len(octets)}): {error}") from None
    if header is not None and header.version != 2:
        raise HeaderError("unsupported Proxy Protocol version 1 (only v2 supported for UDP)")
    if header is not None and header.source is not None and not header.datagram:
        raise HeaderError(f"PROXY Protocol header is not UDP type (transport protocol: 0x{octets[13]:x})")
    return header


def _read_1(octets: bytes) -> Header:
    end = octets.find(b"\n", 0, MAX_LINE)
    if end < 0:
        if len(octets) >= MAX_LINE:
            raise HeaderError("proxyproto: version 1 header must be 107 bytes or less")
        raise IncompleteHeader("proxyproto: can't read version 1 header")
    if octets[end - 1 : end] != b"\r":
        raise HeaderError("proxyproto: version 1 header is invalid, must end with \\r\\n")
    words = octets[: end - 1].split(b" ")
    if words[0] != SIGNATURE_1:
        raise HeaderError("proxyproto: can't read version 1 header")
    match words[1:]:
        case [b"UNKNOWN", *_]:  # the rest must be ignored
            return Header(end + 1, 1)
        case [b"TCP4" | b"TCP6" as family, source, destination, source_port, destination_port]:
            hosts = [_host(text, family == b"TCP6") for text in (source, destination)]
            ports = [_port(text) for text in (source_port, destination_port)]
            return Header(end + 1, 1, (hosts[0], ports[0]), (hosts[1], ports[1]))
    raise HeaderError("proxyproto: can't read address family or protocol")


def _host(text: bytes, six: bool) -> str:
    try:
        written = text.decode("ascii")
        if not six:
            return str(IPv4Address(written))
        if "%" in written:
            raise HeaderError("proxyproto: invalid address")
        return _shown(IPv6Address(written))
    except (AddressValueError, UnicodeDecodeError):
        raise HeaderError("proxyproto: invalid address") from None


def _port(text: bytes) -> int:
    if not text.isdigit() or len(text) > 5 or (text[0] == 0x30 and len(text) > 1) or int(text) > 65535:
        raise HeaderError("proxyproto: invalid port number")
    return int(text)


def _read_2(octets: bytes) -> Header:
    if len(octets) < 16:
        raise IncompleteHeader("proxyproto: can't read length")
    command, kind, size = octets[12], octets[13], int.from_bytes(octets[14:16], "big")
    if command not in (_LOCAL, _PROXY):
        raise HeaderError("proxyproto: unsupported proxy protocol version and command")
    least = _BLOCKS.get(kind)
    if least is None or (kind == _UNSPECIFIED and command == _PROXY):
        raise HeaderError("proxyproto: unsupported address family and protocol")
    if size > MAX_BLOCK or (command == _PROXY and size < least):
        raise HeaderError("proxyproto: invalid length")
    if len(octets) < 16 + size:
        raise IncompleteHeader("proxyproto: invalid length")
    if command == _LOCAL or kind & 0xF0 == 0x30:  # a proxy's own checks; sockets of its own machine
        return Header(16 + size, 2)
    source, destination = _ends(octets[16 : 16 + least], 16 if kind & 0xF0 == 0x20 else 4)
    return Header(16 + size, 2, source, destination, kind & 0x0F == 2)


def _ends(block: bytes, width: int) -> tuple[Address, Address]:
    hosts = [block[:width], block[width : 2 * width]]
    texts = [str(IPv4Address(host)) if width == 4 else _shown(IPv6Address(host)) for host in hosts]
    ports = block[2 * width :]
    return (texts[0], int.from_bytes(ports[:2], "big")), (texts[1], int.from_bytes(ports[2:], "big"))


def _shown(address: IPv6Address) -> str:
    """An address as it would be if its client had come by itself."""
    return str(address.ipv4_mapped or address)
