"""The lines of a hosts file as two maps: from names to addresses, and back.

Names are folded and in wire form, addresses packed. An IPv4 address written as an IPv6 one (`::ffff:192.0.2.1`) is an
IPv4 address. A lookup is one dictionary access, two where there are wildcards; reading is linear in the file, however
often a name or an address comes back in it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address

from kdns.chain.zones import Zones
from kdns.wire import name
from kdns.wire.errors import WireError

WILDCARD = b"\x01*"

Addresses = dict[bytes, list[bytes]]


@dataclass(frozen=True, slots=True)
class Family:
    """The addresses of one family, by name and by wildcard."""

    exact: Addresses = field(default_factory=dict)
    wild: Addresses = field(default_factory=dict)

    def find(self, folded: bytes) -> Sequence[bytes]:
        """The addresses of a name, its own or else those of the wildcard one label above."""
        found = self.exact.get(folded)
        if found is None and self.wild:
            above = folded[folded[0] + 1 :]
            found = self.wild.get(WILDCARD + above) if above not in (b"", name.ROOT) else None
        return found or ()


@dataclass(frozen=True, slots=True)
class Table:
    """What a hosts file says."""

    ipv4: Family = field(default_factory=Family)
    ipv6: Family = field(default_factory=Family)
    names: Addresses = field(default_factory=dict)
    """Names of a packed address, in order."""

    def __len__(self) -> int:
        maps = (self.ipv4.exact, self.ipv4.wild, self.ipv6.exact, self.ipv6.wild, self.names)
        return sum([len(values) for each in maps for values in each.values()])


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
    family = table.ipv4 if len(address) == 4 else table.ipv6
    if wire.startswith(WILDCARD):
        family.wild.setdefault(wire, []).append(address)
        return
    family.exact.setdefault(wire, []).append(address)
    if reverse:
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
