"""dns64: IPv6 addresses for names that have IPv4 addresses only (RFC 6147).

::

    dns64 [PREFIX] {
        prefix PREFIX
        translate_all
        allow_ipv4
    }

An AAAA question of an IPv6 client is asked first. If the name exists but has no AAAA record, or the question failed,
the name's A records are looked up through the server and put behind PREFIX, default `64:ff9b::/96`, as RFC 6052 says.
Their TTL is at most that of the SOA of the AAAA answer, or 600 seconds without one.

    translate_all   also if there are AAAA records, which are replaced
    allow_ipv4      also for IPv4 clients

The directive may stand several times; a later PREFIX replaces an earlier.

Errors: more than one argument, "invalid CIDR address: X", 'invalid netmask 32 IPv6 address: "X"', 'invalid prefix
length "X"' (32 to 96, a multiple of 8), "unknown property 'X'". Metrics: `coredns_dns64_requests_translated_total`
with the label `server`.

Example::

    .:1053 {
        dns64 2001:db8:64::/96 {
            allow_ipv4
        }
        forward . 192.0.2.53
    }
"""

from dataclasses import dataclass
from ipaddress import IPv6Network

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes
from kdns.wire.record import Record

WELL_KNOWN = IPv6Network("64:ff9b::/96")
MAX_TTL = 600
"""Seconds, where the AAAA answer has no SOA (RFC 6147 section 5.1.7)."""

_FAILED = refuse(codes.SERVFAIL, "no answer to the lookup of A records")
_RESERVED = 8
"""The octet of an address that is always 0 (RFC 6052 section 2.2)."""


@dataclass(slots=True)
class Options:
    """What is translated, and to what."""

    prefix: IPv6Network = WELL_KNOWN
    translate_all: bool = False
    allow_ipv4: bool = False


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    options = Options()
    for line in args:
        line.at_most(1)
        if line.more:
            options.prefix = _prefix(line)
        for option in line.block():
            _read(option, options)
    site.chain("dns64", lambda next_: Dns64(next_, options, site))


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "prefix":
            options.prefix = _prefix(option)
        case "translate_all":
            options.translate_all = True
        case "allow_ipv4":
            options.allow_ipv4 = True
        case _:
            raise option.unknown_property()


def _prefix(line: Line) -> IPv6Network:
    network = line.network()
    if not isinstance(network, IPv6Network):
        raise line.error(f'invalid netmask 32 IPv6 address: "{network}"')
    if network.prefixlen % 8 or not 32 <= network.prefixlen <= 96:
        raise line.error(f'invalid prefix length "{network}"')
    return network


class Dns64:
    """Makes AAAA records of A records."""

    def __init__(self, next_: Handler, options: Options, site: Site) -> None:
        text = "Counter of DNS requests translated by dns64."
        self._translated = site.process.registry.counter("coredns_dns64_requests_translated_total", text, "server")
        self._next = next_
        self._options = options
        self._lookup = site.lookup
        length = options.prefix.prefixlen // 8
        self._head = options.prefix.network_address.packed[:length]

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, or one made of A records."""
        question = query.question
        first = await self._next.answer(query)
        if question.type != codes.AAAA or question.cls != codes.IN:
            return first
        if query.transport.family == 1 and not self._options.allow_ipv4:
            return first
        if not self._is_wanting(first):
            return first
        found = await self._lookup(query, question.name, codes.A)
        if found is None or found is DROP:
            return _FAILED
        counter = self._translated.child(query.transport.server)
        counter.value += 1
        query.basis.tallies.append(counter.add)
        return Answer(
            flags=found.flags & codes.TC,
            answer=tuple([self._translate(record, _limit(first)) for record in found.answer]),
            authority=found.authority,
            additional=found.additional,
        )

    def _is_wanting(self, answer: Answer) -> bool:
        """Whether an answer to an AAAA question has to be made up for (RFC 6147 sections 5.1.1 to 5.1.4)."""
        if not answer.written or answer.rcode == codes.NXDOMAIN:
            return False
        return self._options.translate_all or all(record.type != codes.AAAA for record in answer.answer)

    def _translate(self, record: Record, limit: int) -> Record:
        if record.type != codes.A:
            return record
        address = bytearray(self._head + record.data)
        if len(self._head) <= _RESERVED:
            address.insert(_RESERVED, 0)
        data = bytes(address).ljust(16, b"\0")
        return record._replace(type=codes.AAAA, data=data, ttl=min(record.ttl, limit))


def _limit(answer: Answer) -> int:
    """The longest that an AAAA record may live that is not there."""
    for record in answer.authority:
        if record.type == codes.SOA:
            return record.ttl if answer.ttl is None else answer.ttl
    return MAX_TTL
