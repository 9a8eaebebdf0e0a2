"""What forwarding counts (`metrics.md`); all instances of the plugin feed the same families."""

from kdns.chain.counting import rcode_label
from kdns.metrics import TIME_BUCKETS, Counter, Histogram, Registry
from kdns.wire import codes

NAME = "forward"
"""The label `proxy_name`."""


class Metrics:
    """The families of one process."""

    __slots__ = ("_dialled", "_durations", "_failed", "_reused", "broken", "rejected")

    def __init__(self, registry: Registry) -> None:
        self.broken = registry.counter(
            "coredns_forward_healthcheck_broken_total",
            "Counter of the number of complete failures of the healthchecks.",
        ).child()
        self.rejected = registry.counter(
            "coredns_forward_max_concurrent_rejects_total",
            "Counter of the number of queries rejected because the concurrent queries were at maximum.",
        ).child()
        where = ("proxy_name", "to")
        self._durations = registry.histogram(
            "coredns_proxy_request_duration_seconds",
            "Histogram of the time each request took.",
            TIME_BUCKETS,
            *where,
            "rcode",
        )
        self._failed = registry.counter(
            "coredns_proxy_healthcheck_failures_total",
            "Counter of the number of failed healthchecks.",
            *where,
        )
        self._reused = registry.counter(
            "coredns_proxy_conn_cache_hits_total",
            "Counter of connection cache hits per upstream and protocol.",
            *where,
            "proto",
        )
        self._dialled = registry.counter(
            "coredns_proxy_conn_cache_misses_total",
            "Counter of connection cache misses per upstream and protocol.",
            *where,
            "proto",
        )

    def of(self, to: str) -> "ProxyMetrics":
        """The series of one upstream, `IP:PORT`."""
        return ProxyMetrics(self, to)

    def duration(self, to: str, rcode: int) -> Histogram:
        """Series of replies with a response code; one without a name is a number."""
        return self._durations.child(NAME, to, rcode_label(rcode) if rcode in codes.RCODES else str(rcode))

    def failed(self, to: str) -> Counter:
        """Series of failed health checks."""
        return self._failed.child(NAME, to)

    def reused(self, to: str, proto: str) -> Counter:
        """Series of exchanges over a socket that was there."""
        return self._reused.child(NAME, to, proto)

    def dialled(self, to: str, proto: str) -> Counter:
        """Series of sockets opened for an exchange."""
        return self._dialled.child(NAME, to, proto)


class ProxyMetrics:
    """What one upstream counts; `kdns.net`'s observer of its sockets."""

    __slots__ = ("_durations", "_metrics", "_to")

    def __init__(self, metrics: Metrics, to: str) -> None:
        self._metrics = metrics
        self._to = to
        self._durations: dict[int, Histogram] = {}

    def replied(self, rcode: int, *seconds: float) -> None:
        """Exchanges succeeded, all with the same rcode."""
        histogram = self._durations.get(rcode)
        if histogram is None:
            histogram = self._durations[rcode] = self._metrics.duration(self._to, rcode)
        histogram.observe_each(seconds)

    def check_failed(self) -> None:
        """A health check failed."""
        self._metrics.failed(self._to).add()

    def reused(self, proto: str, times: int) -> None:
        """See `kdns.net.limits.Observer`."""
        self._metrics.reused(self._to, proto).add(times)

    def dialled(self, proto: str) -> None:
        """See `kdns.net.limits.Observer`."""
        self._metrics.dialled(self._to, proto).add()

    def ignored(self, proto: str, cause: str) -> None:
        """Forged and late replies have no metric in CoreDNS."""
