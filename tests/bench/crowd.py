"""One process against two (`multisocket 2`), in queries answered a second.

Load takes more CPU than answers do, so on a machine of two cores two processes would compete with it, and the ratio
would be that of the machine. So every process of the server gets the same small share of a CPU by a control group of
its own, as if cores were that slow; what is left is enough for the load and for everything else. Both servers are up
at the same time and are loaded in turn, in short slices, so that both meet the same noise.

Control groups need root. The version 1 and 2 of cgroups(7) are known.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tests.bench.load import Generator, Load
from tests.bench.processes import busy_seconds, settle, tree
from tests.bench.servers import Server

SHARE = 0.15
"""Of a CPU, for each process."""
PERIOD_US = 10_000
"""Microseconds in which the share is used up or lost."""
SLICES = 4
LOAD = Load("services", sockets=128, outstanding=1000)
"""Each socket has queries under way all the time, whichever process the kernel gives it to."""
ONE, TWO = "multisocket 1", "multisocket 2"

Start = Callable[[str], AbstractContextManager[Server]]


@dataclass(slots=True)
class Side:
    """What one of the servers has answered, and used."""

    server: Server
    answered: int = 0
    seconds: float = 0.0
    cpu: float = 0.0

    def load(self, generator: Generator, seconds: float) -> None:
        """Load it for a slice of time."""
        before = busy_seconds(self.server.pid)
        outcome = generator.run(LOAD, self.server.port, seconds)
        self.cpu += busy_seconds(self.server.pid) - before
        self.answered += outcome.answered
        self.seconds += outcome.seconds


def measure(start: Start, generator: Generator, seconds: float) -> dict[str, float]:
    """Microseconds a query, by the clock and of CPU. Raises `RuntimeError` where there are no control groups."""
    everywhere = replace(generator, cpus=frozenset(os.sched_getaffinity(0)), dnsperf="")
    with ExitStack() as stack:
        sides = [Side(stack.enter_context(start(words))) for words in (ONE, TWO)]
        for number, side in enumerate(sides, 1):
            for pid in processes(side.server.pid, number):
                stack.enter_context(slowed(pid))
        for side in sides:  # so that everything that is asked again has been asked
            everywhere.run(LOAD, side.server.port, seconds / 2)
        for _ in range(SLICES):
            for side in sides:
                side.load(everywhere, seconds / SLICES)
    one, two = ((side.seconds / side.answered * 1e6, side.cpu / side.answered * 1e6) for side in sides)
    return {
        f"one at {SHARE:.0%} of a CPU": one[0],
        f"two at {SHARE:.0%} each": two[0],
        "CPU time, one": one[1],
        "CPU time, two": two[1],
    }


def processes(pid: int, number: int, patience: float = 10) -> list[int]:
    """The processes of a server, once there are as many as wanted and they are idle. Raises `RuntimeError`."""
    until = time.monotonic() + patience
    while len(found := tree(pid)) != number:
        if time.monotonic() > until:
            raise RuntimeError(f"{number} processes were asked for, there are {len(found)}")
        time.sleep(0.05)
    settle(pid, patience)
    return found


@contextmanager
def slowed(pid: int) -> Iterator[None]:
    """Give a process a share of a CPU. Raises `RuntimeError`."""
    root = next((each for each in map(Path, ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")) if _is_root(each)), None)
    if root is None:
        raise RuntimeError("there is no control group for CPU time, or no right to it")
    group, quota = root / f"kdns-bench-{pid}", round(SHARE * PERIOD_US)
    try:
        group.mkdir()
        if (group / "cpu.max").exists():
            (group / "cpu.max").write_text(f"{quota} {PERIOD_US}")
        else:
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as error:
        raise RuntimeError(f"no control group for CPU time can be had: {error}") from error
    try:
        yield
    finally:
        with suppress(OSError):
            (root / "cgroup.procs").write_text(str(pid))
            group.rmdir()


def _is_root(path: Path) -> bool:
    return (path / "cpu.cfs_quota_us").exists() or (path / "cgroup.subtree_control").exists()
