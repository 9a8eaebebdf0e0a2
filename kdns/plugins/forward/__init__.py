"""forward: ask other servers, over UDP, TCP or TLS, and keep away from those that do not answer.

::

    forward FROM TO... {
        except ZONES...                       names that are not forwarded
        force_tcp                             ask over TCP whatever the client uses
        prefer_udp                            ask over UDP; a reply that is cut short is asked for again over TCP
        expire DURATION                       close sockets unused for so long; default 10s
        max_age DURATION                      close sockets older than this, not less than expire; 0 (default): never
        max_idle_conns N                      unused connections kept of each upstream; 0 (default): any number
        read_timeout DURATION                 wait for a reply; default 2s, at most 60s
        max_fails N                           failed checks that an upstream survives; default 2, 0: no checks
        max_connect_attempts N                attempts for a query; default 2 for each upstream, 0: as time allows
        doh_method GET|POST                   accepted, without effect
        tls [CERT KEY] [CA]                   PEM files for `tls://`, relative to `root`; default: the system's CAs
        tls_servername NAME                   name on the certificates of all upstreams
        policy random|round_robin|sequential  who is asked first; default random
        health_check DURATION [no_rec] [domain FQDN]
                                              between checks; default 0.5s, with RD, of the root zone
        max_concurrent N                      queries forwarded at a time, others are refused; 0 (default): any number
        next RCODE...                         replies after which the next `forward` is asked
        next_on_nodata                        so also after NOERROR without an answer
        failover RCODE...                     replies after which another upstream is asked
        failfast_all_unhealthy_upstreams      SERVFAIL at once when no upstream is healthy
        source_address IP                     local address to ask from
        resolver IP[:PORT]...                 who is asked for the addresses of upstreams that are names
    }

FROM is a zone, or a prefix of which only the first reverse zone counts. TO, at most 15, is an address with or without
port, `dns://` or `tls://` in front of one (`tls://IP%NAME[:PORT]` with the name on its certificate), a file like
`/etc/resolv.conf` of which all name servers count, read at start and reload only, or a host name, looked up then too.

May stand several times in a block: a query that one does not take goes to the next. Two identical questions that are
under way at the same time are asked once. What is no reply, by its id, port or question, is ignored while the wait goes
on; a datagram that cannot be read is passed on as one cut short. An upstream that does not answer is asked again, or
another one is, within 5 seconds and twice as often as there are upstreams; then the client gets SERVFAIL and `errors`
the reason. A loopback address in a file is warned about: in a pod that is kdns itself.

Errors: "unable to normalize 'X'", "more than 15 TOs configured: N", "no valid upstream addresses found", "invalid
address: X", "not an IP address, file, or valid domain: X", "failed to resolve X: ...", "'P' is not supported as a
destination protocol in forward: X", "both forward ('A') and proxy level ('B') TLS servernames are set for upstream
proxy 'X'", "max_age (X) must not be less than expire (Y)", "unknown policy 'X'", "X is not a valid rcode", "NoError
cannot be used in failover", "health_check: unknown option X", "resolver must be an IP address or IP:port: X", "invalid
IP address: X", "could not load TLS cert: ...", "error reading F: ...", "unknown property 'X'" and those of numbers.

Metrics: `coredns_forward_healthcheck_broken_total`, `coredns_forward_max_concurrent_rejects_total`, and with the labels
`proxy_name` ("forward") and `to` (`IP:PORT`) `coredns_proxy_request_duration_seconds{rcode}`,
`coredns_proxy_healthcheck_failures_total`, `coredns_proxy_conn_cache_hits_total{proto}`,
`coredns_proxy_conn_cache_misses_total{proto}`.

Example::

    .:1053 {
        errors
        forward example.org 192.0.2.1 192.0.2.2:5353 {
            policy sequential
            max_concurrent 1000
            health_check 5s domain example.org
        }
        forward . tls://192.0.2.53%dns.example {
            except cluster.local
            failover SERVFAIL REFUSED
        }
    }
"""

import asyncio
import logging

from kdns.chain.handler import Handler
from kdns.chain.roles import Tap
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line, normalize_zone
from kdns.plugins.forward import options
from kdns.plugins.forward.group import Group
from kdns.plugins.forward.handler import Forward, Scope
from kdns.plugins.forward.metrics import Metrics
from kdns.plugins.forward.tapped import TappedForward
from kdns.plugins.forward.upstreams import Upstreams

log = logging.getLogger("kdns.forward")


def setup(args: Arguments, site: Site) -> None:
    """Read the directives. Raises `ConfigError`."""
    site.listen.any_class = True
    metrics = Metrics(site.process.registry)
    lines = list(args)
    for line in lines:
        _set_up(line, site, metrics, passes=line is not lines[-1])


def _set_up(line: Line, site: Site, metrics: Metrics, *, passes: bool) -> None:
    clock = site.process.clock
    zone = _zone(line)
    upstreams = Upstreams(line)
    chosen = options.read(line, site.path)
    group = Group(chosen, metrics, clock, site.wiring, passes=passes)
    if not upstreams.has_names:
        group.use(upstreams.proxies(chosen, metrics))
    scope = Scope(zone, chosen.excepted)

    def link(next_: Handler) -> Forward:
        taps = site.find(Tap)  # type: ignore[type-abstract]
        common = next_, scope, chosen, group, clock, metrics.rejected
        return TappedForward(*common, taps, site.process.time) if taps else Forward(*common)

    site.chain("forward", link)

    async def start() -> None:
        if upstreams.has_names:
            await upstreams.look_up(chosen.resolvers)
            group.use(upstreams.proxies(chosen, metrics))
        site.wiring.spawn(_hold(group))

    async def stop() -> None:
        group.stop()

    site.hooks.startup.append(start)
    site.hooks.shutdown.append(stop)


def _zone(line: Line) -> str:
    word = line.text()
    zones = normalize_zone(word)
    if not zones:
        raise line.error(f"unable to normalize '{word}'")
    if len(zones) > 1:
        text = "Unsupported CIDR notation: '%s' expands to multiple zones. Using only '%s'."
        log.warning(text, word, zones[0])
    return zones[0]


async def _hold(group: Group) -> None:
    """Keep the sockets open until the instance is over: queries are answered for as long as it drains."""
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        group.close()
