"""The lines of a hosts file as two maps: from names to addresses, and back.

Names are folded and in wire form, addresses packed. An IPv4 address written as an IPv6 one (`::ffff:192.0.2.1`) is an
IPv4 address. A lookup is one dictionary access, two where there are wildcards; reading is linear in the file, however
often a name or an address comes back in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from kdns.chain.zones import Zones
from kdns.wire import name
from kdns.wire.errors import WireError

WILDCARD = b"\x01*"

_NONE: tuple[list[bytes], list[bytes]] = ([], [])


class Addresses(NamedTuple):
    """The addresses of a name, in order."""

    ipv4: list[bytes]
    ipv6: list[bytes]


@dataclass(frozen=True, slots=True)
class Table:
    """What a hosts file says: addresses of names and of wildcards, and names of addresses."""

    exact: dict[bytes, Addresses] = field(default_factory=dict)
    wild: dict[bytes, Addresses] = field(default_factory=dict)
    names: dict[bytes, list[bytes]] = field(default_factory=dict)

    def find(self, folded: bytes) -> tuple[list[bytes], list[bytes]]:
        """IPv4 and IPv6 addresses of a name; where it has none of a family, its wildcard's."""
        own = self.exact.get(folded)
        if not self.wild:
            return own or _NONE
        above = folded[folded[0] + 1 :]
        shared = self.wild.get(WILDCARD + above) if len(above) > 1 else None
        if own is None or shared is None:
            return own or shared or _NONE
        return own.ipv4 or shared.ipv4, own.ipv6 or shared.ipv6

    def __len__(self) -> int:
        addresses = [each for entry in (*self.exact.values(), *self.wild.values()) for each in entry]
        return sum(map(len, addresses)) + sum(map(len, self.names.values()))


def parse(lines: Iterable[str], zones: Zones, reverse: bool) -> Table:
    """The table of these lines; names outside the zones and lines that are not `IP NAME...` are passed over."""
    table = Table()
    known: dict[str, bytes | None] = {}
    for line in lines:
        words = line.partition("#")[0].split()
        if len(words) < 2:
            continue
        text = words[0]
        if text not in known:
            known[text] = _packed(text)
        address = known[text]
        if address is not None:
            for word in words[1:]:
                _add(table, address, word, zones, reverse)
    return table


def _add(table: Table, address: bytes, word: str, zones: Zones, reverse: bool) -> None:
    try:
        wire = name.from_text(word).lower()
    except WireError:
        return
    if zones.match_name(wire) is None:
        return
    kind = table.wild if wire.startswith(WILDCARD) else table.exact
    entry = kind.get(wire)
    if entry is None:
        entry = kind[wire] = Addresses([], [])
    (entry.ipv4 if len(address) == 4 else entry.ipv6).append(address)
    if reverse and kind is table.exact:
        table.names.setdefault(address, []).append(wire)


def _packed(text: str) -> bytes | None:
    try:
        address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.packed
    return address.packed


_IPV4_ZONE = (b"in-addr", b"arpa")
_IPV6_ZONE = (b"ip6", b"arpa")
_OCTETS = {str(octet).encode(): octet for octet in range(256)}
_NIBBLES = frozenset(b"0 1 2 3 4 5 6 7 8 9 a b c d e f".split())


def address_of(folded: bytes) -> bytes | None:
    """The packed address that a reverse name stands for (RFC 1035 section 3.5, RFC 3596 section 2.5)."""
    labels = name.labels(folded)
    zone, rest = tuple(labels[-2:]), labels[-3::-1]
    if zone == _IPV4_ZONE and len(rest) == 4 and _OCTETS.keys() >= set(rest):
        return bytes([_OCTETS[label] for label in rest])
    if zone == _IPV6_ZONE and len(rest) == 32 and _NIBBLES.issuperset(rest):
        packed = bytes.fromhex(b"".join(rest).decode())
        return packed[12:] if packed.startswith(_MAPPED) else packed
    return None


_MAPPED = b"\0" * 10 + b"\xff\xff"
