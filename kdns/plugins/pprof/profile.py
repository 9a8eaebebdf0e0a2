"""CPU time by stack, by looking at one thread from another (`sys._current_frames`).

A hundred times a second the stack of the thread is taken, and the CPU time that it has spent since the last look is put
down to it: so waiting for packets weighs nothing. Looking takes some 20 microseconds in which the thread has to wait.
Where threads have no CPU clock, every look weighs the same, and waiting shows.

The looker needs the interpreter's lock, and gets it most easily where the thread gives it up: system calls are seen a
little more often than they should be.
"""

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import FrameType

PERIOD = 0.01
"""Seconds between two looks."""
MAX_DEPTH = 200
"""Functions of a stack that are told apart, from the innermost."""
MAX_STACKS = 10_000
"""Stacks that are told apart; all others are one."""

OTHERS = "(others)"

Stacks = Counter[str]


async def take(seconds: float, stop: threading.Event, clock: Callable[[], float]) -> Stacks:
    """Microseconds of CPU time by stack of the calling thread, over so many seconds or until `stop` is set."""
    return await asyncio.to_thread(look, threading.get_ident(), seconds, stop, clock)


def look(thread: int, seconds: float, stop: threading.Event, clock: Callable[[], float]) -> Stacks:
    """The same of another thread; blocks."""
    stacks, spent = Stacks(), _cpu_clock(thread)
    end, before = clock() + seconds, spent()
    while clock() < end and not stop.wait(PERIOD):
        frame = sys._current_frames().get(thread)
        now = spent()
        if frame is not None and now > before:
            stack = _stack(frame)
            stacks[stack if stack in stacks or len(stacks) < MAX_STACKS else OTHERS] += now - before
        before = now
        del frame
    return stacks


def collapsed(stacks: Stacks) -> bytes:
    """A line for each stack, its functions parted by semicolons, the most expensive first."""
    return "".join([f"{stack} {spent}\n" for stack, spent in stacks.most_common()]).encode()


def _cpu_clock(thread: int) -> Callable[[], int]:
    """Microseconds of CPU time that a thread has spent; without such a clock, `PERIOD` more at each look."""
    if not hasattr(time, "pthread_getcpuclockid"):
        looks = iter(range(0, sys.maxsize, round(PERIOD * 1e6)))
        return lambda: next(looks)
    number = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime_ns(number) // 1000


def _stack(frame: FrameType | None) -> str:
    functions: list[str] = []
    while frame is not None and len(functions) < MAX_DEPTH:
        functions.append(f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}")
        frame = frame.f_back
    return ";".join(reversed(functions))
