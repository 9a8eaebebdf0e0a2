"""File descriptors after a fork."""

import os
from collections.abc import Collection
from pathlib import Path

_OPEN = Path("/proc/self/fd")


def keep_only(wanted: Collection[int]) -> None:
    """Let every descriptor but these, and those of input and output, lead nowhere.

    They are not closed: what the parent's loop left in memory knows their numbers, and a number that is used again for
    another file would fall into its hands. Its epoll, above all, is shared with the parent while it can be reached.
    """
    nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    for name in os.listdir(_OPEN):
        number = int(name)
        if number > 2 and number not in wanted and number != nowhere:
            os.dup2(nowhere, number, inheritable=False)
