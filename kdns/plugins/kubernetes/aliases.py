"""Following the aliases of ExternalName Services (`kubernetes.md` section 1.7).

A target in the zone of the question is looked up in the index, any other by the whole server. An alias that leads
nowhere inside the zone is dropped, which search-path walks depend on; one that leads outside stays, and a SERVFAIL
there is a SERVFAIL here (RFC 6604 section 3).
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from kdns.chain.answer import Answer
from kdns.chain.query import Query
from kdns.plugins.kubernetes.records import Found, addresses
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.record import Record

MAX_ALIASES = 11
"""Most CNAMEs in a row inside the zone."""

Find = Callable[[bytes], Sequence[Found] | None]
"""What a folded name inside the zone stands for."""

Lookup = Callable[[Query, bytes, int], Awaitable[Answer | None]]
"""Ask the whole server for a name and type (`chain.site.Site.lookup`)."""


@dataclass(slots=True)
class Walk:
    """One walk along aliases: what was found so far, and how it went."""

    query: Query
    zone: bytes
    ttl: int
    find: Find
    lookup: Lookup
    truncated: bool = False
    failed: bool = False
    _targets: list[bytes] = field(default_factory=list)

    async def follow(self, found: Sequence[Found], current: bytes, owner: bytes | None) -> list[Record]:
        """Records of the question's type for what `current` (folded) stands for, each alias in front of its target."""
        direct = [entry for entry in found if entry.address]
        out = addresses(direct, self.query.question.type, self.ttl)
        if owner is not None:
            out = [record._replace(owner=owner) for record in out]
        for alias in dict.fromkeys(entry.alias for entry in found if entry.alias):
            out += await self._alias(alias, current, owner)
        return out

    async def _alias(self, alias: str, current: bytes, owner: bytes | None) -> list[Record]:
        record = cname(alias, owner, self.ttl)
        if record is None:
            return []
        target, folded = record.data, record.data.lower()
        if name.is_below(folded, current) or folded in self._targets or len(self._targets) >= MAX_ALIASES:
            return []
        if not name.is_below(folded, self.zone):
            behind = await self._outside(target)
            return [] if behind is None else [record, *behind]
        self._targets.append(folded)
        inside = self.find(folded)
        behind = await self.follow(inside, folded, target) if inside else []
        self._targets.pop()
        return [record, *behind] if behind else []

    async def _outside(self, target: bytes) -> list[Record] | None:
        answer = await self.lookup(self.query, target, self.query.question.type)
        if answer is None:
            return None
        self.truncated |= answer.flags & codes.TC != 0
        self.failed |= answer.rcode == codes.SERVFAIL
        if answer.rcode not in (codes.NOERROR, codes.NXDOMAIN):
            return []
        return [record if record.owner is not None else record._replace(owner=target) for record in answer.answer]


def cname(alias: str, owner: bytes | None, ttl: int) -> Record | None:
    """The CNAME record of an alias, or `None` if it is not a domain name."""
    try:
        return Record(owner, codes.CNAME, name.from_text(alias), ttl)
    except WireError:
        return None
