"""The `coredns_cache_*` metrics (`metrics.md`). A series appears when it is first used."""

from functools import cached_property

from kdns.metrics import Counter, Gauge, Registry
from kdns.plugins.cache.options import DENIAL, SUCCESS


class Families:
    """The families; all caches feed the same."""

    def __init__(self, registry: Registry) -> None:
        where = ("server", "zones", "view")
        typed = ("server", "type", "zones", "view")
        counter = registry.counter
        text = "The number of elements in the cache."
        self.entries = registry.gauge("coredns_cache_entries", text, *typed, summed=True)
        self.hits = counter("coredns_cache_hits_total", "The count of cache hits.", *typed)
        self.requests = counter("coredns_cache_requests_total", "The count of cache requests.", *where)
        self.misses = counter("coredns_cache_misses_total", "The count of cache misses.", *where)
        self.prefetches = counter("coredns_cache_prefetch_total", "The count of background refreshes.", *where)
        self.drops = counter("coredns_cache_drops_total", "The count of replies to another question.", *where)
        self.stale = counter("coredns_cache_served_stale_total", "The count of replies past their end.", *where)
        self.evictions = counter("coredns_cache_evictions_total", "The count of entries that made way.", *typed)


class Counts:
    """The metrics of one cache on one server, looked up when first needed."""

    def __init__(self, families: Families, server: str, zones: str, view: str) -> None:
        self._families = families
        self._where = (server, zones, view)

    def _typed(self, store: str) -> tuple[str, str, str, str]:
        server, zones, view = self._where
        return server, store, zones, view

    @cached_property
    def requests(self) -> Counter:
        """Lookups."""
        return self._families.requests.child(*self._where)

    @cached_property
    def misses(self) -> Counter:
        """Lookups that found nothing usable."""
        return self._families.misses.child(*self._where)

    @cached_property
    def success_hits(self) -> Counter:
        """Lookups that found a success."""
        return self._families.hits.child(*self._typed(SUCCESS))

    @cached_property
    def denial_hits(self) -> Counter:
        """Lookups that found a denial."""
        return self._families.hits.child(*self._typed(DENIAL))

    @cached_property
    def prefetches(self) -> Counter:
        """Background refreshes begun."""
        return self._families.prefetches.child(*self._where)

    @cached_property
    def drops(self) -> Counter:
        """Replies that belong to another question."""
        return self._families.drops.child(*self._where)

    @cached_property
    def stale(self) -> Counter:
        """Replies served past their end."""
        return self._families.stale.child(*self._where)

    @cached_property
    def success_entries(self) -> Gauge:
        """Successes kept."""
        return self._families.entries.child(*self._typed(SUCCESS))

    @cached_property
    def denial_entries(self) -> Gauge:
        """Denials kept."""
        return self._families.entries.child(*self._typed(DENIAL))

    def evicted(self, store: str, entries: int) -> None:
        """Count entries that made way."""
        (self._denial_evictions if store == DENIAL else self._success_evictions).value += entries

    @cached_property
    def _success_evictions(self) -> Counter:
        return self._families.evictions.child(*self._typed(SUCCESS))

    @cached_property
    def _denial_evictions(self) -> Counter:
        return self._families.evictions.child(*self._typed(DENIAL))

    def tally_success(self, times: int) -> None:
        """Count hits of a success that the server kept as well."""
        self.requests.value += times
        self.success_hits.value += times

    def tally_denial(self, times: int) -> None:
        """Count hits of a denial that the server kept as well."""
        self.requests.value += times
        self.denial_hits.value += times

    def tally_miss(self, times: int) -> None:
        """Count lookups in a zone of which nothing is kept."""
        self.requests.value += times
        self.misses.value += times
