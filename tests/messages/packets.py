"""Queries with everything that can be odd about them.

    query()                                         web.shop.svc.cluster.local. A, recursion desired
    query("cluster.local.", codes.SOA, flags=0, opts=(opt(1232, do=True),))
    query(wire=b"\\3a.b\\0", counts=(2, 0, 0, 0), tail=b"xyz")

What the header counts is what is there, unless `counts` says otherwise.
"""

import struct
from collections.abc import Sequence

from kdns.wire import codes, name

WEB = "web.shop.svc.cluster.local."
ZONE = "cluster.local."
IDENT = 0x1234


def query(
    text: str = WEB,
    rtype: int = codes.A,
    cls: int = codes.IN,
    *,
    wire: bytes | None = None,
    flags: int = codes.RD,
    opcode: int = 0,
    questions: int = 1,
    answer: Sequence[bytes] = (),
    authority: Sequence[bytes] = (),
    opts: Sequence[bytes] = (),
    counts: Sequence[int] | None = None,
    tail: bytes = b"",
    ident: int = IDENT,
) -> bytes:
    """A query message; `wire` is the name as octets, `opts` the additional section."""
    asked = name.from_text(text) if wire is None else wire
    question = asked + struct.pack(">HH", rtype, cls)
    there = (questions, len(answer), len(authority), len(opts))
    header = struct.pack(">6H", ident, flags | opcode << 11, *(counts or there))
    return b"".join([header, question * questions, *answer, *authority, *opts, tail])


def record(owner: bytes = name.ROOT, rtype: int = codes.A, data: bytes = b"\xc0\0\2\1", cls: int = codes.IN) -> bytes:
    """A resource record with TTL 0."""
    return owner + struct.pack(">HHIH", rtype, cls, 0, len(data)) + data


def opt(
    size: int = 1232,
    *options: tuple[int, bytes],
    do: bool = False,
    version: int = 0,
    flags: int = 0,
    rcode: int = 0,
    owner: bytes = name.ROOT,
) -> bytes:
    """An OPT record (RFC 6891 section 6.1.2)."""
    data = b"".join(struct.pack(">HH", code, len(octets)) + octets for code, octets in options)
    bits = rcode << 24 | version << 16 | flags | (codes.DO if do else 0)
    return owner + struct.pack(">HHIH", codes.OPT, size, bits, len(data)) + data


def label(octets: bytes) -> bytes:
    """A label with its length."""
    return bytes([len(octets)]) + octets
