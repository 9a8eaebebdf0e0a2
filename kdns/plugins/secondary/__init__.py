"""secondary: serve zones of other name servers, fetched by zone transfer (AXFR, RFC 5936).

::

    secondary [ZONES...] {
        transfer from ADDRESS...     the primaries: IP addresses, with or without a port
        catalog [MEMBER-ZONES...]    the zones are catalogs (RFC 9432), of whose members these are accepted
        fallthrough [ZONES...]       names that do not exist go to the next plugin
    }

May be repeated; a zone named twice is that of the last occurrence, and `fallthrough` holds for all. ZONES are those of
the block by default. `transfer from` is needed, and may be repeated: primaries are asked in order. Answers are those of
`file`. `transfer` is given the zones, and announces each that was fetched.

A zone is fetched at start, over TCP, from the first primary that gives it, and after failures again, for ever: after
250 ms, doubled up to 10 s. Then the primaries are asked for its serial (over TCP, up to 5 s late by chance) every
refresh time of its SOA, and every retry time (up to 2 s late) while that fails; a newer serial (RFC 1982) fetches the
zone. It expires after the expire time without an answer. NOTIFY from a primary has the serial asked for at once, though
not more than once a second; from others it is dropped. Before it was fetched, and after it has expired, a zone is
SERVFAIL. Nothing is kept on disk; a reload waits for the first try of each zone, at most 5 s.

A transfer has at most 64 MiB and a million records, takes at most 300 s, waits 10 s for a message, and has to begin and
end with the same SOA of the zone, else it has failed and the zone stays as it was. Records outside the zone are left
out, with a warning. Zones with NSEC3 records are not supported. 16 transfers of a block run at a time.

The members of a catalog are fetched from the catalog's primaries. Without MEMBER-ZONES all are accepted, at most 10000;
otherwise these and what is below them. A zone of the configuration, or of another catalog, is left as it is, unless
that catalog's `coo` hands it over.

Unlike CoreDNS: an expired zone is served again as soon as a primary answers, also with the same serial, and is not
transferred to others; a primary that refuses to tell the serial has failed; NOTIFY for other zones is REFUSED; lines
about expired zones and dropped notifications are at most one a second for each zone; the end of a transfer is checked.

Errors: "secondary zones require a transfer from property", "can't use '*' in transfer from", "must specify an IP
address: `X'", "unknown property X" behind `transfer`, `invalid catalog member zone "X"`, "unknown property 'X'".
Metrics: none.

Example::

    example.org:1053 {
        secondary {
            transfer from 192.0.2.53 [2001:db8::53]:5353
            fallthrough
        }
        transfer {
            to 192.0.2.54
        }
        whoami
    }
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from random import random

from kdns.chain.basis import Key
from kdns.chain.handler import Handler
from kdns.chain.roles import Announcer
from kdns.chain.site import Site
from kdns.chain.zone import Zone
from kdns.chain.zone.authority import Authority
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line, normalize_zone
from kdns.corefile.values import parse_server
from kdns.plugins.secondary.copies import Configured, Copies
from kdns.plugins.secondary.copy import Copy
from kdns.plugins.secondary.handler import Secondary
from kdns.plugins.secondary.primaries import TOGETHER, Primaries, Server

SETTLE = 5.0
"""Seconds that a reload waits for zones."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    configured, through = _read(args)
    room = asyncio.Semaphore(TOGETHER)
    key: Key = ("secondary", object())
    handlers: list[Secondary] = []

    def make(origin: bytes, servers: Sequence[Server], accept: Callable[[Zone], None]) -> Copy:
        primaries = Primaries(origin, servers, room)
        return Copy(origin, primaries, changed, site.process.clock, lambda most: random() * most, accept)

    def changed(copy: Copy) -> None:
        site.wiring.forget([copy.key])
        if copy.zone is None:
            return
        for announcer in site.find(Announcer):  # type: ignore[type-abstract]
            announcer.announce(copy.origin)
        copies.took(copy)

    def settled(zones: Mapping[bytes, Copy]) -> None:
        for handler in handlers:
            handler.hold(zones)
        site.wiring.forget([key])

    copies = Copies(configured, make, lambda copy: site.wiring.spawn(copy.follow()), settled)

    def link(next_: Handler) -> Handler:
        handler = Secondary(Authority(next_, through, site.lookup), copies, key)
        handlers.append(handler)
        site.offer(handler)
        return handler

    async def start() -> None:
        for copy in copies.zones.values():
            site.wiring.spawn(copy.follow())

    async def settle() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE):
                for copy in tuple(copies.zones.values()):
                    await copy.settled.wait()

    site.chain("secondary", link)
    site.listen.notices = True
    site.listen.alone = True  # a NOTIFY comes to one process, and the others would answer from an older zone
    site.once.startup.append(start)
    site.once.settle.append(settle)


def _read(args: Arguments) -> tuple[dict[bytes, Configured], Zones | None]:
    """The zones by folded name, and those that fall through."""
    configured: dict[bytes, Configured] = {}
    through: Zones | None = None
    for line in args:
        zones = Zones(line.zones(args.zones))
        one = Configured()
        for option in line.block():
            match option.name:
                case "transfer":
                    one.servers += _servers(option)
                case "catalog":
                    _catalog(option, one)
                case "fallthrough":
                    through = Zones(option.zones((".",)))
                case _:
                    raise option.unknown_property()
        if not one.servers:
            raise line.error("secondary zones require a transfer from property")
        configured.update(dict.fromkeys(zones, one))
    return configured, through


def _servers(option: Line) -> list[Server]:
    word = option.text()
    if word != "from":
        raise option.error(f"unknown property {word}")
    found = [_server(option, option.text())]
    return found + [_server(option, each) for each in option.words()]


def _server(option: Line, word: str) -> Server:
    if word == "*":
        raise option.error("can't use '*' in transfer from")
    try:
        return Server(*parse_server(word))
    except ValueError as error:
        raise option.error(str(error)) from error


def _catalog(option: Line, one: Configured) -> None:
    """Members of several lines are added up; a line without any accepts all."""
    texts: list[str] = []
    for word in option.words():
        zones = normalize_zone(word)
        if not zones:
            raise option.error(f'invalid catalog member zone "{word}"')
        texts += zones
    before = one.allowed.texts if one.allowed is not None else ()
    anything = not texts or (one.catalog and one.allowed is None)
    one.catalog = True
    one.allowed = None if anything else Zones((*before, *texts))
