"""acl: who may ask what.

::

    acl [ZONES...] {
        ACTION [type QTYPE...] [net SOURCE...]
    }

The lines are tried in order for names in ZONES (default: those of the block). The first whose types and sources both
match the query decides; without `type` or `net`, or with `*`, all match. SOURCE is an address or a prefix, QTYPE a type
in capitals. ACTION is

    allow     answer the query; later `acl` lines are not looked at
    block     REFUSED, with the extended error "Blocked" (RFC 8914)
    filter    NOERROR without an answer, with the extended error "Filtered"
    drop      no reply

The directive may stand several times: what one does not decide, the next may, and what none decides is allowed. It runs
before `cache`, and sees names as `rewrite` left them.

Errors: 'unexpected token "X"; expect 'allow', 'block', 'filter' or 'drop'', 'unexpected token "X"; expect 'type |
net'', 'no token specified in "S" section', 'unexpected token "X"; expect legal QTYPE', 'illegal CIDR notation "X"'.
Metrics: `coredns_acl_blocked_requests_total`, `coredns_acl_filtered_requests_total` and
`coredns_acl_dropped_requests_total` with the labels `server`, `zone`, `view`; `coredns_acl_allowed_requests_total`
with `server`, `view`.

Example::

    .:1053 {
        acl example.org {
            allow net 10.0.0.0/8 2001:db8::/32
            filter type AAAA
            block
        }
        whoami
    }
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address
from itertools import groupby
from typing import NamedTuple

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line, Network, parse_network
from kdns.metrics import Registry
from kdns.wire import codes
from kdns.wire.edns import Option

ALLOW, BLOCK, FILTER, DROPPED = "allow", "block", "filter", "drop"

_ANSWERS = {
    BLOCK: Answer(rcode=codes.REFUSED, options=(Option(codes.EDE, b"\0\x0f"),), do=True),
    FILTER: Answer(options=(Option(codes.EDE, b"\0\x11"),), do=True),
    DROPPED: DROP,
}
"""RFC 8914 sections 4.16 and 4.18."""

_SECTIONS = ("type", "net")


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    rules = tuple([Rule(Zones(line.zones(args.zones)), tuple(_policies(line))) for line in args])
    site.chain("acl", lambda next_: Acl(next_, rules, Counts(site.process.registry, site.view)))


class Sources:
    """Prefixes, found in as many steps as there are different lengths among them."""

    def __init__(self, networks: Iterable[Network]) -> None:
        self._bits: dict[tuple[int, int], set[int]] = {}
        for network in networks:
            shift = network.max_prefixlen - network.prefixlen
            self._bits.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)

    def __contains__(self, address: tuple[int, int]) -> bool:
        version, number = address
        return any(version == kind and number >> shift in found for (kind, shift), found in self._bits.items())


class Policy(NamedTuple):
    """One line: what to do with queries of these types from there; `None` stands for all."""

    action: str
    types: frozenset[int] | None
    sources: Sources | None


class Rule(NamedTuple):
    """One directive."""

    zones: Zones
    policies: tuple[Policy, ...]


class Read(NamedTuple):
    """One line as it was read; `None` stands for all."""

    action: str
    types: frozenset[int] | None
    networks: list[Network] | None


def _policies(line: Line) -> Iterable[Policy]:
    """Neighbours that differ in their sources only are one policy: lists of thousands of lines take no longer."""
    lines = [_line(option) for option in line.block()]
    for (action, types, everywhere), same in groupby(lines, lambda read: (*read[:2], read.networks is None)):
        networks = [network for read in same for network in read.networks or ()]
        yield Policy(action, types, None if everywhere else Sources(networks))


def _line(option: Line) -> Read:
    action = option.name.lower()
    if action not in (ALLOW, *_ANSWERS):
        raise option.error(f"unexpected token {_quoted(option.name)}; expect 'allow', 'block', 'filter' or 'drop'")
    types: set[int] = set()
    networks: list[Network] = []
    unlimited: set[str] = set()
    while option.more:
        word = option.text()
        section = word.lower()
        if section not in _SECTIONS:
            raise option.error(f"unexpected token {_quoted(word)}; expect 'type | net'")
        words = list(_section(option))
        if not words:
            raise option.error(f"no token specified in {_quoted(section)} section")
        for word in words:
            if word == "*":
                unlimited.add(section)
            elif section == "type":
                types.add(_type(option, word))
            else:
                networks.append(_network(option, word))
    every_type, everywhere = (section in unlimited for section in _SECTIONS)
    return Read(
        action,
        frozenset(types) if types and not every_type else None,
        networks if networks and not everywhere else None,
    )


def _section(option: Line) -> Iterable[str]:
    while (word := option.peek()) is not None and word.lower() not in _SECTIONS:
        yield option.text()


def _type(option: Line, word: str) -> int:
    number = codes.TYPE_NUMBERS.get(word)
    if number is None:
        raise option.error(f"unexpected token {_quoted(word)}; expect legal QTYPE")
    return number


def _network(option: Line, word: str) -> Network:
    text = word if "/" in word else f"{word}/{128 if ':' in word else 32}"
    try:
        return parse_network(text)
    except ValueError:
        raise option.error(f"illegal CIDR notation {_quoted(text)}") from None


def _quoted(text: str) -> str:
    return f'"{text}"'


class Counts:
    """What is counted of the queries of one block."""

    def __init__(self, registry: Registry, view: str) -> None:
        where = ("server", "zone", "view")
        text = "Counter of DNS requests being {}."
        self._families = {
            BLOCK: registry.counter("coredns_acl_blocked_requests_total", text.format("blocked"), *where),
            FILTER: registry.counter("coredns_acl_filtered_requests_total", text.format("filtered"), *where),
            DROPPED: registry.counter("coredns_acl_dropped_requests_total", text.format("dropped"), *where),
        }
        self._allowed = registry.counter("coredns_acl_allowed_requests_total", text.format("allowed"), "server", "view")
        self._view = view

    def count(self, query: Query, action: str, zone: str) -> None:
        """Count a query, and those that get the same reply from the memo."""
        server = query.transport.server
        if action == ALLOW:
            counter = self._allowed.child(server, self._view)
        else:
            counter = self._families[action].child(server, zone, self._view)
        counter.value += 1
        query.basis.tallies.append(counter.add)


class Acl:
    """Judges queries."""

    def __init__(self, next_: Handler, rules: tuple[Rule, ...], counts: Counts) -> None:
        self._next = next_
        self._rules = rules
        self._counts = counts

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, if the query may have it."""
        action, zone = self._judge(query)
        self._counts.count(query, action, zone)
        return await self._next.answer(query) if action == ALLOW else _ANSWERS[action]

    def _judge(self, query: Query) -> tuple[str, str]:
        """What is to be done, and the zone of the directive that says so."""
        address = None
        for zones, policies in self._rules:
            zone = zones.match(query.question)
            if zone is None:
                continue
            for action, types, sources in policies:
                if types is not None and query.question.type not in types:
                    continue
                if sources is not None:
                    address = address or _address(query)
                    if address not in sources:
                        continue
                return action, zones.text(zone)
        return ALLOW, ""


def _address(query: Query) -> tuple[int, int]:
    """The client's address; answers that depend on types alone do not look at it, and are every client's."""
    address = ip_address(query.client[0].partition("%")[0])
    address = (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
    return address.version, int(address)
