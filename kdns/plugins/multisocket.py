"""multisocket: several sockets for each address of the block, and a process for each.

::

    multisocket [N]

Opens N sockets, 1 to 1024, on every address, default as many as the process may use CPUs, by its affinity and by the
limit of its control group. They share the port (SO_REUSEPORT), and the kernel spreads clients over them. Where several
blocks share an address, the first one's number holds.

On Linux each socket is served by a process of its own, up to 64 of them, so that N CPUs answer. They are forked from
the first one when everything is loaded; it alone follows the Kubernetes API, reloads, obeys signals and has the
endpoints of `health`, `ready`, `prometheus` and `pprof`. The others share its memory and its view of the cluster. One
that ends is followed by another, and its sockets are served by the first meanwhile; all end with the first. Metrics are
sums over all of them, but gauges other than `coredns_cache_entries`, and `process_*`, are those of the first. At a
reload the processes are replaced, and their TCP connections are closed when what they asked is answered. An address
that has a block with `secondary`, or with a `dnstap` that collectors connect to, is served by the first process alone.

Each process has a cache, upstream connections and health checks of its own. So `cache` has up to N times its capacity,
a name is fetched up to N times, and bounds like `max_concurrent` of `forward` hold for each; `errors` consolidates, and
`erratic` counts, what the process has seen. Files of `hosts`, `file` and `auto` are read by each.

Errors: "invalid num sockets: ...", "num sockets can not be zero or negative: N", "num sockets exceeds maximum (1024):
N", more than one argument, or a second line. Metrics: none.

Example::

    .:1053 {
        multisocket 2
        whoami
    }
"""

import os
from pathlib import Path

from kdns.chain.site import Site
from kdns.corefile import Arguments

MAX = 1024
CGROUP = Path("/sys/fs/cgroup")
"""Where the control group of a container is: CPU time that it may use, in so many microseconds (cgroups(7))."""


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line, *others = args
    if others:
        raise others[0].wrong_count()
    if line.more > 1:
        line.rest()
        raise line.wrong_count()
    if not line.more:
        site.listen.sockets = _cpus()
        return
    number = line.integer(wrong="invalid num sockets: {error}")
    if number < 1:
        raise line.error(f"num sockets can not be zero or negative: {number}")
    if number > MAX:
        raise line.error(f"num sockets exceeds maximum ({MAX}): {number}")
    site.listen.sockets = number


def _cpus() -> int:
    """CPUs that the process may use, as far as the system tells."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(len(usable(0)) if usable else os.cpu_count() or 1, _limit(), MAX)


def _limit() -> int:
    """The limit of the control group in whole CPUs, as many as there could be without one."""
    for names in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):  # versions 2 and 1
        try:
            quota, period = " ".join([(CGROUP / name).read_text() for name in names]).split()
            if int(quota) > 0 and int(period) > 0:
                return max(1, -(-int(quota) // int(period)))
        except (OSError, ValueError):  # another version, or `max`
            continue
    return MAX
