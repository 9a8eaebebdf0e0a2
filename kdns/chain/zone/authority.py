"""What is answered from zones (`plugins.md`, the table of queries of file), for all plugins that have some.

Where the zones come from is not known here: each is a `Held` whose `zone` is replaced when there is another one, by
who then forgets its key. Which zones there are may change as well; who changes that forgets a key of its own.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from kdns.chain.answer import Answer, Records, refuse
from kdns.chain.basis import Key
from kdns.chain.handler import End, Handler
from kdns.chain.query import Query
from kdns.chain.roles import Transfer
from kdns.chain.zone.data import Zone
from kdns.chain.zone.lookup import Finding, Kind, addresses, apex_ns, find, soa
from kdns.chain.zones import Zones
from kdns.wire import codes, name

MAX_LINKS = 8
"""Aliases followed inside the zone after the first."""

Lookup = Callable[[Query, bytes, int], Awaitable[Answer | None]]

_SERVFAIL = refuse(codes.SERVFAIL)
_REFUSED = refuse(codes.REFUSED)
_EMPTY = frozenset((Kind.EMPTY, Kind.MISSING))
_OUT_OF_SIGHT = frozenset((Kind.MISSING, Kind.REFERRAL, Kind.LOOPS))
_RCODES = {Kind.MISSING: codes.NXDOMAIN, Kind.TOO_LONG: codes.YXDOMAIN}


class Held(Protocol):
    """Has one zone, or will have it."""

    @property
    def key(self) -> Key:
        """What an answer from the zone rests on."""
        ...

    @property
    def zone(self) -> Zone | None:
        """The zone that is served now; `None` if there is none to be trusted, which is SERVFAIL."""
        ...


class Authority:
    """Answers for names in its zones; `through` are those that fall through.

    `partial` are the flags of an answer whose aliases end below a zone cut.
    """

    def __init__(self, next_: Handler, through: Zones | None, lookup: Lookup, *, partial: int = codes.AA) -> None:
        self._next = next_
        self._alone = isinstance(next_, End)
        self._zones = Zones(())
        self._held: Mapping[bytes, Held] = {}
        self._through = through
        self._lookup = lookup
        self._partial = partial

    def hold(self, held: Mapping[bytes, Held]) -> None:
        """Serve these zones from now on, by folded name."""
        self._held = dict(held)
        self._zones = Zones(map(name.to_text, held))

    async def answer(self, query: Query) -> Answer:
        """From the zone that holds the name, or the next handler's answer."""
        question = query.question
        origin = self._zones.match(question)
        if origin is None:
            return _REFUSED if self._alone else await self._next.answer(query)
        if question.type in (codes.AXFR, codes.IXFR):
            return _REFUSED
        held = self._held[origin]
        query.basis.reads.append(held.key)
        zone = held.zone
        if zone is None:
            return _SERVFAIL
        found = find(zone, question.folded, question.type, query.do)
        if found.kind in _EMPTY and self._through is not None and self._through.match(question) is not None:
            return await self._next.answer(query)
        if found.wildcard and query.metadata is not None:
            query.metadata.set("zone/wildcard", name.to_text(found.wildcard))
        if found.kind is Kind.ALIAS:
            return await self._follow(query, zone, found)
        if found.kind is Kind.LOOPS:
            return _SERVFAIL
        return _written(found)

    async def _follow(self, query: Query, zone: Zone, found: Finding) -> Answer:
        """The aliases and what they lead to: in the zone as far as its names are there, else by the whole server."""
        rtype, do = query.question.type, query.do
        chain, proof = list(found.answer), list(found.authority)
        for _ in range(MAX_LINKS + 1):
            target = found.target
            if not name.is_below(target, zone.origin):
                return await self._elsewhere(query, zone, chain, target)
            found = find(zone, target, rtype, do)
            if found.kind in _OUT_OF_SIGHT:
                return await self._elsewhere(query, zone, chain, target)
            chain += found.answer
            proof += found.authority
            if found.kind is not Kind.ALIAS:
                return _aliased(chain, proof, _RCODES.get(found.kind, codes.NOERROR), found.additional)
        return _aliased(list(dict.fromkeys(chain)), apex_ns(zone, do))

    async def _elsewhere(self, query: Query, zone: Zone, chain: Records, target: bytes) -> Answer:
        reply = await self._lookup(query, target, query.question.type)
        if reply is None:
            return _SERVFAIL
        if reply.rcode == codes.SERVFAIL:
            return _aliased(chain, apex_ns(zone, query.do), codes.SERVFAIL)
        if reply.rcode not in (codes.NOERROR, codes.NXDOMAIN) or not reply.written:
            return _aliased(chain, apex_ns(zone, query.do))
        answer = [*chain, *_owned(reply.answer, target)]
        if reply.rcode == codes.NOERROR and reply.answer:
            return _aliased(answer, apex_ns(zone, query.do), additional=addresses(zone, reply.answer, query.do))
        authority = _owned(reply.authority, target) or soa(zone, query.do)
        refers = reply.rcode == codes.NOERROR and any(record.type == codes.NS for record in reply.authority)
        flags = self._partial if refers else codes.AA
        return Answer(reply.rcode, flags, answer, authority, _owned(reply.additional, target))

    def transfer(self, zone: bytes) -> Transfer | None:
        """One of the zones, whole (`chain.roles.Transferer`)."""
        held = self._held.get(zone)
        if held is None:
            return None
        return Transfer(None, iter(())) if held.zone is None else Transfer(held.zone.soa, held.zone.records())


def _written(found: Finding) -> Answer:
    flags = 0 if found.kind is Kind.REFERRAL else codes.AA
    rcode = _RCODES.get(found.kind, codes.NOERROR)
    return Answer(rcode, flags, found.answer, found.authority, found.additional)


def _aliased(answer: Records, authority: Records, rcode: int = codes.NOERROR, additional: Records = ()) -> Answer:
    return Answer(rcode, codes.AA, answer, authority, additional)


def _owned(records: Records, owner: bytes) -> Records:
    """Records of a lookup with the name that was looked up where they only said that it is the question's."""
    return [record._replace(owner=owner) if record.owner is None else record for record in records]
