"""Counters, gauges and histograms as plain objects; prometheus_client makes text of them at scrape time.

A child is looked up once and kept by who counts, so counting is one addition. Names, labels and buckets are
CoreDNS's (`spec/metrics.md`). Metrics live as long as the process: a reload finds the families it made before.
No label may hold what a client can choose, so the number of series is bounded by the configuration.

A server of several processes shows their sums: `figures` of one are `absorb`ed by another's registry. Gauges are those
of the process that shows them, but for families that are `summed`.
"""

from bisect import bisect_left
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Generic, NamedTuple, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry

TIME_BUCKETS = tuple(0.00025 * 2**k for k in range(16))
SLIM_TIME_BUCKETS = (0.00025, 0.0025, 0.025, 0.25, 2.5)
SIZE_BUCKETS = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
_FEW = 8
"""To put so many values together first takes longer than to count them one by one."""
DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Counter:
    """A number that grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def add(self, amount: float = 1) -> None:
        """Count `amount` more."""
        self.value += amount

    def figures(self) -> list[float]:
        """What it has come to, for `absorb`."""
        return [self.value]

    def absorb(self, figures: Sequence[float]) -> None:
        """Count what another one counted."""
        self.value += figures[0]


class Gauge:
    """A number that is set."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def figures(self) -> list[float]:
        """See `Counter`."""
        return [self.value]

    def absorb(self, figures: Sequence[float]) -> None:
        """See `Counter`."""
        self.value += figures[0]

    def set(self, value: float) -> None:
        """Let it be `value` from now on."""
        self.value = value


class Histogram:
    """Observations counted by upper bound, with their sum; `bounds` ascend, +Inf is implied."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float] = DEFAULT_BUCKETS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value, or the same value several times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.sum += value * times

    def observe_each(self, values: Sequence[float]) -> None:
        """Count several values."""
        places: Iterable[int] = map(bisect_left, repeat(self.bounds), values)
        for place, times in Tally(places).items() if len(values) > _FEW else zip(places, repeat(1)):
            self.counts[place] += times
        self.sum += sum(values)

    def figures(self) -> list[float]:
        """See `Counter`: the sum, then the counts."""
        return [self.sum, *self.counts]

    def absorb(self, figures: Sequence[float]) -> None:
        """See `Counter`."""
        self.sum += figures[0]
        for at, more in enumerate(figures[1:]):
            self.counts[at] += int(more)


M = TypeVar("M", Counter, Gauge, Histogram)


class Figures(NamedTuple):
    """What a family has come to: by label values, `Counter.figures` of each child. `kind` is its class's name."""

    kind: str
    name: str
    text: str
    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    series: list[tuple[tuple[str, ...], list[float]]]


class Family(Generic[M]):
    """All children of one metric: one for each combination of label values.

    `summed`: the value for the server is the sum over its processes, not that of the one which shows it.
    """

    def __init__(
        self, name: str, text: str, labels: tuple[str, ...], make: Callable[[], M], *, summed: bool = True
    ) -> None:
        self.name = name
        self.text = text
        self.labels = labels
        self.summed = summed
        self._make: Callable[[], M] = make
        self._children: dict[tuple[str, ...], M] = {}

    def child(self, *values: str) -> M:
        """The child with these label values, made when first asked for; keep it where you count."""
        child = self._children.get(values)
        if child is None:
            if len(values) != len(self.labels):
                raise ValueError(f"{self.name} has the labels {self.labels}, got {values}")
            child = self._children[values] = self._make()
        return child

    def clear(self) -> None:
        """Let all children go, as `coredns_plugin_enabled` does at a reload."""
        self._children.clear()

    def samples(self) -> Iterator[tuple[tuple[str, ...], M]]:
        """Label values and child of every series."""
        yield from sorted(self._children.items())

    def figures(self) -> Figures:
        """All children."""
        model = self._make()
        bounds = tuple(getattr(model, "bounds", ()))
        series = [(values, child.figures()) for values, child in self._children.items()]
        return Figures(type(model).__name__, self.name, self.text, self.labels, bounds, series)


AnyFamily = Family[Counter] | Family[Gauge] | Family[Histogram]


async def _nobody() -> None:
    pass


