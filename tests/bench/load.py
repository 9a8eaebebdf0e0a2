"""Load: who makes it, with which settings, and what it says happened.

dnsperf makes the loads that it can, if it is installed; c/load.c makes the others (every name new, a random cookie and
case in each query, a fixed rate with exact times of arrival) and, without dnsperf, all. One thread on its own CPU.
"""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tests.bench.processes import running

Process = subprocess.Popen[str]

SOCKETS = 20
OUTSTANDING = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked and how fast. `rate` 0: the next query when one of `outstanding` is answered."""

    queries: str
    tcp: bool = False
    new_names: bool = False
    cookies: bool = False
    mixed_case: bool = False
    rate: float = 0
    sockets: int = SOCKETS
    outstanding: int = OUTSTANDING

    @property
    def plain(self) -> bool:
        """Dnsperf can make it."""
        return not (self.new_names or self.cookies or self.mixed_case or self.rate)

    def options(self, seconds: float) -> list[str]:
        """As c/load.c takes them."""
        flags = {"-t": self.tcp, "-n": self.new_names, "-k": self.cookies, "-x": self.mixed_case}
        pace = ["-r", f"{self.rate:.0f}"] if self.rate else ["-q", str(self.outstanding)]
        return [flag for flag, on in flags.items() if on] + ["-c", str(self.sockets), *pace, "-l", f"{seconds:g}"]

    def dnsperf_options(self, seconds: float) -> list[str]:
        """As dnsperf takes them."""
        mode = ["-m", "tcp"] if self.tcp else []
        whole = str(max(1, round(seconds)))
        pace = ["-c", str(self.sockets), "-q", str(self.outstanding), "-T", "1", "-t", "2", "-O", "suppress=timeout"]
        return [*mode, *pace, "-l", whole]


class Outcome(msgspec.Struct, frozen=True):
    """What became of the queries of a run. Latencies in microseconds; dnsperf does not have them (0)."""

    seconds: float
    answered: int
    lost: int
    rcodes: dict[str, int]
    late_us: float = 0
    p50_us: float = 0
    p99_us: float = 0
    max_us: float = 0

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.answered / self.seconds

    def complaint(self) -> str:
        """What makes its figures doubtful; empty if nothing does."""
        asked = self.answered + self.lost
        failures = sum(count for code, count in self.rcodes.items() if code not in ("NOERROR", "NXDOMAIN"))
        if not self.answered:
            return "nothing was answered"
        if failures > asked / 1000:
            return f"{failures / asked:.1%} failed ({', '.join(self.rcodes)})"
        return f"{self.lost / asked:.1%} without reply" if self.lost > asked / 1000 else ""


NAMES = {"0": "NOERROR", "1": "FORMERR", "2": "SERVFAIL", "3": "NXDOMAIN", "4": "NOTIMP", "5": "REFUSED"}


def read_own(text: str) -> Outcome:
    """The JSON of c/load.c. Raises `ValueError` if it is none."""
    said = msgspec.json.decode(text, type=Outcome)
    named = {NAMES.get(code, code): count for code, count in said.rcodes.items()}
    return msgspec.structs.replace(said, rcodes=named)


def read_dnsperf(text: str) -> Outcome:
    """The summary of dnsperf. Raises `ValueError` if it is none."""

    def number(pattern: str) -> float:
        if (found := re.search(pattern + r"\s+([\d.]+)", text)) is None:
            raise ValueError(f"dnsperf said: {text.strip()[-300:]}")
        return float(found[1])

    codes = {name: int(count) for name, count in re.findall(r"\b([A-Z]{4,}\d*) (\d+) \(", text)}
    return Outcome(
        seconds=number("Run time \\(s\\):"),
        answered=int(number("Queries completed:")),
        lost=int(number("Queries lost:")),
        rcodes=codes,
    )


@dataclass(frozen=True, slots=True)
class Generator:
    """Makes load on its CPUs. `dnsperf`: the program, or empty to do without."""

    own: Path
    dnsperf: str
    cpus: frozenset[int]
    folder: Path
    """Where the files of questions are, by the names that loads have for them."""

    def says(self, load: Load, seconds: float) -> str:
        """How it makes this load, for the record."""
        program, *options = self._command(load, seconds)
        return f"{Path(program).name} {' '.join(options)}"

    def run(self, load: Load, port: int, seconds: float) -> Outcome:
        """Load a server on 127.0.0.1 for so long. Raises `ValueError` if the generator fails."""
        with self.running(load, port, seconds) as process:
            return self._outcome(load, process)

    def stop(self, load: Load, process: Process) -> Outcome:
        """End a load of c/load.c before its time."""
        process.terminate()
        return self._outcome(load, process)

    @contextmanager
    def running(self, load: Load, port: int, seconds: float) -> Iterator[Process]:
        """Load a server meanwhile."""
        target = ["-s", "127.0.0.1", "-p", str(port), "-d"] if self._by_dnsperf(load) else [str(port)]
        command = [*self._command(load, seconds), *target, str(self.folder / load.queries)]
        with running(command, self.folder / "load.log", self.cpus, pipes=True) as process:
            yield process

    def _by_dnsperf(self, load: Load) -> bool:
        return bool(self.dnsperf) and load.plain

    def _command(self, load: Load, seconds: float) -> list[str]:
        if self._by_dnsperf(load):
            return [self.dnsperf, *load.dnsperf_options(seconds)]
        return [str(self.own), *load.options(seconds)]

    def _outcome(self, load: Load, process: Process) -> Outcome:
        text = process.communicate()[0]
        return read_dnsperf(text) if self._by_dnsperf(load) else read_own(text)
