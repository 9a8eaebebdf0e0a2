"""Which upstream is asked first, and which after it (`plugins.md`, forward, query path 2)."""

import random
from collections.abc import Callable, Iterator
from itertools import cycle, permutations
from typing import TypeVar

P = TypeVar("P")
Order = Callable[[], tuple[P, ...]]

_MOST = 5
"""Upstreams of which all orders are made beforehand: 120 tuples at most."""


def sequential(proxies: tuple[P, ...]) -> Order[P]:
    """Always as configured."""
    return lambda: proxies


def round_robin(proxies: tuple[P, ...]) -> Order[P]:
    """Each goes first in turn, the second one at the first query; the others follow as configured."""
    fronts = range(len(proxies))
    turns: Iterator[tuple[P, ...]] = cycle([(proxies[i], *proxies[:i], *proxies[i + 1 :]) for i in fronts])
    next(turns)
    return turns.__next__


def shuffled(proxies: tuple[P, ...]) -> Order[P]:
    """All orders are equally likely. An attacker gains nothing by guessing one: ids and ports are drawn elsewhere."""
    if len(proxies) == 1:
        return lambda: proxies
    if len(proxies) > _MOST:
        return lambda: tuple(random.sample(proxies, len(proxies)))
    orders, chance = tuple(permutations(proxies)), random.random
    count = len(orders)
    return lambda: orders[int(chance() * count)]


POLICIES = {"random": shuffled, "round_robin": round_robin, "sequential": sequential}
