"""auto: serve all zones that there are master files of in a directory.

::

    auto [ZONES...] {
        directory DIR [REGEXP TEMPLATE]   where the files are, and how their names tell their zones
        reload DURATION                   how often to look at the directory; 1m, 0 = never
    }

DIR, relative to `root`, is gone through with all below it, links to other directories left out but for DIR itself, and
so are names that begin with two dots. A file is that of a zone if REGEXP (RE2 syntax, at most 10000 octets, with a
group; `db\\.(.*)` by default) is found in its name, and the zone is TEMPLATE (`{1}` by default) with `{1}`, `{2}` or
`{name}` replaced by what the groups matched: `db.example.org` is example.org's. Of two files for one zone the first
counts, with a warning. At most 10000 zones are served. A second directive in a block takes the first one's place,
option by option; `upstream` is accepted and ignored.

Questions for names in ZONES, by default those of the block, are answered from the zone among these files that holds
the name, as `file` answers; an alias that ends below a zone cut has no AA. A name in no zone goes to the next plugin,
and is REFUSED if there is none. Names never fall through. `transfer` is given all zones, and told of each that is new
or changed; `prometheus` counts queries by them.

The directory is gone through at start, before anything is served, and every DURATION: zones of new files are added,
those of files that are gone are taken away, and files that changed replace their zone if its serial is another one. A
file that cannot be read is a warning, or leaves its zone as it was.

Unlike CoreDNS: secondaries are notified of zones that changed only, not of all of them at every look; a directory that
cannot be read takes no zones away, unless it does not exist.

Errors: "Unable to access root path 'DIR': E", "regexp too large", "Need at least one sub expression", "reload duration
value is expected", "invalid duration", "unknown property 'X'", and Go's texts for a bad REGEXP or DURATION. Metrics:
none.

Example::

    example.org:1053 {
        auto {
            directory /etc/kdns/zones (.*)\\.zone {1}
            reload 30s
        }
        whoami
    }
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass

from kdns.chain.basis import Key
from kdns.chain.handler import Handler
from kdns.chain.notices import only_questions
from kdns.chain.roles import Announcer, ZoneCounter
from kdns.chain.site import Site
from kdns.chain.zone.authority import Authority
from kdns.chain.zone.master import MasterFile
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line, Regexp
from kdns.plugins.auto.directory import Directory
from kdns.plugins.auto.handler import Auto
from kdns.plugins.auto.scan import Naming

log = logging.getLogger("kdns.auto")


_DB = Naming(Regexp(r"db\.(.*)"), "${1}")


@dataclass(slots=True)
class Options:
    """Of all occurrences together. `reload` is in seconds, 0 for never."""

    directory: str = ""
    naming: Naming = _DB
    reload: float = 60.0


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    options, zones = Options(), args.zones
    for line in args:
        zones = line.zones(args.zones)
        for option in line.block():
            _read(option, options, site)
    key: Key = ("auto", object())
    handlers: list[Auto] = []

    def settled(files: Mapping[bytes, MasterFile]) -> None:
        for handler in handlers:
            handler.hold(files)
        site.wiring.forget([key])
        _count(site, files)

    def loaded(origin: bytes) -> None:
        for announcer in site.find(Announcer):  # type: ignore[type-abstract]
            announcer.announce(origin)

    def changed(origin: bytes, file: MasterFile) -> None:
        site.wiring.forget([file.key])
        loaded(origin)

    def link(next_: Handler) -> Handler:
        handler = Auto(next_, Zones(zones), Authority(next_, None, site.lookup, partial=0), key)
        handlers.append(handler)
        site.offer(handler)
        return only_questions(handler, next_, site)

    directory = Directory(options.directory, options.naming, settled, changed, loaded)

    async def start() -> None:
        _count(site, {})
        await directory.look()
        if options.reload:
            site.wiring.spawn(directory.follow(options.reload))

    site.chain("auto", link)
    site.hooks.startup.append(start)


def _count(site: Site, files: Mapping[bytes, MasterFile]) -> None:
    for counter in site.find(ZoneCounter):  # type: ignore[type-abstract]
        counter.count_zones(file.text for file in files.values())


def _read(option: Line, options: Options, site: Site) -> None:
    match option.name:
        case "directory":
            _directory(option, options, site)
        case "reload":
            if not option.more:
                raise option.error("reload duration value is expected")
            seconds = option.duration()
            if seconds < 0:
                raise option.error("invalid duration")
            option.rest()
            options.reload = seconds
        case "upstream":
            option.rest()
        case _:
            raise option.unknown_property()


def _directory(option: Line, options: Options, site: Site) -> None:
    options.directory = path = site.path(option.text())
    try:
        os.stat(path)
    except FileNotFoundError:
        log.warning("Directory does not exist: %s", path)
    except (OSError, ValueError) as error:
        raise option.error(f"Unable to access root path '{path}': {error}") from error
    if option.more:
        if len((option.peek() or "").encode()) > Regexp.MAX_LENGTH:
            option.text()
            raise option.error("regexp too large")
        regexp = option.regexp()
        if not regexp.names:
            raise option.error("Need at least one sub expression")
        options.naming = Naming(regexp, option.text().replace("{", "${"))
    option.end()
