"""What the garbage collector looks at, in a process of its own: it is one for all of a process."""

import subprocess
import sys

PROGRAM = """
import gc, weakref
from kdns.server import collector

class Cycle:
    def __init__(self):
        self.me = self

collector.expect_load()
print(gc.get_threshold() == collector.LOADING)
old, young = weakref.ref(Cycle()), None
collector.overlook_loaded()
gc.collect()
print(gc.get_freeze_count() > 1000, old() is not None, gc.get_threshold() == collector.THRESHOLDS)
young = weakref.ref(Cycle())
gc.collect(0)
print(young() is None)
collector.forget_replaced()
print(old() is None, gc.get_freeze_count() > 1000)
"""


def test_what_is_loaded_is_overlooked_until_it_is_replaced() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n") == ["True", "True True True", "True", "True True", ""]
