"""What rules do to a reply, and the reply while they do it."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from kdns.chain.answer import DROP, Answer
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.plugins.rewrite.match import Rename
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

_NAPTR = 35
_TARGETS = {
    codes.CNAME: 0, codes.DNAME: 0, codes.NS: 0, codes.PTR: 0, codes.SOA: 0, codes.MX: 1, codes.SRV: 1, _NAPTR: 4,
}  # fmt: skip
"""Which field of a type's record data is its value."""

Each = Callable[[Record], Record]


class Reply:
    """A reply in the works: `answer`, to `query` as the chain saw it, and `more`, answers that a `cname` rule found.

    These came through the whole server and are not changed again. `extended` tells that the client has EDNS.
    """

    __slots__ = ("answer", "extended", "more", "query")

    def __init__(self, answer: Answer, query: Query, *, extended: bool) -> None:
        self.answer = answer
        self.query = query
        self.extended = extended
        self.more: list[Record] = []

    def each(self, change: Each) -> None:
        """Change every record, also of messages to come."""
        answer = self.answer.with_ttl()
        more = answer.more
        self.answer = answer.replace(
            answer=[change(record) for record in answer.answer],
            authority=[change(record) for record in answer.authority],
            additional=[change(record) for record in answer.additional],
            more=None if more is None else ([change(record) for record in records] for records in more),
        )

    def own(self) -> None:
        """Give records that stand at the question's name the name that was asked in its place."""
        asked = self.query.question.name
        self.each(lambda record: record._replace(owner=asked) if record.owner is None else record)

    def done(self) -> Answer:
        """The answer with all that was found."""
        if not self.more:
            return self.answer
        return self.answer.replace(answer=[*self.answer.answer, *self.more])


class Change(Protocol):
    """One change of a reply."""

    @property
    def names(self) -> bool:
        """Whether it looks at names of records, which must all be there then."""
        ...

    async def apply(self, reply: Reply) -> None:
        """Make it. Raises `WireError` when a name comes out that is none."""
        ...


def _renamed(wire: bytes, rename: Rename) -> bytes:
    new = rename(name.to_text(wire))
    return wire if new is None else name.from_text(new)


class Owners(NamedTuple):
    """Owner names."""

    rename: Rename
    names: bool = True

    async def apply(self, reply: Reply) -> None:
        """Rename them."""
        reply.each(self._one)

    def _one(self, record: Record) -> Record:
        return record if record.owner is None else record._replace(owner=_renamed(record.owner, self.rename))


class Targets(NamedTuple):
    """The name in the data of CNAME, DNAME, MX, NAPTR, NS, PTR, SOA and SRV records."""

    rename: Rename
    names: bool = True

    async def apply(self, reply: Reply) -> None:
        """Rename them."""
        reply.each(self._one)

    def _one(self, record: Record) -> Record:
        place = _TARGETS.get(record.type)
        if place is None:
            return record
        fields = [octets for _, octets in rdata.fields(record.type, record.data)]
        fields[place] = _renamed(fields[place], self.rename)
        return record._replace(data=b"".join(fields))


class Ttl(NamedTuple):
    """TTLs, raised to `low` and lowered to `high`, in seconds."""

    low: int
    high: int
    names: bool = False

    async def apply(self, reply: Reply) -> None:
        """Clamp them. What a kept reply may count down is what this leaves of it."""
        basis = reply.query.basis
        if basis.fades and self.low == self.high:
            basis.fades = False
        elif basis.fades:
            basis.fleeting = True
        ttl = self.low if self.low == self.high else reply.answer.ttl
        if ttl is not None:
            reply.answer = reply.answer.replace(ttl=self._clamped(ttl), shared=None)
        else:
            reply.each(lambda record: record._replace(ttl=self._clamped(record.ttl)))

    def _clamped(self, ttl: int) -> int:
        return min(max(ttl, self.low), self.high)


class Rcode(NamedTuple):
    """One response code for another; without EDNS nobody can be told of one above 15 (RFC 6891 section 6.1.3)."""

    old: int
    new: int
    names: bool = False

    async def apply(self, reply: Reply) -> None:
        """Put it in its place."""
        if reply.answer.rcode == self.old and (self.new < 16 or reply.extended):
            reply.answer = reply.answer.replace(rcode=self.new)


class Alias(NamedTuple):
    """The target of the first alias that matches, and what the server has for the new one."""

    rename: Rename
    site: Site
    names: bool = True

    async def apply(self, reply: Reply) -> None:
        """Look the new target up; without an answer the reply stays. In a lookup one alias is enough, so all end."""
        if reply.more and reply.query.depth:
            return
        kept: list[Record] = []
        for record in reply.answer.answer:
            if record.type != codes.CNAME:
                continue
            new = self.rename(name.to_text(record.data))
            if new is not None:
                await self._follow(reply, kept, record, new)
                return
            kept.append(record)

    async def _follow(self, reply: Reply, kept: list[Record], alias: Record, text: str) -> None:
        query = reply.query
        try:
            target = name.from_text(text)
        except WireError:
            return
        found = await self.site.lookup(query, target, query.question.type)
        query.basis.fleeting = True
        if found is None or found is DROP or not found.written:
            return
        answer = reply.answer.with_ttl()
        flags = answer.flags & ~codes.TC | found.flags & codes.TC
        reply.answer = answer.replace(answer=[*kept, alias._replace(data=target)], flags=flags)
        reply.more = [each if each.owner is not None else each._replace(owner=target) for each in found.answer]
