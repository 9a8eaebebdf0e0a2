"""Ids that nobody can guess, not even the process that was forked off."""

import subprocess
import sys

from kdns.net.entropy import draw

FORKED = """
import os
from kdns.net.entropy import draw
draw()
ends, other = os.pipe()
if not os.fork():
    os.write(other, b"".join(draw()[0] for _ in range(50)))
    os._exit(0)
os.wait()
print(os.read(ends, 1000) != b"".join(draw()[0] for _ in range(50)))
"""


def test_draws_are_spread_over_all_ids_and_numbers() -> None:
    draws = [draw() for _ in range(20000)]
    assert all(len(ident) == 2 for ident, _ in draws)
    assert len({ident for ident, _ in draws}) > 16000
    assert {number for _, number in draws} == set(range(256))


def test_a_forked_worker_does_not_repeat_its_parents_ids() -> None:
    forked = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True)
    assert forked.stdout == "True\n"
