"""file: serve zones from master files (RFC 1035 section 5).

::

    file DBFILE [ZONES...] {
        reload DURATION          how often to look whether DBFILE changed; 1m, 0 = never
        reload_by_mtime          a file that changed is taken in whatever its serial
        fallthrough [ZONES...]   names that do not exist, or have no data of their own, go to the next plugin
    }

May be repeated; a zone named twice is that of the last file, and `fallthrough` holds for all files of the block. DBFILE
is relative to `root`; ZONES are those of the block by default, and names in the file that do not end in a dot end in
the zone. `$ORIGIN`, `$TTL`, `$INCLUDE` (relative to the file it stands in, 7 deep) and `$GENERATE` (65535 steps) are
understood. A file with all it includes has at most 64 MiB. Records outside the zone are left out, with a warning.
`upstream` is accepted and ignored.

Answers have AA and the zone's name servers as authority; addresses in the zone that MX, SRV, SVCB and HTTPS records
point at are added. Wildcards are those of RFC 4592. CNAME and DNAME are followed, 8 further in the zone and then by the
whole server. Below a zone cut there is a referral. ANY has no data. Signed zones are served as they are, with NSEC. A
zone that could not be read yet is SERVFAIL, as are transfers REFUSED without `transfer`, which is given the zones. A
name in no zone goes to the next plugin, and is REFUSED if there is none.

DBFILE is read at start and again when it, or a file it includes, changed; then the zone is replaced if its serial is
another one. A file that cannot be read leaves the zone as it was. Every new zone is announced by `transfer`.

Unlike CoreDNS: serial 0 is a serial like any other; a file that cannot be opened holds up no other; `$GENERATE` obeys
`$TTL`; an alias whose target has no data always comes with the SOA (RFC 2308 section 2.2).

Errors: "reload duration value is expected", "unknown property 'X'"; at start `failed to parse file "F" for origin Z
with error E`, `file "F" has no SOA record for origin Z`, and with `reload 0` "open F: ...", which is a warning
otherwise. Metrics: none.

Example::

    example.org:1053 {
        file /etc/kdns/example.org.zone {
            reload 30s
            fallthrough
        }
        whoami
    }
"""

from dataclasses import dataclass
from functools import partial

from kdns.chain.handler import Handler
from kdns.chain.notices import only_questions
from kdns.chain.roles import Announcer
from kdns.chain.site import Site
from kdns.chain.zone.authority import Authority
from kdns.chain.zone.master import LoadError, MasterFile
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.plugins.file.source import Source


@dataclass(slots=True)
class Options:
    """The block of one occurrence. `reload` is in seconds, 0 for never."""

    reload: float = 60.0
    by_mtime: bool = False
    fallthrough: Zones | None = None


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    sources: dict[bytes, tuple[Line, Source]] = {}
    through: Zones | None = None
    for line in args:
        path = site.path(line.text())
        zones = Zones(line.zones(args.zones))
        options = Options()
        for option in line.block():
            _read(option, options)
        through = options.fallthrough or through
        for origin in zones:
            file = MasterFile(path, origin, by_mtime=options.by_mtime)
            sources[origin] = (line, Source(file, options.reload, partial(_changed, site, origin, file)))

    def link(next_: Handler) -> Handler:
        handler = Authority(next_, through, site.lookup)
        handler.hold({origin: source.file for origin, (_, source) in sources.items()})
        site.offer(handler)
        return only_questions(handler, next_, site)

    async def start() -> None:
        for line, source in sources.values():
            try:
                await source.start()
            except LoadError as error:
                raise line.error(str(error)) from error
        for _, source in sources.values():
            site.wiring.spawn(source.follow())

    site.chain("file", link)
    site.hooks.startup.append(start)


def _changed(site: Site, origin: bytes, file: MasterFile) -> None:
    site.wiring.forget([file.key])
    for announcer in site.find(Announcer):  # type: ignore[type-abstract]
        announcer.announce(origin)


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "reload":
            if not option.more:
                raise option.error("reload duration value is expected")
            options.reload = option.duration(0)
            option.rest()
        case "reload_by_mtime":
            option.end()
            options.by_mtime = True
        case "fallthrough":
            options.fallthrough = Zones(option.zones((".",)))
        case "upstream":
            option.rest()
        case _:
            raise option.unknown_property()
