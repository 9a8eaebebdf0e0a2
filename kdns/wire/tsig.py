"""The TSIG record, which signs the message that it ends (RFC 8945 section 4); what it says is judged by `signing`."""

from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER, HEADER_SIZE, read_name, read_question, read_records

_FIXED = Struct(">HHIH")
_TIMES = Struct(">HIHH")
_REST = Struct(">HHH")


class Tsig(NamedTuple):
    """The fields of a record. Names are in wire form, in the letter case that they have.

    `time` is Unix time in seconds, 48 bits, and `fudge` by how many seconds it may be off; `ident` is the id that the
    message had when it was signed.
    """

    name: bytes
    algorithm: bytes
    time: int
    fudge: int
    mac: bytes
    ident: int
    error: int = 0
    other: bytes = b""
    ttl: int = 0


def find_tsig(packet: bytes) -> tuple[Tsig, int] | None:
    """The TSIG record of a message with at most one question, and the offset at which it begins; `None` without one.

    Raises `WireError` if it cannot be read, or does not end the message (RFC 8945 section 5.1).
    """
    counts = HEADER.unpack_from(packet)
    at = read_question(packet)[1] if counts[2] else HEADER_SIZE
    records = read_records(packet, at)
    found = [raw for raw in records if raw.type == codes.TSIG]
    if not found:
        return None
    last = found[0]
    if last is not records[-1] or last.section != 2:
        raise WireError("a TSIG record that is not the last record of its message")
    owner, _ = read_name(packet, last.start)
    try:
        algorithm, at = read_name(packet, last.data)
        high, low, fudge, size = _TIMES.unpack_from(packet, at)
        at += _TIMES.size + size
        ident, error, length = _REST.unpack_from(packet, at)
    except StructError as cut:
        raise WireError("TSIG record cut short") from cut
    at += _REST.size
    if at + length != last.end:
        raise WireError("data of a TSIG record does not fill its length")
    mac = packet[at - _REST.size - size : at - _REST.size]
    other = packet[at : last.end]
    return Tsig(owner, algorithm, high << 32 | low, fudge, mac, ident, error, other, last.ttl), last.start


def times(tsig: Tsig) -> bytes:
    """Time and fudge as they stand in the record."""
    return tsig.time.to_bytes(6, "big") + tsig.fudge.to_bytes(2, "big")


def variables(tsig: Tsig) -> bytes:
    """What is signed of the record itself (RFC 8945 section 4.3.3), names folded."""
    head = tsig.name.lower() + codes.ANY_CLASS.to_bytes(2, "big") + tsig.ttl.to_bytes(4, "big")
    tail = tsig.error.to_bytes(2, "big") + len(tsig.other).to_bytes(2, "big") + tsig.other
    return head + tsig.algorithm.lower() + times(tsig) + tail


def with_tsig(message: bytes, tsig: Tsig) -> bytes:
    """A message that ends in this record."""
    rest = _REST.pack(tsig.ident, tsig.error, len(tsig.other)) + tsig.other
    data = tsig.algorithm + times(tsig) + len(tsig.mac).to_bytes(2, "big") + tsig.mac + rest
    record = tsig.name + _FIXED.pack(codes.TSIG, codes.ANY_CLASS, tsig.ttl, len(data)) + data
    additional = int.from_bytes(message[10:HEADER_SIZE], "big") + 1
    return message[:10] + additional.to_bytes(2, "big") + message[HEADER_SIZE:] + record


def without_tsig(packet: bytes, tsig: Tsig, start: int) -> bytes:
    """The message as it was when it was signed."""
    additional = int.from_bytes(packet[10:HEADER_SIZE], "big") - 1
    head = tsig.ident.to_bytes(2, "big") + packet[2:10] + additional.to_bytes(2, "big")
    return head + packet[HEADER_SIZE:start]
