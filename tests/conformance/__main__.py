"""kdns beside another server: the same Corefiles, the same cluster, the same questions; prints where answers differ.

    python -m tests.conformance "coredns -conf {corefile} -dns.port {port}"
    python -m tests.conformance --setup kubeadm 127.0.0.1:53 --api-port 8001 --upstream-port 8053

The other server is a command, started for each set-up, or an address where one runs already with that set-up's
Corefile. Ends with status 1 if a difference is left for which `beside/explained.yaml` has no reason.
"""

import argparse
import asyncio
import sys
import tempfile
from itertools import chain
from pathlib import Path

from kdns.plugins import available
from tests.conformance.beside import asked, distributions, setups
from tests.conformance.beside.asking import ask_all
from tests.conformance.beside.compare import Pair, read
from tests.conformance.beside.report import Report
from tests.conformance.beside.servers import World, both, objects, world

ROUNDS = {"some": ("udp", "tcp"), "all": ("udp", "udp", "tcp")}
"""Each question goes this way; the second time to replies that are kept."""


async def _compare(setup: setups.Setup, around: World, other: str, report: Report) -> None:
    rows = list(asked.rows(setup, around.objects))
    with tempfile.TemporaryDirectory() as folder:
        async with both(setup, around, other, Path(folder)) as ports:
            for proto in ROUNDS["all" if setup.thorough else "some"]:
                replies = await ask_all(rows, ports, proto)
                for row, (ours, theirs) in zip(rows, replies, strict=True):
                    octets = [packet[2:] for packet in ours] == [packet[2:] for packet in theirs]
                    report.add(Pair(setup, row, proto, read(ours), read(theirs), octets))


async def _run(options: argparse.Namespace) -> Report:
    report = Report(options.examples, options.samples)
    chosen = [
        setup for setup in chain(setups.read(), distributions.read()) if setup.name in (options.setup or [setup.name])
    ]
    async with world(objects(options.objects), options.api_port, options.upstream_port) as around:
        for setup in chosen:
            if lacking := setup.plugins - available():
                print(f"{setup.name}: kdns does not have {', '.join(sorted(lacking))}", flush=True)
                continue
            print(f"{setup.name} ...", file=sys.stderr, flush=True)
            try:
                await _compare(setup, around, options.other, report)
            except (AssertionError, TimeoutError) as error:
                report.failed[setup.name] = str(error) or "not ready in time"
    return report


def main(arguments: list[str]) -> int:
    """Compare and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=(__doc__ or "").split(";")[0])
    parser.add_argument("other", metavar="COMMAND|ADDRESS", help="with {corefile} and {port}; or HOST:PORT")
    parser.add_argument("--setup", action="append", help="only this one (may be repeated)")
    parser.add_argument("--objects", action="append", type=Path, default=[], help="YAML file of the cluster's objects")
    parser.add_argument("--examples", type=int, default=3, help="how many of each kind of difference are shown")
    parser.add_argument("--samples", type=int, default=0, help="how many of each difference with a reason are shown")
    parser.add_argument("--api-port", type=int, default=0, help="where the API server listens (any free port)")
    parser.add_argument("--upstream-port", type=int, default=0, help="where the upstream listens (any free port)")
    report = asyncio.run(_run(parser.parse_args(arguments)))
    print("\n".join(report.lines()))
    return 1 if report.open or report.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
