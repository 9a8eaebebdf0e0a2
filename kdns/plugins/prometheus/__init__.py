"""prometheus: count queries, and export all metrics of the process over HTTP.

::

    prometheus [ADDRESS] {
        runtime_metrics
        tls WEB_CONFIG_FILE
    }

All metrics are exported under the path `/metrics` of ADDRESS (`HOST:PORT`, default `localhost:9153`), whichever block
they belong to; a query is counted if its block has this word. Blocks with the same address share an endpoint. One that
cannot be opened is an error in the log, and nothing else: DNS runs on. Counters survive a reload.

`tls` serves HTTPS with certificate and key from the part `tls_server_config` of a web configuration file (cert_file,
key_file, client_ca_file, client_auth_type, min_version); a file with anything else is refused, and the endpoint is not
opened. `runtime_metrics` asks for more metrics of Go's runtime and does nothing here.

Errors: "address X: missing port in address", "tls block already specified", "unknown option: X".

Metrics, by server, zone and view: `coredns_dns_requests_total{proto,family,type}`,
`coredns_dns_request_size_bytes{proto}`, `coredns_dns_request_duration_seconds`, `coredns_dns_do_requests_total`,
`coredns_dns_response_size_bytes{proto}`, `coredns_dns_responses_total{rcode,plugin}`. `zone` is the longest zone of the
block, or of `auto`, that holds the name. `plugin` is the plugin that follows this one in the chain, empty when none
wrote the answer. Also `coredns_plugin_enabled{server,zone,view,name}`,
`coredns_build_info{version,revision,goversion}`, and the figures of the process (`process_*`).

Example::

    .:1053 {
        prometheus localhost:9153
        whoami
    }
"""

import asyncio
import platform

from kdns.chain.counting import Counting
from kdns.chain.handler import Handler
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.metrics import SLIM_TIME_BUCKETS, Registry
from kdns.plugins.prometheus.exporter import Exporter
from kdns.plugins.prometheus.handler import Prometheus

DEFAULT_HOST, DEFAULT_PORT = "localhost", 9153

FROM_THE_START = {
    "coredns_panics_total": "A metrics that counts the number of panics.",
    "coredns_health_request_failures_total": "The number of times the health check failed.",
    "coredns_forward_healthcheck_broken_total": "Counter of the number of complete failures of the healthchecks.",
    "coredns_forward_max_concurrent_rejects_total": (
        "Counter of the number of queries rejected because the concurrent queries were at maximum."
    ),
    "coredns_reload_failed_total": "Counter of the number of failed reload attempts.",
    "coredns_local_localhost_requests_total": "Counter of localhost.<domain> requests.",
}
"""Counters without labels that are exported with 0 even where their plugin is not configured (`metrics.md`)."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    if line.more > 1:
        raise line.wrong_count()
    host, port = line.address() if line.more else (DEFAULT_HOST, DEFAULT_PORT)
    web_config = _options(line, site)
    registry = site.process.registry
    _present(registry, site.process.version)
    exporter = Exporter(host, port, web_config, registry)
    site.offer(exporter)
    counting = Counting(registry)
    site.chain("prometheus", lambda next_: _handler(next_, counting, site))
    enabled = registry.gauge(
        "coredns_plugin_enabled",
        "A metric that indicates whether a plugin is enabled on per server and zone basis.",
        "server",
        "zone",
        "view",
        "name",
    )

    async def start() -> None:
        if next(each for each in site.find_anywhere(Exporter) if each.place == exporter.place) is exporter:
            await exporter.open()
            site.wiring.spawn(exporter.hold())
            await asyncio.sleep(0)  # a task that is cancelled before it has begun would close nothing
        for server in _servers(site):
            for name, _ in site.links:
                enabled.child(server, site.keys[0].zone, site.view, name).set(1)

    async def stop() -> None:
        enabled.clear()
        await exporter.close()

    site.once.startup.append(start)
    site.once.restart_failed.append(start)
    site.once.restart.append(stop)
    site.once.final_shutdown.append(exporter.close)


def _options(line: Line, site: Site) -> str:
    """The web configuration file, empty without one."""
    web_config = ""
    for option in line.block():
        if option.name == "runtime_metrics":
            option.end()
        elif option.name == "tls":
            if web_config:
                raise option.error("tls block already specified")
            if option.more != 1:
                raise option.wrong_count()
            web_config = option.text()
        else:
            raise option.error(f"unknown option: {option.name}")
    return web_config


def _handler(next_: Handler, counting: Counting, site: Site) -> Prometheus:
    names = [name for name, _ in site.links]
    behind = names[names.index("prometheus") + 1 :]
    next_name, forget = behind[0] if behind else "", site.wiring.forget
    handler = Prometheus(next_, counting, site.zones, site.view, next_name, site.process.clock, forget)
    site.offer(handler)
    return handler


def _servers(site: Site) -> list[str]:
    """The listen addresses of the block's first key, as the label `server` has them."""
    key = site.keys[0]
    hosts = [""] if site.listen.hosts is None else site.listen.hosts
    return [f"{key.transport}://{f'[{host}]' if ':' in host else host}:{key.port}" for host in hosts]


def _present(registry: Registry, version: str) -> None:
    registry.gauge(
        "coredns_build_info",
        "A metric with a constant '1' value labeled by version, revision, and goversion from which CoreDNS was built.",
        "version",
        "revision",
        "goversion",
    ).child(version, "", f"python{platform.python_version()}").set(1)
    for name, text in FROM_THE_START.items():
        registry.counter(name, text)
    text = "Histogram of the time (in seconds) each request took."
    registry.histogram("coredns_health_request_duration_seconds", text, SLIM_TIME_BUCKETS)
    text = "The timestamp of the last reload of hosts file."
    registry.gauge("coredns_hosts_reload_timestamp_seconds", text)
