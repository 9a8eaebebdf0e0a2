"""Message ids and source ports that nobody outside can guess (RFC 5452; GHSA-gv9j-4w24-q7vx was a guessable id).

The operating system's generator is asked for many at once: a system call per question would cost more than the
question. A forked worker must not repeat its parent's ids, so the stock is thrown away in the child.
"""

import os
from struct import Struct

_DRAW = Struct("2sB")
_STOCK = 1024
_stock: list[tuple[bytes, int]] = []
_take = _stock.pop


def draw() -> tuple[bytes, int]:
    """A random message id, two bytes, and a random number from 0 to 255 to pick a source port with."""
    try:
        return _take()
    except IndexError:
        _stock.extend(_DRAW.iter_unpack(os.urandom(_STOCK * _DRAW.size)))
        return _take()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_stock.clear)
