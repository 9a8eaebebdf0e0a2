"""Sums over processes; what is counted and shown in one is tested where it is counted."""

from msgspec import msgpack

from kdns.metrics import Figures, Registry


def counted(times: int) -> Registry:
    registry = Registry()
    registry.counter("a_total", "A.", "x").child("1").add(times)
    registry.gauge("info", "I.").child().set(times)
    registry.gauge("entries", "E.", "x", summed=True).child("1").set(times)
    registry.histogram("h", "H.", (1, 2)).child().observe(1.5, times)
    return registry


def sent(registry: Registry) -> list[Figures]:
    """Figures as they come out of another process."""
    return msgpack.decode(msgpack.encode(registry.figures()), type=list[Figures])


def shown(registry: Registry) -> list[str]:
    return [line for line in registry.render().decode().splitlines() if not line.startswith("#")]


def test_counters_and_histograms_are_sums_and_gauges_are_not() -> None:
    registry = counted(1)
    alone = shown(registry)
    registry.heard("other", sent(counted(2)))
    registry.heard("other", sent(counted(3)))
    assert shown(registry) == [
        'a_total{x="1"} 4.0',
        'entries{x="1"} 4.0',
        'h_bucket{le="1"} 0.0',
        'h_bucket{le="2"} 4.0',
        'h_bucket{le="+Inf"} 4.0',
        "h_count 4.0",
        "h_sum 6.0",
        "info 1.0",
    ]
    assert (registry.value("a_total", "1"), registry.value("info")) == (4, 1)
    assert alone == shown(counted(1))


def test_what_a_process_counted_outlives_it_and_what_it_had_does_not() -> None:
    registry = counted(1)
    for process in range(3):
        registry.heard(process, sent(counted(2)))
        registry.ended(process)
        registry.ended(process)
    assert registry.value("a_total", "1") == 7
    assert registry.value("entries", "1") == 1
    assert "h_count 7.0" in shown(registry)


def test_series_and_families_that_only_another_process_has() -> None:
    registry, other = counted(1), counted(1)
    other.counter("a_total", "A.", "x").child("2").add()
    other.counter("b_total", "B.", "y", "x").child("1", "2").add()
    registry.heard("other", sent(other))
    assert {'a_total{x="2"} 1.0', 'b_total{x="2",y="1"} 1.0'} <= set(shown(registry))
    assert "b_total" not in registry._families


def test_a_family_without_series_is_not_there() -> None:
    registry = counted(1)
    registry.counter("b_total", "B.", "x")
    registry.histogram("g", "G.", (1, 2), "x")
    kinds = [line for line in registry.render().decode().splitlines() if line.startswith("# TYPE")]
    assert kinds == [
        "# TYPE a_total counter",
        "# TYPE entries gauge",
        "# TYPE h histogram",
        "# TYPE info gauge",
    ]


def test_figures_are_up_to_date() -> None:
    registry = counted(1)
    registry.on_scrape(lambda: registry.counter("a_total", "A.", "x").child("1").add())
    (figures, *_) = registry.figures()
    assert figures == Figures("Counter", "a_total", "A.", ("x",), (), [(("1",), [2.0])])
    registry.heard("other", sent(counted(1)))
    assert registry.value("a_total", "1") == 4


async def test_nobody_has_to_be_asked() -> None:
    await Registry().gather()
