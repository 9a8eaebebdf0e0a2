"""dnstap messages as octets: the few protocol buffers that there are, written by hand (dnstap.proto, protobuf's wire
format). Fields stand in the order of their numbers, as other encoders write them.
"""

import socket
from ipaddress import ip_address
from struct import Struct
from typing import NamedTuple

CLIENT_QUERY, CLIENT_RESPONSE, FORWARDER_QUERY, FORWARDER_RESPONSE = 5, 6, 7, 8
"""The types of messages that kdns knows of."""

Host = tuple[str, int]
"""An address, without zone, and a port."""

_INET, _INET6 = 1, 2
_PROTOS = {"udp": 1, "tcp": 2}
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
_NANOSECONDS = Struct("<I")
_TYPE_IS_MESSAGE = b"\x78\x01"


class Message(NamedTuple):
    """What a message says. `proto` is udp or tcp; who asked is `client`, who was asked `server`; times are Unix times
    in seconds, and queries and responses whole messages."""

    type: int
    proto: str
    client: Host | None
    server: Host | None
    asked: float
    query: bytes | None = None
    replied: float | None = None
    response: bytes | None = None

    def answered(self, type_: int, time: float, response: bytes) -> "Message":
        """The message about the response to the query that this one is about."""
        return self._replace(type=type_, query=None, replied=time, response=response)

    def encoded(self) -> bytes:
        """The message as the protocol buffer `Message`."""
        client, server = _ends(self.client), _ends(self.server)
        parts = [_number(1, self.type)]
        either = server or client
        if either is not None:
            parts.append(_number(2, _INET if len(either[1]) == 4 else _INET6))
        parts.append(_number(3, _PROTOS[self.proto]))
        parts += [_octets(field, end[1]) for field, end in ((4, client), (5, server)) if end]
        parts += [_number(field, end[0]) for field, end in ((6, client), (7, server)) if end]
        parts.append(_time(8, self.asked))
        if self.query is not None:
            parts.append(_octets(10, self.query))
        if self.replied is not None:
            parts.append(_time(12, self.replied))
        if self.response is not None:
            parts.append(_octets(14, self.response))
        return b"".join(parts)


class Envelope:
    """What all messages of one tap are wrapped in: who sends them. `identity` and `version` stand in each."""

    def __init__(self, identity: str, version: str) -> None:
        self._head = _octets(1, _text(identity)) + _octets(2, _text(version))

    def around(self, message: Message, extra: str | None = None) -> bytes:
        """A message as the protocol buffer `Dnstap`."""
        more = b"" if extra is None else _octets(3, _text(extra))
        return b"".join((self._head, more, _octets(14, message.encoded()), _TYPE_IS_MESSAGE))


def _text(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


def _ends(host: Host | None) -> tuple[int, bytes] | None:
    """Port and address octets; an IPv4 address that IPv6 carries is one of IPv4."""
    if host is None:
        return None
    text, port = host
    if ":" not in text:
        return port, socket.inet_aton(text)
    address = ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if address.version == 6 else None
    return port, (mapped or address).packed


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _number(field: int, value: int) -> bytes:
    return bytes((field << 3 | _VARINT,)) + _varint(value)


def _octets(field: int, value: bytes) -> bytes:
    return bytes((field << 3 | _BYTES,)) + _varint(len(value)) + value


def _time(field: int, time: float) -> bytes:
    """Seconds in one field, nanoseconds in the next."""
    seconds = int(time)
    nanoseconds = min(int((time - seconds) * 1e9), 999_999_999)
    return _number(field, seconds) + bytes((field + 1 << 3 | _FIXED32,)) + _NANOSECONDS.pack(nanoseconds)
