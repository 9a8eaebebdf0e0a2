"""How Python's garbage collector is kept from stopping the loop.

A full collection walks over every container there is: 25 ms with 100 000 endpoints, and more with a full memo, in
which no query is answered. So what a configuration made while it came up is taken out of its sight once, when the
first load is over, and full collections are left for when a million containers have been added since. Young ones go on:
they find the cycles that connections and tasks leave, in well under a millisecond.
"""

import gc

THRESHOLDS = 2000, 10, 50
"""Containers added before the youngest are looked at, and how many such rounds before the next older ones are."""


LOADING = 10_000, 100, 100
"""The same for the time until the first load is over, when hardly anything that is made becomes garbage."""


def expect_load() -> None:
    """Look seldom until `overlook_loaded`: looking at what stays costs a twentieth of a start."""
    gc.set_threshold(*LOADING)


def overlook_loaded() -> None:
    """Look no more at what there is now."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


def forget_replaced() -> None:
    """Drop what a configuration left that is no longer in force; takes as long as a full collection."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
