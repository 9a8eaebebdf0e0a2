"""kdns beside other servers, over generated clusters and mixes of queries: one table, JSON and an SVG chart.

    make bench BESIDE='coredns=/path/to/coredns -conf {corefile}; echo; unbound=unbound -d -c {unbound}'

Each server runs alone on one CPU, the load on another; what counts is the CPU time that the server's processes have
used for each query, and ratios between servers of one run. Everything stays on the loopback interface.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

import msgspec
from rich.console import Console

from tests.bench import chart, queries, report
from tests.bench.api import Api, serving
from tests.bench.load import Generator
from tests.bench.processes import running
from tests.bench.rows import ROWS, Bench, Row
from tests.bench.servers import Contestant, Failed, Question, Server, contestants, free_ports, started
from tests.kit.cluster import service

SMALL, BIG = (5500, 17000), (10000, 100000)
"""Services and endpoints."""
PACE = 5000.0
"""Queries a second of the latency row, when no other server has told how much is half of what it can."""
SOURCES = Path(__file__).parent / "c"
FIRST = Question("svc-1.ns-1.svc.cluster.local", service(1)["spec"]["clusterIP"])

Results = dict[str, dict[str, list[dict[str, float]]]]


class Room:
    """What all servers of a bench share: CPUs, programs, an upstream, and the console that tells how far it is."""

    def __init__(self, folder: Path, console: Console, seconds: float) -> None:
        self.folder = folder
        self.console = console
        self.seconds = seconds
        cpus = sorted(os.sched_getaffinity(0))
        self.server_cpu, self.load_cpu = frozenset(cpus[:1]), frozenset(cpus[-1:])
        for source in SOURCES.glob("*.c"):
            subprocess.run(["gcc", "-O2", "-o", folder / source.stem, source], check=True)
        dnsperf = shutil.which("dnsperf") or ""
        self.generator = Generator(folder / "load", dnsperf, self.load_cpu, folder)
        self.pace = PACE

    @contextmanager
    def upstream(self) -> Iterator[int]:
        """The port of a resolver that answers everything at once."""
        (port,) = free_ports(1)
        with running([str(self.folder / "upstream"), str(port)], self.folder / "upstream.log", self.load_cpu):
            yield port

    def measure(self, contestant: Contestant, rows: Sequence[Row], api: Api, results: Results) -> dict[str, str]:
        """Run one server through some rows; what makes its figures doubtful."""
        with self.upstream() as upstream:
            given = {"api": api.url, "upstream": upstream, "programs": self.folder}
            question = FIRST if "{corefile}" in contestant.command else Question("www.example.com")
            with started(contestant, self.folder, given, question, self.server_cpu) as server:
                another = partial(self._another, contestant, given, question)
                bench = Bench(server, api, self.generator, self.seconds, self.pace, another)
                for row in rows:
                    self.console.print(f"{contestant.name}: {row.title} ...", highlight=False)
                    if figures := row.measure(bench):
                        results.setdefault(row.name, {}).setdefault(contestant.name, []).append(figures)
                if "mix" in bench.rates:
                    self.pace = min(self.pace if self.pace != PACE else 1e9, bench.rates["mix"] / 2)
                return bench.doubts

    def _another(
        self, contestant: Contestant, given: Mapping[str, object], question: Question, more: str
    ) -> AbstractContextManager[Server]:
        return started(contestant, self.folder, given, question, self.server_cpu | self.load_cpu, more=more)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("beside", nargs="?", default="", help="NAME=COMMAND; ... with {corefile}, {unbound} or {port}")
    parser.add_argument(
        "--kdns", default=f"{Path(sys.executable).parent}/kdns -conf {{corefile}}", help="command of kdns"
    )
    parser.add_argument("--rows", default="", help="rows to measure, by comma: " + ",".join(row.name for row in ROWS))
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load (default 4)")
    parser.add_argument("--rounds", type=int, default=1, help="of everything (default 1)")
    parser.add_argument("--out", type=Path, default=Path("bench"), help="bench.json and bench.svg go there")
    arguments = parser.parse_args()
    console = Console(width=160 if not sys.stdout.isatty() else None)
    try:
        servers = contestants(f"kdns={arguments.kdns}; {arguments.beside}")
    except ValueError as error:
        parser.error(str(error))
    wanted = set(filter(None, arguments.rows.split(",")))
    if unknown := wanted - {row.name for row in ROWS}:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    rows = [row for row in ROWS if not wanted or row.name in wanted]
    with tempfile.TemporaryDirectory(prefix="kdns-bench-") as folder:
        room = Room(Path(folder), console, arguments.seconds)
        made = run(room, servers, rows, arguments.rounds)
    report.show(made, console)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "bench.json").write_bytes(msgspec.json.format(msgspec.json.encode(made)))
    (arguments.out / "bench.svg").write_text(chart.draw(made))
    console.print(f"written: {arguments.out}/bench.json, {arguments.out}/bench.svg", highlight=False)


def run(room: Room, servers: Sequence[Contestant], rows: Sequence[Row], rounds: int) -> report.Report:
    """Every server through every row that it can be in. The others come first: their rate sets the pace."""
    results: Results = {}
    doubts: dict[str, dict[str, str]] = {}
    for big, size in ((False, SMALL), (True, BIG)):
        some = [row for row in rows if row.big == big]
        if not some:
            continue
        with ExitStack() as stack:
            api = stack.enter_context(serving(*size, room.folder, room.load_cpu))
            queries.write(api.url, room.folder)
            for _ in range(rounds):
                for contestant in (*servers[1:], servers[0]):
                    mine = [row for row in some if contestant.kind in row.kinds]
                    try:
                        found = room.measure(contestant, mine, api, results) if mine else {}
                    except (Failed, ValueError, RuntimeError) as error:
                        found = {row.name: str(error) for row in mine}
                    for row_name, doubt in found.items():
                        doubts.setdefault(row_name, {})[contestant.name] = doubt
    lines = [
        line
        for row in rows
        for line in report.lines_of(row.title, row.unit, row.name, results.get(row.name, {}), doubts.get(row.name, {}))
    ]
    settings = {
        "clusters": f"{SMALL[0]} Services, {SMALL[1]} endpoints; big: {BIG[0]}, {BIG[1]}",
        "loads": f"{room.seconds:g} s each, {rounds} round(s), latency at {room.pace:.0f} queries a second",
    }
    named = {server.name: server.version or server.command for server in servers}
    return report.Report(report.machine(), named, settings, tuple(lines))


if __name__ == "__main__":
    main()