class Registry:
    """All metrics of the process."""

    def __init__(self) -> None:
        self._families: dict[str, AnyFamily] = {}
        self._scraped: list[Callable[[], None]] = []
        self._elsewhere: dict[Hashable, Iterable[Figures]] = {}
        self._ended: Registry | None = None
        self.gather: Callable[[], Awaitable[None]] = _nobody
        """Asks further processes for their figures; to be awaited before a scrape."""

    def counter(self, name: str, text: str, *labels: str) -> Family[Counter]:
        """The counter family of that name; made when first asked for, and with value 0 if it has no labels."""
        return self._family(name, text, labels, Counter)

    def gauge(self, name: str, text: str, *labels: str, summed: bool = False) -> Family[Gauge]:
        """The gauge family of that name."""
        return self._family(name, text, labels, Gauge, summed=summed)

    def histogram(self, name: str, text: str, bounds: Sequence[float], *labels: str) -> Family[Histogram]:
        """The histogram family of that name; `bounds` are upper bounds without +Inf."""
        return self._family(name, text, labels, partial(Histogram, bounds))

    def _family(
        self, name: str, text: str, labels: tuple[str, ...], make: Callable[[], M], *, summed: bool = True
    ) -> Family[M]:
        if name not in self._families:
            family: Family[M] = Family(name, text, labels, make, summed=summed)
            self._families[name] = family
            if not labels:
                family.child()
        return self._families[name]  # type: ignore[return-value]

    def on_scrape(self, bring_up_to_date: Callable[[], None]) -> Callable[[], None]:
        """Call this before every scrape, to hand in what was counted elsewhere; returns how to stop that."""
        self._scraped.append(bring_up_to_date)
        return lambda: self._scraped.remove(bring_up_to_date)

    def figures(self, *, of_all: bool = False) -> list[Figures]:
        """What this process adds to sums, up to date; with `of_all` also what is its own."""
        self._bring_up_to_date()
        return [family.figures() for family in self._families.values() if family.summed or of_all]

    def absorb(self, figures: Iterable[Figures]) -> None:
        """Add figures of another registry."""
        for kind, name, text, labels, bounds, series in figures:
            family: AnyFamily
            if kind == Counter.__name__:
                family = self.counter(name, text, *labels)
            elif kind == Gauge.__name__:
                family = self.gauge(name, text, *labels, summed=True)
            else:
                family = self.histogram(name, text, bounds, *labels)
            for values, numbers in series:
                family.child(*values).absorb(numbers)

    def heard(self, process: Hashable, figures: Iterable[Figures]) -> None:
        """Take note of the figures of a further process, in place of those it gave before."""
        self._elsewhere[process] = figures

    def ended(self, process: Hashable) -> None:
        """A further process is no more. What it counted stays, what it had is gone."""
        figures = self._elsewhere.pop(process, None)
        if figures is not None:
            if self._ended is None:
                self._ended = Registry()
            self._ended.absorb([each for each in figures if each.kind != Gauge.__name__])

    def _bring_up_to_date(self) -> None:
        for bring_up_to_date in self._scraped:
            bring_up_to_date()

    def _sums(self) -> dict[str, AnyFamily]:
        """The families as they are shown, up to date."""
        if not self._elsewhere and self._ended is None:
            self._bring_up_to_date()
            return self._families
        whole = Registry()
        whole.absorb(self.figures(of_all=True))
        if self._ended is not None:
            whole.absorb(self._ended.figures())
        for figures in self._elsewhere.values():
            whole.absorb(figures)
        return whole._families

    def value(self, name: str, *values: str) -> float:
        """Current value of a counter or gauge, 0 when it has none yet; for tests and tools."""
        family = self._sums().get(name)
        found = dict(family.samples()).get(values) if family else None
        return found.value if isinstance(found, Counter | Gauge) else 0.0

    def collect(self) -> Iterator[Metric]:
        """Families as prometheus_client's, sorted by name, labels sorted as the Go client prints them.

        A family without series yet is left out, as there.
        """
        families = self._sums()
        for name in sorted(families):
            metric = _exported(families[name])
            if metric is not None:
                yield metric

    def render(self, *others: Collector) -> bytes:
        """The text format 0.0.4 of everything here and of the given collectors (process figures)."""
        whole = CollectorRegistry(auto_describe=False)
        whole.register(_Collected(self))
        for other in others:
            whole.register(other)
        return generate_latest(whole)


class _Collected(Collector):
    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        return self._registry.collect()


def _exported(family: AnyFamily) -> Metric | None:
    order = sorted(range(len(family.labels)), key=lambda i: family.labels[i])
    names = [family.labels[i] for i in order]
    metric: Metric | None = None
    for values, child in family.samples():
        sorted_values = [values[i] for i in order]
        if isinstance(child, Counter):
            metric = metric or CounterMetricFamily(family.name, family.text, labels=names)
            metric.add_metric(sorted_values, child.value)  # type: ignore[attr-defined]
        elif isinstance(child, Gauge):
            metric = metric or GaugeMetricFamily(family.name, family.text, labels=names)
            metric.add_metric(sorted_values, child.value)  # type: ignore[attr-defined]
        else:
            metric = metric or HistogramMetricFamily(family.name, family.text, labels=names)
            metric.add_metric(sorted_values, _cumulated(child), child.sum)  # type: ignore[attr-defined]
    return metric


def _cumulated(histogram: Histogram) -> list[tuple[str, float]]:
    total, out = 0, []
    for bound, count in zip([*histogram.bounds, None], histogram.counts, strict=True):
        total += count
        out.append(("+Inf" if bound is None else f"{bound:g}", float(total)))
    return out
