"""What came of a bench: the table for people, and the same as values for JSON and the chart."""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from tests.bench.figures import Figure, short


class Line(msgspec.Struct, frozen=True):
    """One figure of a row: a value for each server that was in it, in the order of the servers."""

    row: str
    title: str
    unit: str
    values: dict[str, tuple[float, ...]]
    doubts: dict[str, str] = {}

    def figure(self, server: str) -> Figure | None:
        """The rounds of a server; `None` if it was not in the row."""
        rounds = self.values.get(server)
        return Figure(rounds) if rounds else None

    def ratio(self, server: str, other: str) -> float | None:
        """How many times a server's figure the other's is: above 1, the server is better."""
        mine, others = self.figure(server), self.figure(other)
        return others.ratio(mine) if mine and others and mine.middle else None


class Report(msgspec.Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: dict[str, str]
    servers: dict[str, str]
    settings: dict[str, str]
    lines: tuple[Line, ...]


def machine() -> dict[str, str]:
    """What the figures depend on, as far as the system tells."""
    info = Path("/proc/cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    return {
        "processor": f"{os.cpu_count()} x {model}",
        "kernel": platform.release(),
        "python of the bench": f"{sys.implementation.name} {platform.python_version()}",
    }


def table(report: Report) -> Table:
    """A row for each figure; of every server but the first also how many times the first one's figure it has."""
    first, *others = report.servers
    drawn = Table(title="CPU time, memory and latency: lower is better", title_justify="left")
    drawn.add_column("what")
    drawn.add_column("unit")
    for server in report.servers:
        drawn.add_column(server, justify="right")
    for other in others:
        drawn.add_column(f"{other} / {first}", justify="right")
    for line in report.lines:
        cells = [_cell(line, server) for server in report.servers]
        ratios = [line.ratio(first, other) for other in others]
        drawn.add_row(line.title, line.unit, *cells, *["" if ratio is None else f"{ratio:.1f} x" for ratio in ratios])
    return drawn


def _cell(line: Line, server: str) -> str:
    figure = line.figure(server)
    if figure is None:
        return "?" if server in line.doubts else ""
    return short(figure.middle) + (" ?" if figure.doubtful or server in line.doubts else "")


def show(report: Report, console: Console) -> None:
    """Print the table, and what makes figures doubtful."""
    console.print(table(report))
    for line in report.lines:
        for server, doubt in line.doubts.items():
            console.print(f"? {line.title}, {server}: {doubt}")
    for name, said in {**report.machine, **report.settings, **report.servers}.items():
        console.print(f"{name}: {said}", highlight=False)


def lines_of(
    title: str, unit: str, row: str, rounds: dict[str, list[dict[str, float]]], doubts: dict[str, str]
) -> Sequence[Line]:
    """The figures of a row from what each round of each server gave, each a line of its own."""
    names = dict.fromkeys(name for given in rounds.values() for each in given for name in each) or {"": None}
    found = []
    for name in names:
        values = {server: tuple(each[name] for each in given) for server, given in rounds.items() if given}
        found.append(Line(row, f"{title}: {name}" if name else title, unit, values, doubts))
    return found
