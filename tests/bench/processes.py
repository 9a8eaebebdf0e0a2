"""What a process and everything it started has used, from Linux's /proc, and which CPUs it may run on."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def parents() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                found[int(entry.name)] = int(_stat(int(entry.name))[1])
    return found


def tree(pid: int) -> list[int]:
    """A process and what it started, and what those started."""
    above = parents()
    found = [pid]
    for each in found:
        found += [child for child, parent in above.items() if parent == each]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the tree, of its children that ended too."""
    ticks = 0
    for each in tree(pid):
        with suppress(OSError, IndexError):
            ticks += sum(map(int, _stat(each)[11:15]))
    return ticks / TICK


def busy_seconds(pid: int) -> float:
    """CPU time of the main threads of the tree that lives now, as the scheduler counts it: to the nanosecond."""
    nanoseconds = 0
    for each in tree(pid):
        with suppress(OSError):
            nanoseconds += int((PROC / str(each) / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def resident_mib(pid: int) -> float:
    """Resident memory of the tree; pages that its processes share count for each of them."""
    return _memory(pid, "VmRSS:")


def highest_mib(pid: int) -> float:
    """The highest resident memory since the start, or since `forget_highest`."""
    return _memory(pid, "VmHWM:")


def forget_highest(pid: int) -> None:
    """Begin to look for the highest resident memory anew."""
    for each in tree(pid):
        with suppress(OSError):
            (PROC / str(each) / "clear_refs").write_text("5")  # proc(5): resets VmHWM


def settle(pid: int, patience: float) -> None:
    """Wait until the tree has been idle (under 5 % of a CPU) for 0.4 s, at most so many seconds."""
    until = time.monotonic() + patience
    before = cpu_seconds(pid)
    while time.monotonic() < until:
        time.sleep(0.4)
        now = cpu_seconds(pid)
        if now - before < 0.02:
            return
        before = now


@contextmanager
def running(
    command: Sequence[str], log: Path, cpus: frozenset[int], *, pipes: bool = False
) -> Iterator[subprocess.Popen[str]]:
    """Run a program on some CPUs, with its output in a file (`pipes`: its input and output are the caller's)."""
    here = os.sched_getaffinity(0)
    with log.open("w") as output:
        os.sched_setaffinity(0, cpus)  # what is started inherits it
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else output,
                stderr=output,
                text=True,
                start_new_session=True,
            )
        finally:
            os.sched_setaffinity(0, here)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Ask a program to end, and make it after 5 s."""
    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        for each in reversed(tree(process.pid)):
            with suppress(OSError):
                os.kill(each, 9)
        process.communicate()


def _stat(pid: int) -> list[str]:
    """The fields from the third on: the second, the name, may have spaces and brackets."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def _memory(pid: int, field: str) -> float:
    kib = 0
    for each in tree(pid):
        with suppress(OSError):
            for line in (PROC / str(each) / "status").read_text().splitlines():
                if line.startswith(field):
                    kib += int(line.split()[1])
    return kib / 1024
