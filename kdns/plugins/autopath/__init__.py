"""autopath: walk a client's search path here, so that it need not ask once for every entry.

::

    autopath [ZONES...] RESOLV-CONF|@PLUGIN

A question in ZONES (those of the block by default) that is below the first entry of the search path is what a resolver
asks first for a short name. The rest of the chain is asked for that name in every entry, and at last for the name
alone, until a reply is not NXDOMAIN; that one is the answer, behind a CNAME that leads to where it was found. If there
is none, the client gets the first reply and searches on itself.

The search path is that of a file in the format of resolv.conf(5), read at start, or what PLUGIN says of each client
with the entries of this server's own `/etc/resolv.conf` behind: `@kubernetes` knows the pods, with `pods verified`.

Unlike CoreDNS, the first entry itself is a name like any other.

Errors: "no resolv-conf specified"; at start "failed to parse ...", "X does not implement the AutoPather interface". A
PLUGIN that is not in the block is passed over. Metrics: `coredns_autopath_success_total{server}`.

Example::

    cluster.local:1053 {
        autopath @kubernetes
        kubernetes {
            manifests deploy/demo/cluster
            pods verified
        }
    }
"""

import asyncio

from kdns.chain.handler import Handler
from kdns.chain.loading import after_load
from kdns.chain.query import Query
from kdns.chain.roles import AutoPather
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, normalize_zone
from kdns.plugins.autopath import resolvconf
from kdns.plugins.autopath.handler import Autopath
from kdns.wire import name

OWN = "/etc/resolv.conf"
"""Where this server's own search list stands."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive; the file is read at start. Raises `ConfigError`."""
    plugin, file = "", ""
    for line in args:
        words = line.rest()
        if not words:
            raise line.error("no resolv-conf specified")
        zones = tuple(zone for word in words[:-1] for zone in normalize_zone(word)) if len(words) > 1 else args.zones
        if words[-1].startswith("@"):
            plugin = words[-1][1:]
        else:
            file = words[-1]
    search = Search()
    success = site.process.registry.counter(
        "coredns_autopath_success_total", "Counter of requests that did autopath.", "server"
    )

    def link(next_: Handler) -> Handler:
        search.pathers = _pathers(site, plugin) if plugin else None
        walked = Zones(zones)
        walk = Autopath(next_, walked, search.path, success)
        return after_load(walk, walked, site) if plugin else walk

    async def start() -> None:
        if plugin in [word for word, _ in site.links] and not _pathers(site, plugin):
            raise line.error(f"{plugin} does not implement the AutoPather interface")
        try:
            search.entries = await asyncio.to_thread(_read, file, strict=not plugin)
        except ValueError as error:
            raise line.error(f'failed to parse "{file}": {error}') from error

    site.chain("autopath", link)
    site.hooks.startup.append(start)


class Search:
    """Where names are searched for; `pathers` are what was named by `@PLUGIN`, if anything was."""

    def __init__(self) -> None:
        self.entries: tuple[bytes, ...] = ()
        self.pathers: list[AutoPather] | None = None

    def path(self, query: Query) -> tuple[bytes, ...]:
        """The whole search path of a query's client; empty if it is not known."""
        if self.pathers is None:
            return self.entries
        for pather in self.pathers:
            if path := pather.search_path(query):
                return path + self.entries
        return ()


def _pathers(site: Site, plugin: str) -> list[AutoPather]:
    return [each for each in site.find(AutoPather) if each.name == plugin]  # type: ignore[type-abstract]


def _read(file: str, *, strict: bool) -> tuple[bytes, ...]:
    """The entries of a file, or of our own unless `strict`, and the empty one. Raises ValueError if `strict`."""
    try:
        return (*resolvconf.read(file if strict else OWN), name.ROOT)
    except OSError as error:
        if strict:
            raise ValueError(f"open {file}: {(error.strerror or str(error)).lower()}") from error
    except ValueError:
        if strict:
            raise
    return (name.ROOT,)
