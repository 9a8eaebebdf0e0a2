"""A flood of spoilt queries through a whole server in process: right shapes, no exception, kept replies equal to fresh.

    python -m tests.bench.fuzz --packets 1000000 --seed 1

One packet in eight comes over TCP. What it finds is printed as hexadecimal and reason, and the exit status is then 1.
The figures are of a server that is asked twice, by a judge that reads every reply: they say nothing about speed.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from kdns.wire import codes
from tests.fuzz.packets import Packets
from tests.fuzz.subject import subject

EVERY = 20_000
"""Packets between two lines of progress."""


async def run(packets: int, seed: int, cache: str) -> int:
    """Ask; the number of findings."""
    source, outcomes = Packets(seed), Counter[str]()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        async with subject(Path(folder), cache=cache) as found:
            for number in range(1, packets + 1):
                reply = await found.ask(source.query(), "udp" if number & 7 else "tcp")
                outcomes["no reply" if reply is None else codes.rcode_name(reply[3] & 15)] += 1
                if number % EVERY == 0 or number == packets:
                    seconds = time.monotonic() - began
                    print(
                        f"\r{number} packets, {number / seconds:.0f}/s, {found.hits} kept replies, {_memory()} MiB, "
                        f"{len(found.findings)} findings",
                        end="",
                        flush=True,
                    )
            print(f"\n{dict(outcomes.most_common())}, {found.panics:.0f} panics")
            for packet, wrong in found.findings[:20]:
                print(f"{packet.hex()}: {wrong}")
            return len(found.findings)


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def main() -> None:
    """See the top."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packets", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cache", action="store_true", help="with the cache plugin")
    given = parser.parse_args()
    sys.exit(1 if asyncio.run(run(given.packets, given.seed, "cache 30" if given.cache else "")) else 0)


if __name__ == "__main__":
    main()
