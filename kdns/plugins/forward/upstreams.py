"""From TO and the options to upstreams that can be asked."""

import asyncio
import logging
from collections.abc import Sequence
from ipaddress import ip_address

from kdns.corefile import ConfigError, Line
from kdns.net.failures import host_port
from kdns.net.limits import Limits, Observer
from kdns.net.upstream import Upstream
from kdns.plugins.forward import lookup, targets, tls
from kdns.plugins.forward.metrics import Metrics
from kdns.plugins.forward.options import Options
from kdns.plugins.forward.proxy import Check, Proxy
from kdns.plugins.forward.targets import Target

MAX_WORDS = 15
MAX_PORTS = 256
"""UDP sockets of one directive; every upstream has its share, at least one and at most 16."""

_log = logging.getLogger("kdns.forward")


class Upstreams:
    """The words TO of one directive, with their places for errors that show up later.

    Raises `ConfigError`. Blocks to read files.
    """

    def __init__(self, line: Line) -> None:
        if not line.more:
            raise line.wrong_count()
        if line.more > MAX_WORDS:
            raise line.error(f"more than {MAX_WORDS} TOs configured: {line.more}")
        self._found: list[tuple[Target, ConfigError]] = []
        for word in line.words():
            place = line.error("")
            try:
                found = targets.read(word)
            except ValueError as error:
                raise line.error(str(error)) from error
            self._found += [(target, place) for target in found]
            _warn_of_loops(found)
        if not self._found:
            raise line.error("no valid upstream addresses found")

    @property
    def has_names(self) -> bool:
        """Whether there are host names to be looked up."""
        return any(target.is_name for target, _ in self._found)

    async def look_up(self, resolvers: Sequence[tuple[str, int]]) -> None:
        """Put addresses in the place of host names, all looked up at the same time. Raises `ConfigError`."""
        hosts = await asyncio.gather(*[_hosts(target, place, resolvers) for target, place in self._found])
        self._found = [
            (target._replace(host=host), place)
            for (target, place), found in zip(self._found, hosts, strict=True)
            for host in found
        ]

    def proxies(self, options: Options, metrics: Metrics) -> tuple[Proxy, ...]:
        """The upstreams; of those with the same address and port the first. Raises `ConfigError`."""
        chosen: dict[tuple[str, int], tuple[Target, ConfigError]] = {}
        for target, place in self._found:
            chosen.setdefault((target.host, target.port), (target, place))
        if options.tls is None and any(target.tls for target, _ in chosen.values()):
            options.tls = tls.context()
        limits = Limits(
            ports=max(1, min(16, MAX_PORTS // len(chosen))),
            expire=options.expire,
            max_age=options.max_age,
            max_idle_conns=options.max_idle_conns,
        )
        check = Check(
            options.check_name, options.check_recursion, options.force_tcp, options.check_interval, options.max_fails
        )
        proxies = []
        for target, place in chosen.values():
            counted = metrics.of(host_port(target.host, target.port))
            try:
                upstream = _upstream(target, options, limits, counted)
            except ValueError as error:
                raise _at(place, str(error)) from error
            proxies.append(Proxy(upstream, options.read_timeout, check, counted))
        return tuple(proxies)


async def _hosts(target: Target, place: ConfigError, resolvers: Sequence[tuple[str, int]]) -> Sequence[str]:
    if not target.is_name:
        return (target.host,)
    try:
        return await lookup.addresses(target.host, resolvers)
    except lookup.LookupFailed as error:
        raise _at(place, f'failed to resolve "{target.host}": {error}') from error


def _upstream(target: Target, options: Options, limits: Limits, observer: Observer) -> Upstream:
    if target.server_name and options.tls_servername:
        names = f"forward ('{options.tls_servername}') and proxy level ('{target.server_name}')"
        raise ValueError(f"both {names} TLS servernames are set for upstream proxy '{target}'")
    return Upstream(
        target.host,
        target.port,
        tls=options.tls if target.tls else None,
        server_name=target.server_name or options.tls_servername or None,
        source_address=options.source_address,
        limits=limits,
        observer=observer,
    )


def _warn_of_loops(found: Sequence[Target]) -> None:
    """What the node's own resolver listens on is, seen from a pod, kdns itself (coredns#2087)."""
    for target in found:
        if target.file and ip_address(target.host).is_loopback:
            advice = "in a pod that is kdns itself, see https://coredns.io/plugins/loop#troubleshooting"
            _log.warning("%s names the loopback address %s: %s", target.file, target.host, advice)


def _at(place: ConfigError, text: str) -> ConfigError:
    return ConfigError(place.file, place.line, place.column, text, word=place.word, plugin=place.plugin)
