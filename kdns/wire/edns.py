"""EDNS(0): the OPT pseudo record of a query and of a reply (RFC 6891)."""

from collections.abc import Iterable
from struct import pack
from typing import NamedTuple

from kdns.wire import codes
from kdns.wire.errors import EdnsError

BARE_OPT_SIZE = 11
"""Octets of an OPT record without options."""
_OPT = b"\0" + codes.OPT.to_bytes(2, "big")
_BARE = bytes(6)
"""Extended code, version, flags and length of an OPT record that says nothing but a size."""


class Option(NamedTuple):
    """One EDNS option: code and data, opaque here."""

    code: int
    data: bytes


class Edns(NamedTuple):
    """What the OPT record of a message says.

    `size` is the UDP payload size as sent (0..65535), `flags` the 16 bits with DO the highest.
    """

    size: int
    flags: int = 0
    options: tuple[Option, ...] = ()
    version: int = 0
    rcode: int = 0

    @property
    def do(self) -> bool:
        """The "DNSSEC OK" bit (RFC 3225)."""
        return self.flags & codes.DO != 0


def begins_with_bare_opt(octets: bytes) -> bool:
    """Whether they begin with an OPT record that says no more than a size."""
    return octets.startswith(_OPT) and octets[5:BARE_OPT_SIZE] == _BARE


def is_bare_opt(octets: bytes) -> bool:
    """Whether they are an OPT record that says no more than a size, and nothing behind it."""
    return len(octets) == BARE_OPT_SIZE and begins_with_bare_opt(octets)


def read_options(data: bytes) -> tuple[Option, ...]:
    """Options of an OPT record's data; raises `EdnsError` when a length does not fit."""
    options, i = [], 0
    while i < len(data):
        end = i + 4 + int.from_bytes(data[i + 2 : i + 4], "big")
        if end > len(data) or i + 4 > len(data):
            raise EdnsError("EDNS option longer than its OPT record")
        options.append(Option(int.from_bytes(data[i : i + 2], "big"), data[i + 4 : end]))
        i = end
    return tuple(options)


def opt_record(size: int, flags: int = 0, options: Iterable[Option] = (), *, version: int = 0, rcode: int = 0) -> bytes:
    """The whole OPT record; `rcode` is the 12 bit code of the message, of which it carries the upper 8."""
    data = b"".join([pack(">HH", code, len(value)) + value for code, value in options])
    return pack(">BHHBBHH", 0, codes.OPT, size, rcode >> 4, version, flags, len(data)) + data
