"""The orders that records are put into: by chance, and by preference.

A section is looked at by the types of its records alone; only one that changes is decoded.
"""

import random
from collections.abc import Callable

from kdns.chain.answer import Answer, Records
from kdns.chain.basis import Basis
from kdns.chain.classify import heads
from kdns.chain.fastpath import Alike, split
from kdns.chain.query import Query
from kdns.corefile import Network
from kdns.wire import codes
from kdns.wire.record import Record

ADDRESSES = (codes.A, codes.AAAA)

GROUPS = {codes.CNAME: 0, codes.A: 2, codes.AAAA: 2, codes.MX: 3}
OTHERS = 1
"""CNAME, others, addresses, MX."""

_PREFER_GROUPS = {codes.CNAME: 0, codes.A: 1, codes.AAAA: 1, codes.MX: 2}
_PREFER_OTHERS = 3

Order = Callable[[Query, Answer], dict[str, Records]]
"""The sections that change, by field of `Answer`."""


class RoundRobin:
    """Shuffles the addresses of every section."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    def __call__(self, query: Query, answer: Answer) -> dict[str, Records]:
        """The sections that change."""
        changes: dict[str, Records] = {}
        for field in ("answer", "authority", "additional"):
            section: Records = getattr(answer, field)
            if len(section) > 1:
                order = self._order([head.type for head in heads(section)], query.basis)
                change(changes, field, section, order)
        return changes

    def turn(self, plains: Alike) -> None:
        """Shuffle the records of plain replies."""
        for plain in plains:
            if plain.count > 1:
                records = split(plain)
                self._chance.shuffle(records)
                plain.records = b"".join(records)

    def _order(self, types: list[int], basis: Basis) -> list[int]:
        groups = [GROUPS.get(rtype, OTHERS) for rtype in types]
        order = sorted(range(len(types)), key=groups.__getitem__)
        exchanges = groups.count(3)
        addresses = groups.count(2)
        if addresses > 1:
            basis.shuffled = True
            end = len(order) - exchanges
            order[end - addresses : end] = self._shuffled(order[end - addresses : end])
        if exchanges > 1:
            basis.fleeting = True
            order[-exchanges:] = self._shuffled(order[-exchanges:])
        return order

    def _shuffled(self, order: list[int]) -> list[int]:
        if len(order) == 2:
            return order[::-1] if self._chance.getrandbits(1) else order
        self._chance.shuffle(order)
        return order


class Preference:
    """Puts addresses in the order of the prefixes they lie in."""

    def __init__(self, prefixes: tuple[Network, ...]) -> None:
        self._prefixes = [(net.version, int(net.network_address), int(net.netmask)) for net in prefixes]

    def __call__(self, query: Query, answer: Answer) -> dict[str, Records]:
        """The sections that change."""
        changes: dict[str, Records] = {}
        for field in ("answer", "additional"):
            section: Records = getattr(answer, field)
            if len(section) < 2:
                continue
            types = [head.type for head in heads(section)]
            if sum([rtype in ADDRESSES for rtype in types]) > 1:
                query.basis.fleeting = True  # a kept reply would turn its addresses out of the order of preference
            keys = [
                (_PREFER_GROUPS.get(rtype, _PREFER_OTHERS), self._rank(section[i]) if rtype in ADDRESSES else 0)
                for i, rtype in enumerate(types)
            ]
            change(changes, field, section, sorted(range(len(types)), key=keys.__getitem__))
        return changes

    def _rank(self, record: Record) -> int:
        version, address = 4 if record.type == codes.A else 6, int.from_bytes(record.data, "big")
        for rank, (of_version, network, mask) in enumerate(self._prefixes):
            if version == of_version and address & mask == network:
                return rank
        return len(self._prefixes)


def change(changes: dict[str, Records], field: str, section: Records, order: list[int]) -> None:
    """Note the section in this order of its records, unless it has it already."""
    if order != list(range(len(order))):
        changes[field] = tuple([section[i] for i in order])
