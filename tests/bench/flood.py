"""Ten minutes of names that are never asked twice, random cookies and letter cases: memory must stay flat.

    make flood [SECONDS=600]

One kdns, kubeadm's Corefile, 5 500 Services. Loads take turns of 10 s; after each the server's resident memory is
printed. Ends with status 1 if it grew by more than a tenth after the third minute, in which each load has had three
turns to fill what there is to fill.
"""

import argparse
import sys
import tempfile
from itertools import cycle
from pathlib import Path

from rich.console import Console

from tests.bench import queries
from tests.bench.__main__ import FIRST, SMALL, Room
from tests.bench.api import serving
from tests.bench.load import Load
from tests.bench.processes import resident_mib
from tests.bench.servers import Contestant, started

TURN = 10.0
FULL = 180.0
GROWTH = 1.1
LOADS = {
    "random names in the cluster zone": Load("random", new_names=True),
    "the same, random case": Load("random", new_names=True, mixed_case=True),
    "random names outside": Load("uncached", new_names=True),
    "the same, random cookies": Load("uncached", new_names=True, cookies=True),
    "the mix, random cookies and case": Load("mix", cookies=True, mixed_case=True),
    "the same by TCP, refused upstream": Load("uncached", new_names=True, tcp=True),
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make flood", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="how long (default 600)")
    parser.add_argument("--kdns", default=f"{Path(sys.executable).parent}/kdns -conf {{corefile}}")
    arguments = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="kdns-flood-") as folder:
        room = Room(Path(folder), console, TURN)
        with serving(*SMALL, room.folder, room.load_cpu) as api, room.upstream() as upstream:
            queries.write(api.url, room.folder)
            given = {"api": api.url, "upstream": upstream, "programs": room.folder}
            with started(Contestant("kdns", arguments.kdns), room.folder, given, FIRST, room.server_cpu) as server:
                return flood(room, server.pid, server.port, arguments.seconds)


def flood(room: Room, pid: int, port: int, seconds: float) -> int:
    """Load the server for so long; 1 if its memory grew."""
    passed, level, asked, loads = 0.0, 0.0, 0, cycle(LOADS.items())
    memory = resident_mib(pid)
    while passed < seconds:
        name, load = next(loads)
        outcome = room.generator.run(load, port, TURN)
        passed, memory, asked = passed + TURN, resident_mib(pid), asked + outcome.answered
        if passed <= min(FULL, seconds / 2):
            level = max(level, memory)
        room.console.print(f"{passed:5.0f} s  {memory:6.1f} MiB  {asked:>11,} answered  {name}", highlight=False)
    grown = memory > level * GROWTH
    room.console.print(f"{'grew' if grown else 'flat'}: {level:.1f} MiB at first, {memory:.1f} at the end")
    return int(grown)


if __name__ == "__main__":
    sys.exit(main())
