"""What is measured: each row is a load or an event, the unit of its figure, and what kinds of servers can be in it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench import crowd
from tests.bench.api import Api
from tests.bench.load import Generator, Load, Outcome
from tests.bench.processes import cpu_seconds, forget_highest, highest_mib, resident_mib, settle
from tests.bench.servers import Kind, Server

PROBES = Load("services", rate=1000, sockets=1)
"""One query each millisecond: the longest wait among them is how long the loop was blocked, and some more."""
WARM_UP = 2.0
"""Seconds of the load before it is measured, so that everything that is asked again has been asked."""
RELISTS = 3


@dataclass
class Bench:
    """One server under measurement."""

    server: Server
    api: Api
    load: Generator
    seconds: float
    pace: float
    """Queries a second of the rows at a fixed rate."""
    another: crowd.Start
    """Starts the same server a second time, with one more line in its Corefile, on all CPUs."""
    doubts: dict[str, str] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)

    def run(self, row: str, load: Load, seconds: float) -> Outcome:
        """Load the server; what makes the figures doubtful is noted."""
        outcome = self.load.run(load, self.server.port, seconds)
        if complaint := outcome.complaint():
            self.doubts[row] = complaint
        return outcome


Measure = Callable[[Bench], dict[str, float]]


@dataclass(frozen=True, slots=True)
class Row:
    """`measure` gives one figure by name, or several that belong together; lower is better in all of them."""

    name: str
    title: str
    unit: str
    kinds: frozenset[Kind]
    measure: Measure
    big: bool = False
    """Over the big cluster."""


def cpu(name: str, load: Load) -> Measure:
    """CPU time of the server for each reply, in microseconds."""

    def measure(bench: Bench) -> dict[str, float]:
        bench.run(name, load, WARM_UP)
        before = cpu_seconds(bench.server.pid)
        outcome = bench.run(name, load, bench.seconds)
        used = cpu_seconds(bench.server.pid) - before
        bench.rates[name] = outcome.rate
        return {"": used / outcome.answered * 1e6}

    return measure


def latency(bench: Bench) -> dict[str, float]:
    """Microseconds from query to reply at the same fixed rate for all servers."""
    load = Load("mix", rate=bench.pace)
    bench.run("latency", load, WARM_UP)
    outcome = bench.run("latency", load, bench.seconds)
    return {"p50": outcome.p50_us, "p99": outcome.p99_us}


def memory(bench: Bench) -> dict[str, float]:
    """MiB when nothing happens any more."""
    settle(bench.server.pid, 10)
    return {"": resident_mib(bench.server.pid)}


def first(bench: Bench) -> dict[str, float]:
    """Seconds from the start of the process to its first right answer."""
    return {"": bench.server.first}


def relist(bench: Bench) -> dict[str, float]:
    """MiB at most, and the longest wait of a query in milliseconds, while the whole cluster is listed again."""
    settle(bench.server.pid, 10)
    forget_highest(bench.server.pid)
    with bench.load.running(PROBES, bench.server.port, 60) as probes:
        for _ in range(RELISTS):
            bench.api.relist()
            settle(bench.server.pid, 3)
        outcome = bench.load.stop(PROBES, probes)
    return {"MiB": highest_mib(bench.server.pid), "longest wait, ms": outcome.max_us / 1e3}


def change(bench: Bench) -> dict[str, float]:
    """Milliseconds from a change of a Service to the answer with its new address, 200 a second under 5 000 q/s."""
    steady = Load("services", rate=5000)
    with bench.load.running(steady, bench.server.port, 60) as process:
        seen = bench.api.change(rate=200, seconds=bench.seconds, port=bench.server.port)
        outcome = bench.load.stop(steady, process)
    if seen["unseen"]:
        bench.doubts["change"] = f"{seen['unseen']:.0f} of {seen['changes']:.0f} changes never seen"
    return {"p50": seen["p50_ms"], "p99": seen["p99_ms"], "longest wait, ms": outcome.max_us / 1e3}


def processes(bench: Bench) -> dict[str, float]:
    """Microseconds a query with one process and with two."""
    settle(bench.server.pid, 10)
    try:
        return crowd.measure(bench.another, bench.load, 2 * bench.seconds)
    except RuntimeError as error:
        bench.doubts["processes"] = str(error)
        return {}


_ALL = frozenset(Kind)
_CLUSTER = frozenset((Kind.CLUSTER,))
_RESOLVERS = frozenset((Kind.CLUSTER, Kind.RESOLVER))
_CPU = "µs of CPU a query"

_LOADS = (
    ("service", "Service A, spread over all Services", _ALL, Load("services")),
    ("mix", "mix: A, AAAA, headless, SRV, pod, PTR, search paths", _CLUSTER, Load("mix")),
    ("random", "random names in the cluster zone", _CLUSTER, Load("random", new_names=True)),
    ("cached", "names outside, cached", _RESOLVERS, Load("external")),
    ("uncached", "names outside, never asked before", _RESOLVERS, Load("uncached", new_names=True)),
    ("kinds", "the same: addresses, aliases and denials", _RESOLVERS, Load("kinds", new_names=True)),
    ("cookies", "the mix, random cookie and letter case", _CLUSTER, Load("mix", cookies=True, mixed_case=True)),
    ("tcp", "Service A over TCP, 20 connections", _CLUSTER, Load("services", tcp=True)),
)
ROWS = (
    Row("memory", "memory, this cluster", "MiB", _CLUSTER, memory),
    *(Row(name, title, _CPU, kinds, cpu(name, load)) for name, title, kinds, load in _LOADS),
    Row("latency", "latency of the mix, same rate for all", "µs", _CLUSTER, latency),
    Row("full", "memory after all these loads", "MiB", _CLUSTER, memory),
    Row("change", "API event to changed answer, 200/s under 5 000 q/s", "ms", _CLUSTER, change),
    Row("processes", "Service A, one process and two", "µs a query", _CLUSTER, processes),
    Row("start", "first right answer after start, big cluster", "s", _CLUSTER, first, big=True),
    Row("big", "memory, big cluster", "MiB", _CLUSTER, memory, big=True),
    Row("relist", "big cluster listed again three times", "", _CLUSTER, relist, big=True),
)
