"""What lives in memory, by type, counted a slice at a time so that queries are answered in between.

The garbage collector's list of objects is taken at once, some 15 milliseconds for a million of them, and then counted
down. It has containers and instances; strings, numbers and bytes are not in it, nor what was frozen.
"""

import asyncio
import gc
import sys
from collections.abc import Iterable

SLICE = 2000
"""Objects that are counted between two turns of the loop: some 2 milliseconds."""
MAX_TYPES = 300
"""Types that are told, the largest."""

Counts = dict[type, list[int]]
"""Number of objects of a type, and their octets without what they refer to."""


async def count() -> Counts:
    """The objects of the process; those that are made meanwhile are not counted, those that die live till the end."""
    counts: Counts = {}
    for generation in range(3):
        objects = gc.get_objects(generation)
        while objects:
            add(counts, objects[-SLICE:])
            del objects[-SLICE:]
            await asyncio.sleep(0)
    return counts


def add(counts: Counts, objects: Iterable[object]) -> None:
    """Count some more."""
    for each in objects:
        entry = counts.setdefault(type(each), [0, 0])
        entry[0] += 1
        entry[1] += sys.getsizeof(each, 0)


def table(counts: Counts) -> bytes:
    """The types, those first that take most, below their sum."""
    largest = sorted(counts.items(), key=lambda entry: -entry[1][1])
    lines = [f"{number:>12} {size:>14} {_name(kind)}" for kind, (number, size) in largest[:MAX_TYPES]]
    numbers, sizes = (sum(entry[i] for entry in counts.values()) for i in range(2))
    head = [
        f"{'objects':>12} {'octets':>14} type",
        f"{numbers:>12} {sizes:>14} all {len(counts)} types",
        f"{sys.getallocatedblocks():>12} {'':>14} blocks allocated by the interpreter",
    ]
    return "\n".join([*head, *lines, ""]).encode()


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
