"""Packets nobody should send: drawn at random, or made from right ones by a few wounds; always the same for a seed.

source = Packets(seed=1)
source.query()         a query, right or spoilt
source.spoil(octets)   any message, with one to four wounds
"""

import random
import struct

from kdns.wire import codes, name

NAMES = (
    ".",
    "cluster.local.",
    "svc.cluster.local.",
    "shop.svc.cluster.local.",
    "web.shop.svc.cluster.local.",
    "WeB.shop.svc.cluster.LOCAL.",
    "db.shop.svc.cluster.local.",
    "db-0.db.shop.svc.cluster.local.",
    "10-1-0-1.db.shop.svc.cluster.local.",
    "_http._tcp.web.shop.svc.cluster.local.",
    "_http._tcp.db.shop.svc.cluster.local.",
    "ext.shop.svc.cluster.local.",
    "*.shop.svc.cluster.local.",
    "10-1-0-1.shop.pod.cluster.local.",
    "nobody.nowhere.svc.cluster.local.",
    "dns-version.cluster.local.",
    "1.0.96.10.in-addr.arpa.",
    "1.0.1.10.in-addr.arpa.",
    f"{'1.' * 32}ip6.arpa.",
    "host.hosts.",
    "many.hosts.",
    "no.hosts.",
    "whoami.example.",
    "up.",
    "a.up.",
    "b.c.up.",
    f"{'a' * 63}.{'b' * 63}.{'c' * 63}.up.",
    "version.bind.",
)
TYPES = (0, 1, 1, 1, 2, 5, 6, 10, 12, 13, 15, 16, 28, 28, 33, 35, 41, 43, 46, 64, 65, 249, 251, 252, 255, 256, 65535)
CLASSES = (1, 1, 1, 1, 1, 1, 3, 4, 254, 255, 0, 65535)
_OPTIONS = (codes.COOKIE, codes.PADDING, codes.EXPIRE, codes.KEEPALIVE, codes.EDE, 3, 8, 0, 65535)
_EDGES = (0, 1, 2, 0x3F, 0x40, 0x7F, 0x80, 0xBF, 0xC0, 0xC1, 0xFE, 0xFF)


class Packets:
    """A source of packets."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._last = [b"\0" * 12] * 64

    def query(self) -> bytes:
        """A query: a third as they should be, a tenth asked before, one in twenty noise, the others spoilt."""
        chance = self.random.random()
        if chance < 0.05:
            return self.random.randbytes(self.random.randrange(0, 80))
        if chance < 0.15:
            return self.random.choice(self._last)
        packet = self.right()
        if chance > 0.45:
            packet = self.spoil(packet)
        self._last[self.random.randrange(len(self._last))] = packet
        return packet

    def right(self) -> bytes:
        """A query that is well-formed, if sometimes odd."""
        chance = self.random
        flags = chance.choice((0x0100, 0x0100, 0x0100, 0, 0x0120, 0x0110, 0x0010, chance.randrange(0x800)))
        opt = self._opt() if chance.random() < 0.4 else b""
        question = self._name() + struct.pack(">HH", chance.choice(TYPES), chance.choice(CLASSES))
        return struct.pack(">6H", chance.randrange(65536), flags, 1, 0, 0, 1 if opt else 0) + question + opt

    def _name(self) -> bytes:
        chance = self.random
        text = chance.choice(NAMES)
        if chance.random() < 0.1:
            text = f"{chance.randrange(1000)}.{text.removeprefix('.')}"
        try:
            wire = name.from_text(text)
        except ValueError:
            wire = name.ROOT
        if chance.random() < 0.1:
            wire = bytes(octet ^ 0x20 if chr(octet).isalpha() and chance.random() < 0.5 else octet for octet in wire)
        return wire

    def _opt(self) -> bytes:
        chance = self.random
        options = b""
        for _ in range(chance.choice((0, 0, 0, 1, 2, 5))):
            data = chance.randbytes(chance.choice((0, 1, 4, 8, 24, 40, 300)))
            options += struct.pack(">HH", chance.choice(_OPTIONS), len(data)) + data
        size = chance.choice((0, 1, 511, 512, 513, 1232, 4096, 65535))
        ttl = chance.choice((0, 0, 0, 0x8000, 0x8000, 0x10000, 0xFFFFFFFF))
        return struct.pack(">BHHIH", 0, codes.OPT, size, ttl, len(options)) + options

    def spoil(self, packet: bytes) -> bytes:
        """The same message with one to four wounds."""
        octets = bytearray(packet)
        for _ in range(self.random.choice((1, 1, 2, 4))):
            self.random.choice(_WOUNDS)(self, octets)
        return bytes(octets)

    def _at(self, octets: bytearray) -> int:
        return self.random.randrange(len(octets)) if octets else 0

    def _flip(self, octets: bytearray) -> None:
        if octets:
            octets[self._at(octets)] ^= 1 << self.random.randrange(8)

    def _edge(self, octets: bytearray) -> None:
        if octets:
            octets[self._at(octets)] = self.random.choice(_EDGES)

    def _cut(self, octets: bytearray) -> None:
        del octets[self._at(octets) :]

    def _take(self, octets: bytearray) -> None:
        at = self._at(octets)
        del octets[at : at + self.random.randrange(1, 9)]

    def _put(self, octets: bytearray) -> None:
        at = self._at(octets)
        octets[at:at] = self.random.randbytes(self.random.randrange(1, 9))

    def _append(self, octets: bytearray) -> None:
        octets += self.random.randbytes(self.random.choice((1, 2, 11, 40, 400)))

    def _count(self, octets: bytearray) -> None:
        at = self.random.choice((4, 6, 8, 10))
        octets[at : at + 2] = struct.pack(">H", self.random.choice((0, 1, 1, 2, 3, 255, 65535)))

    def _flags(self, octets: bytearray) -> None:
        octets[2:4] = self.random.randbytes(2)

    def _pointer(self, octets: bytearray) -> None:
        at = self._at(octets)
        octets[at : at + 2] = struct.pack(">H", 0xC000 | self.random.randrange(64))

    def _double(self, octets: bytearray) -> None:
        at = self._at(octets)
        octets += octets[at:]

    def _splice(self, octets: bytearray) -> None:
        at = self._at(octets)
        other = self.random.choice(self._last)
        octets[at:] = other[self.random.randrange(len(other) + 1) :]

    def _record(self, octets: bytearray) -> None:
        """One more record at the end, counted somewhere or not."""
        data = self.random.randbytes(self.random.choice((0, 4, 16)))
        rtype = self.random.choice((1, 5, 6, 41, 41, 250))
        octets += b"\0" + struct.pack(">HHIH", rtype, 1, self.random.randrange(1 << 32), len(data)) + data
        if len(octets) >= 12:
            octets[self.random.choice((7, 9, 11))] = self.random.choice((1, 2))


_WOUNDS = (
    Packets._flip,
    Packets._edge,
    Packets._cut,
    Packets._take,
    Packets._put,
    Packets._append,
    Packets._count,
    Packets._flags,
    Packets._pointer,
    Packets._double,
    Packets._splice,
    Packets._record,
)
