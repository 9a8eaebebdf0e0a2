"""k8s_external: names for Services by the addresses they are reached at from outside the cluster.

::

    k8s_external [ZONES...] {
        apex LABEL               the label of the zone's own name servers; dns
        ttl SECONDS              0 to 3600; 5
        headless                 endpoints of headless Services count too
        fallthrough [ZONES...]   names that do not exist go to the next plugin
    }

Below a zone `SERVICE.NAMESPACE` has the Service's external IPs, then those of its load balancer; host names of load
balancers become aliases, and are looked up by this server. `_PORT._PROTOCOL.SERVICE.NAMESPACE` has SRV records, as has
the Service's name, for all ports. With `headless`, Services without external addresses have their ready endpoints, each
of which is `ENDPOINT.SERVICE.NAMESPACE`. The name server is `ns1.LABEL.ZONE`. A reverse zone has PTR records, which
point into the first zone that is none. ZONES are those of the block by default.

Needs the plugin `kubernetes` in the same block, whose options say which namespaces there are. A second occurrence
replaces the zones of the first and adds to its options.

Unlike CoreDNS: a label in front of a Service with external addresses makes a name that does not exist; the plugin's TTL
is that of all its own records; until everything was loaded once, names that are not there get SERVFAIL; the serial
moves with every Service that comes or goes.

Errors: "ttl must be in range [0, 3600]: N", "unknown property 'X'"; at start "kubernetes plugin not loaded". Metrics:
none.

Example::

    cluster.local:1053 example.org:1053 {
        k8s_external example.org {
            headless
            ttl 30
        }
        kubernetes cluster.local {
            manifests deploy/demo/cluster
        }
    }
"""

from dataclasses import dataclass

from kdns.chain.handler import Handler
from kdns.chain.loading import after_load
from kdns.chain.roles import ExternalServices
from kdns.chain.site import Site
from kdns.chain.zones import Zones
from kdns.corefile import Arguments, Line
from kdns.plugins.k8s_external.handler import K8sExternal
from kdns.plugins.k8s_external.zone import Zone
from kdns.wire import name
from kdns.wire.errors import WireError

MAX_TTL = 3600


@dataclass(slots=True)
class Options:
    """What all occurrences say; `apex` is a name in wire form, with its root."""

    zones: Zones
    apex: bytes = b"\3dns\0"
    ttl: int = 5
    headless: bool = False
    fallthrough: Zones | None = None


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    options = Options(Zones(args.zones))
    for line in args:
        options.zones = Zones(line.zones(args.zones))
        for option in line.block():
            _read(option, options)

    def link(next_: Handler) -> Handler:
        sources = site.find(ExternalServices)  # type: ignore[type-abstract]
        if not sources:
            return next_
        try:
            zones = [Zone(wire, options.apex, options.ttl, sources[0]) for wire in options.zones]
        except WireError as error:
            raise line.error(str(error)) from error
        handler = K8sExternal(
            next_,
            sources[0],
            zones,
            lookup=site.lookup,
            ttl=options.ttl,
            headless=options.headless,
            fallthrough=options.fallthrough,
        )
        site.offer(handler.transfers())
        return after_load(handler, options.zones, site)

    async def start() -> None:
        if not site.find(ExternalServices):  # type: ignore[type-abstract]
            raise line.error("kubernetes plugin not loaded")

    site.chain("k8s_external", link)
    site.hooks.startup.append(start)


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "apex":
            options.apex = _label(option)
        case "ttl":
            options.ttl = option.integer(0, MAX_TTL, outside=f"ttl must be in range [0, {MAX_TTL}]: {{word}}")
            option.rest()
        case "headless":
            option.end()
            options.headless = True
        case "fallthrough":
            options.fallthrough = Zones(option.zones((".",)))
        case _:
            raise option.unknown_property()


def _label(option: Line) -> bytes:
    text = option.text()
    option.rest()
    try:
        return name.from_text(text).lower()
    except WireError as error:
        raise option.error(str(error)) from error
