"""local: answer here what is about this machine, and let none of it out to upstreams.

::

    local {
        localhost_prefix on|off
    }

Names that mean a client's own machine are answered without asking anyone, with TTL 604800:

    *.localhost.              A 127.0.0.1, AAAA ::1
    localhost.                A, AAAA, NS localhost., SOA
    0.in-addr.arpa. 127.in-addr.arpa. 255.in-addr.arpa.    SOA, NS localhost.
    1.0.0.127.in-addr.arpa.   PTR localhost.

Other types of these names are empty answers, other names in these zones do not exist. With `localhost_prefix on`, the
default, `localhost.ANYTHING.` is answered like `*.localhost.`: resolvers ask that when they append a search domain.

Errors: an argument, 'localhost_prefix expects 'on' or 'off', got "X"', "unknown property 'X'". Metrics:
`coredns_local_localhost_requests_total`, queries for `*.localhost.` and `localhost.ANYTHING.`.

Example::

    .:1053 {
        local {
            localhost_prefix off
        }
        forward . 192.0.2.53
    }
"""

import logging

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.metrics import Counter
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record

log = logging.getLogger("kdns.local")

TTL = 604800
"""Seconds in a week."""

_LOCALHOST = name.from_text("localhost")
_FIRST = b"\x09localhost"
_LOOPBACK = name.from_text("1.0.0.127.in-addr.arpa")
_ZONES = Zones(("localhost.", "0.in-addr.arpa.", "127.in-addr.arpa.", "255.in-addr.arpa."))

_SOA = rdata.soa(_LOCALHOST, name.from_text("root.localhost"), 1, 0, 0, 0, TTL)
_ADDRESSES = {codes.A: rdata.a("127.0.0.1"), codes.AAAA: rdata.aaaa("::1")}
_APEX = {codes.SOA: _SOA, codes.NS: _LOCALHOST}
_POINTER = {codes.PTR: _LOCALHOST}


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    prefixed = True
    for line in args:
        line.end()
        for option in line.block():
            prefixed = _switch(option)
    text = "Counter of special localhost subdomain requests."
    counter = site.process.registry.counter("coredns_local_localhost_requests_total", text).child()
    site.chain("local", lambda next_: Local(next_, counter, prefixed=prefixed))


def _switch(option: Line) -> bool:
    if option.name != "localhost_prefix":
        raise option.unknown_property()
    option.at_most(1)
    word = option.text()
    if word not in ("on", "off"):
        raise option.error(f"localhost_prefix expects 'on' or 'off', got \"{word}\"")
    return word == "on"


class Local:
    """Answers for the machine itself."""

    def __init__(self, next_: Handler, counter: Counter, *, prefixed: bool) -> None:
        self._next = next_
        self._counter = counter
        self._prefixed = prefixed

    async def answer(self, query: Query) -> Answer:
        """What every machine says of itself, or the next handler's answer."""
        question = query.question
        folded = question.folded
        zone = _ZONES.match(question)
        if folded != _LOCALHOST and (zone == _LOCALHOST or (self._prefixed and folded.startswith(_FIRST))):
            self._count(query)
            return _answer(query, _ADDRESSES)
        if zone is None:
            return await self._next.answer(query)
        if folded == zone:
            return _answer(query, _ADDRESSES | _APEX if zone == _LOCALHOST else _APEX)
        if folded == _LOOPBACK:
            return _answer(query, _POINTER, zone)
        return Answer(rcode=codes.NXDOMAIN, authority=(_soa(query, zone),))

    def _count(self, query: Query) -> None:
        self._counter.value += 1
        query.basis.tallies.append(self._counter.add)
        if log.isEnabledFor(logging.DEBUG):
            text = 'Intercepting localhost query for "%s" %s, from %s'
            log.debug(text, query.text, codes.type_name(query.question.type), query.client[0])


def _answer(query: Query, there: dict[int, bytes], zone: bytes | None = None) -> Answer:
    """The record of the type asked for, or an empty answer with the SOA of the zone; `None` is the name itself."""
    rtype = query.question.type
    data = there.get(rtype)
    if data is None:
        return Answer(authority=(_soa(query, zone),))
    return Answer(answer=(Record(None, rtype, data, TTL),))


def _soa(query: Query, zone: bytes | None) -> Record:
    """The SOA record of a zone, in the letter case of the question."""
    owner = None if zone is None else query.question.name[-len(zone) :]
    return Record(owner, codes.SOA, _SOA, TTL)
