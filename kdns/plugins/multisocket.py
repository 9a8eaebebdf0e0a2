"""multisocket: several sockets for each address of the block.

::

    multisocket [N]

Opens N sockets, 1 to 1024, on every address, default as many as the process may use CPUs. They share the port
(SO_REUSEPORT), the kernel spreads queries over them, and each has a buffer of its own, so a burst of queries is less
likely to be lost. All are served by one process, on one CPU. Where several blocks share an address, the first one's
number holds.

Errors: "invalid num sockets: ...", "num sockets can not be zero or negative: N", "num sockets exceeds maximum (1024):
N", more than one argument, or a second line. Metrics: none.

Example::

    .:1053 {
        multisocket 2
        whoami
    }
"""

import os

from kdns.chain.site import Site
from kdns.corefile import Arguments

MAX = 1024


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
    """CPUs that the process may run on, as far as the system tells."""
    usable = getattr(os, "sched_getaffinity", None)
    return min(len(usable(0)) if usable else os.cpu_count() or 1, MAX)
