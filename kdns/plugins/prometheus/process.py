"""Figures of the process, as the Go client names them (`metrics.md`, process metrics)."""

import resource
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

NETSTAT = Path("/proc/self/net/netstat")

UNLIMITED = 2**64 - 1
"""What the Go client shows for a limit that there is not."""


class Figures(Collector):
    """Figures that were read already: reading them takes system calls, which are no work for the event loop."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """What was read."""
        return self._metrics


def read() -> Figures:
    """Read the figures; those that this system does not have are left out."""
    return Figures([*ProcessCollector(registry=None).collect(), _memory_limit(), *_network()])


def _memory_limit() -> Metric:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    value = UNLIMITED if limit == resource.RLIM_INFINITY else limit
    text = "Maximum amount of virtual memory available in bytes."
    return GaugeMetricFamily("process_virtual_memory_max_bytes", text, value=value)


def _network() -> list[Metric]:
    """Octets that the network namespace has received and sent (proc(5), IpExt)."""
    try:
        lines = [line.split() for line in NETSTAT.read_text().splitlines() if line.startswith("IpExt:")]
    except OSError:
        return []
    if len(lines) != 2:
        return []
    octets = dict(zip(*lines, strict=False))
    text = "Number of bytes {} by the process over the network."
    return [
        CounterMetricFamily(f"process_network_{way}_bytes_total", text.format(done), value=float(octets[field]))
        for way, done, field in (("receive", "received", "InOctets"), ("transmit", "sent", "OutOctets"))
        if octets.get(field, "").isdigit()
    ]
