"""The metrics of the `kubernetes` plugin (`kubernetes.md` section 6.5)."""

from kdns.cluster.index import Index
from kdns.cluster.values import EndpointSlice
from kdns.metrics import DEFAULT_BUCKETS, Registry

PROGRAMMING_BUCKETS = tuple(0.001 * 2**k for k in range(20))


class Programming:
    """How long it took from a change of endpoints to its being answered, where the slice says when it happened."""

    def __init__(self, registry: Registry, index: Index) -> None:
        self._index = index
        self._durations = registry.histogram(
            "coredns_kubernetes_dns_programming_duration_seconds",
            "Histogram of the time (in seconds) it took to program a dns instance.",
            PROGRAMMING_BUCKETS,
            "service_kind",
        )

    def observe(self, piece: EndpointSlice, now: float) -> None:
        """A slice that a watch changed at `now`, in seconds of Unix time."""
        if piece.trigger_time is None:
            return
        service = self._index.service([], piece.namespace, piece.service)
        if service is None:
            return
        kind = "headless_with_selector" if service.headless else "cluster_ip"
        self._durations.child(kind).observe(max(0.0, now - piece.trigger_time))


class Requests:
    """Counts requests to the API server (`cluster.client.Observer`)."""

    def __init__(self, registry: Registry) -> None:
        prefix = "coredns_kubernetes_rest_client"
        self._durations = registry.histogram(
            f"{prefix}_request_duration_seconds",
            "Request latency in seconds. Broken down by verb and host.",
            DEFAULT_BUCKETS,
            "verb",
            "host",
        )
        self._waits = registry.histogram(
            f"{prefix}_rate_limiter_duration_seconds",
            "Client side rate limiter latency in seconds. Broken down by verb and host.",
            DEFAULT_BUCKETS,
            "verb",
            "host",
        )
        self._requests = registry.counter(
            f"{prefix}_requests_total",
            "Number of HTTP requests, partitioned by status code, method, and host.",
            "code",
            "method",
            "host",
        )

    def requested(self, code: str, method: str, host: str) -> None:
        """A response, or `<error>` for none."""
        self._requests.child(code, method, host).add()

    def took(self, verb: str, host: str, seconds: float) -> None:
        """A list, from its first byte sent to its last byte read."""
        self._durations.child(verb, host).observe(seconds)

    def waited(self, verb: str, host: str, seconds: float) -> None:
        """What the rate limit cost a list."""
        self._waits.child(verb, host).observe(seconds)
