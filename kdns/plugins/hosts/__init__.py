"""hosts: serve A, AAAA and PTR records from a file like `/etc/hosts` and from lines in the Corefile.

::

    hosts [FILE [ZONES...]] {
        [INLINE LINES]
        ttl SECONDS            1 to 65535, default 3600
        no_reverse             make no PTR records
        reload DURATION        how often to look whether FILE changed; default 5s, 0 = never
        fallthrough [ZONES...]
        fallthrough_unsupported
    }

FILE is `/etc/hosts` by default, relative to `root`; ZONES are those of the block. A line is `IP NAME [ALIASES...]`, `#`
begins a comment; lines that are not so are passed over, as are names outside ZONES. Duplicates add addresses, the
file's before inline ones. `*.NAME` stands for one label in front of NAME. FILE is read again when its size or time of
change differ; one that went away keeps being served. It has at most 64 MiB; a larger one is not read, with a warning.

A name of the table is answered with AA, without RA and without an SOA; with no records if it has none of the type. A
name in ZONES that is not in it is SERVFAIL without `fallthrough`, and else asked of the next plugin if it is in the
zones of `fallthrough` (all by default). With `fallthrough_unsupported` so is every type but A, AAAA and PTR. An address
without a name is always asked of the next plugin.

Before `fallthrough` every unknown line is an inline line, after it an error. Errors: "unable to access hosts file 'X':
..." (one that does not exist is a warning), "ttl needs a time in second", "ttl needs a number of second", "ttl provided
is invalid", "reload needs a duration (zero seconds to disable)", "invalid duration for reload 'X'", "invalid negative
duration for reload 'X'", "unknown property 'X'", "fallthrough_unsupported requires fallthrough".

Metrics: `coredns_hosts_entries{hostsfile}`, `coredns_hosts_reload_timestamp_seconds`.

Example::

    example.org:1053 {
        hosts /etc/kdns/hosts example.org {
            192.0.2.1 www.example.org web.example.org
            2001:db8::1 *.pages.example.org
            ttl 60
            fallthrough
        }
        whoami
    }
"""

import logging
import os
import stat
from dataclasses import dataclass

from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.plugins.hosts.handler import Hosts
from kdns.plugins.hosts.source import Source
from kdns.plugins.hosts.table import Table, parse

log = logging.getLogger("kdns.hosts")

DEFAULT_FILE = "/etc/hosts"


@dataclass(slots=True)
class Options:
    """The block of the directive. `reload` is in seconds, 0 for never."""

    inline: list[str]
    ttl: int = 3600
    reverse: bool = True
    reload: float = 5.0
    fallthrough: Zones | None = None
    unsupported: bool = False


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    path = _accessible(line, site) if line.more else DEFAULT_FILE
    zones = Zones(line.zones(args.zones))
    options = Options([])
    for option in line.block():
        _read(option, options)
    if options.unsupported and options.fallthrough is None:
        raise line.error("fallthrough_unsupported requires fallthrough")

    def read(text: str) -> Table:
        return parse(text.splitlines(), zones, options.reverse)

    source = Source(path, read, read("\n".join(options.inline)), site.process.registry, site.wiring.forget)
    site.chain(
        "hosts",
        lambda next_: Hosts(next_, source, zones, options.ttl, options.fallthrough, options.unsupported),
    )

    async def start() -> None:
        await source.read()
        if options.reload:
            site.wiring.spawn(source.follow(options.reload))

    site.hooks.startup.append(start)


def _accessible(line: Line, site: Site) -> str:
    path = site.path(line.text())
    try:
        if stat.S_ISDIR(os.stat(path).st_mode):
            log.warning('Hosts file "%s" is a directory', path)
    except FileNotFoundError:
        log.warning("File does not exist: %s", path)
    except (OSError, ValueError) as error:
        raise line.error(f"unable to access hosts file '{path}': {error}") from error
    return path


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "fallthrough":
            options.fallthrough = Zones(option.zones((".",)))
        case "fallthrough_unsupported":
            option.end()
            options.unsupported = True
        case "no_reverse":
            options.reverse = False
        case "ttl":
            options.ttl = _ttl(option)
        case "reload":
            options.reload = _reload(option)
        case word if not options.fallthrough:
            options.inline.append(" ".join((word, *option.rest())))
        case _:
            raise option.unknown_property()


def _ttl(option: Line) -> int:
    if not option.more:
        raise option.error("ttl needs a time in second")
    return option.integer(1, 65535, wrong="ttl needs a number of second", outside="ttl provided is invalid")


def _reload(option: Line) -> float:
    if option.more != 1:
        raise option.error("reload needs a duration (zero seconds to disable)")
    negative = "invalid negative duration for reload '{word}'"
    return option.duration(0, wrong="invalid duration for reload '{word}'", outside=negative)
