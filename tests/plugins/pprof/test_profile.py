import asyncio
import re
import sys
import threading
from collections.abc import Iterator

import pytest

from kdns.plugins.pprof import profile


@pytest.fixture
def busy() -> Iterator[threading.Thread]:
    """A thread that spends its time in `outer` and `inner`."""
    done, ready = threading.Event(), threading.Event()

    def inner() -> None:
        while not done.is_set():
            sum(range(100))

    def outer() -> None:
        ready.set()
        inner()

    thread = threading.Thread(target=outer)
    thread.start()
    ready.wait()
    yield thread
    done.set()
    thread.join()


def looks(number: int) -> Iterator[float]:
    """A clock by which a profile of a second has so many looks."""
    yield from [0.0] * (number + 1)
    yield 2.0


def test_time_is_put_down_to_the_stack_it_is_spent_in(busy: threading.Thread) -> None:
    clock = looks(20)
    assert busy.ident is not None
    stacks = profile.look(busy.ident, 1.0, threading.Event(), lambda: next(clock))
    inner = [
        spent for stack, spent in stacks.items() if "busy.<locals>.outer;" in stack and "busy.<locals>.inner" in stack
    ]
    assert sum(inner) >= 0.9 * sum(stacks.values())
    assert all(stack.startswith("threading.Thread._bootstrap;") for stack in stacks)
    assert 0 < sum(stacks.values()) < 10_000_000


def test_a_thread_that_waits_weighs_nothing() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    assert thread.ident is not None
    clock = looks(5)
    stacks = profile.look(thread.ident, 1.0, threading.Event(), lambda: next(clock))
    done.set()
    thread.join()
    assert sum(stacks.values()) < 5000


def test_without_a_clock_every_look_weighs_the_same(monkeypatch: pytest.MonkeyPatch, busy: threading.Thread) -> None:
    monkeypatch.delattr("time.pthread_getcpuclockid")
    clock = looks(7)
    assert busy.ident is not None
    stacks = profile.look(busy.ident, 1.0, threading.Event(), lambda: next(clock))
    assert sum(stacks.values()) == 7 * 10_000


def test_bounds(monkeypatch: pytest.MonkeyPatch, busy: threading.Thread) -> None:
    monkeypatch.setattr(profile, "MAX_STACKS", 0)
    monkeypatch.setattr(profile, "MAX_DEPTH", 2)
    clock = looks(5)
    assert busy.ident is not None
    stacks = profile.look(busy.ident, 1.0, threading.Event(), lambda: next(clock))
    assert list(stacks) == [profile.OTHERS]
    assert profile._stack(sys._getframe()).count(";") == 1


async def test_it_ends_when_told_to() -> None:
    stop = threading.Event()
    asyncio.get_running_loop().call_later(0.05, stop.set)
    stacks = await profile.take(3600, stop, lambda: 0.0)
    assert all(re.fullmatch(r"[^ ;]+(;[^ ;]+)*", stack) for stack in stacks)


def test_collapsed() -> None:
    assert profile.collapsed(profile.Stacks({"a;b": 5, "a;b;c": 70})) == b"a;b;c 70\na;b 5\n"
    assert profile.collapsed(profile.Stacks()) == b""
