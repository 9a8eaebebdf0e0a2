"""What a bench prints and draws of what it measured."""

from io import StringIO
from xml.etree import ElementTree

from rich.console import Console

from tests.bench import chart
from tests.bench.report import Report, lines_of, show

ROUNDS = {"kdns": [{"p50": 10.0, "p99": 20.0}, {"p50": 12.0, "p99": 22.0}], "other": [{"p50": 22.0, "p99": 84.0}]}
LINES = (
    *lines_of("latency <all>", "us", "latency", ROUNDS, {}),
    *lines_of("memory", "MiB", "memory", {"kdns": [{"": 60.0}], "other": []}, {"other": "did not start"}),
    *lines_of("start", "s", "start", {}, {"kdns": "it said nothing"}),
)
REPORT = Report({"processor": "one"}, {"kdns": "kdns-1", "other": "other-2"}, {"loads": "4 s"}, LINES)


def test_ratios_are_how_much_better_the_first_is() -> None:
    first, second, memory, start = LINES
    assert first.title == "latency <all>: p50"
    assert first.ratio("kdns", "other") == 2
    assert second.ratio("kdns", "other") == 4
    assert memory.ratio("kdns", "other") is None
    assert start.figure("kdns") is None


def test_the_table_has_every_figure_and_every_doubt() -> None:
    written = StringIO()
    show(REPORT, Console(width=120, file=written))
    text = written.getvalue()
    for word in ("11.0", "22.0", "2.0 x", "4.0 x", "60.0", "did not start", "it said nothing", "kdns-1", "4 s"):
        assert word in text


def test_the_chart_is_a_document_with_a_bar_for_each_ratio() -> None:
    root = ElementTree.fromstring(chart.draw(REPORT))
    bars = [each for each in root.iter("{http://www.w3.org/2000/svg}rect") if each.get("height") == str(chart.BAR)]
    assert len(bars) == 2
    assert all(float(bar.get("x", 0)) + float(bar.get("width", 0)) < chart.WIDTH for bar in bars)
