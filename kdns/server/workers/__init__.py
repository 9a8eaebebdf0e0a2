"""Further processes of the server, which answer queries on sockets of their own (`multisocket`).

The first process is the server: it follows the cluster, has all endpoints, reloads, obeys signals. It opens all sockets
and serves them until the first load is over. Then it forks workers, each of which reads some of the sockets, and stops
reading these when the worker says that it does. It keeps them open, so it goes on with them where a worker ends.

    rounds     runs a process's main coroutine, and forks between two rounds of its loop
    link       the socket pair of a worker: frames in order, nothing shared, nothing awaited
    worker     one worker as the first process sees it
    crew       the workers of the instance in force: begun, begun again, asked for figures, sent away
    life       what a worker does, from the fork to its end
    descriptors  which of the parent's descriptors it keeps

Theory. A worker takes over nothing that belongs to the parent's loop. It builds an instance of its own from the same
Corefile, as a reload does; only what `chain.roles.Informant`s have is shared, as memory that the fork did not copy, and
followed from the very round of the fork on by the changes that the parent sends. So the laws of kept replies hold in
each process by themselves, and processes differ by the time that a frame takes.
"""

import os
import sys


def supported() -> bool:
    """Whether the system forks, and spreads what comes to one port over sockets (SO_REUSEPORT of Linux)."""
    return sys.platform == "linux" and hasattr(os, "fork")
