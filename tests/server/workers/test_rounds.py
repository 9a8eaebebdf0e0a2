"""Forks of a process of its own, whose loop goes on; warnings are errors in it."""

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="further processes are for Linux")

HEAD = """
import asyncio, os, signal, sys, threading, time
from functools import partial
from kdns.server.workers.rounds import SIGNALS, Birth, Rounds

def factory():
    if sys.argv[1] == "uvloop":
        import uvloop
        return uvloop.new_event_loop()
    return asyncio.new_event_loop()

rounds = Rounds(factory)

async def fork(child):
    born = asyncio.get_running_loop().create_future()
    rounds.fork(Birth(child, born.set_result))
    return await born

def status(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.fixture(params=["asyncio", "uvloop"])
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(loop: str, text: str) -> tuple[int, str, str]:
    program = [sys.executable, "-W", "error", "-c", HEAD + textwrap.dedent(text), loop]
    done = subprocess.run(program, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_the_loop_goes_on_in_the_parent_and_another_begins_in_the_child(loop: str) -> None:
    text = """
        ticks = []

        async def tick():
            while True:
                ticks.append(os.getpid())
                await asyncio.sleep(0.001)

        async def life():
            before = len(ticks)
            await asyncio.sleep(0.05)
            return 10 if len(ticks) == before else 1  # the parent's tasks do not run here

        def child():
            assert not asyncio._get_running_loop()
            return asyncio.Runner(loop_factory=factory).run(life())

        async def main():
            ticking = asyncio.create_task(tick())
            pids = [await fork(child) for _ in range(3)]
            now = len(ticks)
            await asyncio.sleep(0.05)
            assert len(ticks) > now
            print([status(pid) for pid in pids])
            ticking.cancel()
            return 7

        sys.exit(rounds.run(main()))
    """
    assert run(loop, text) == (7, "[10, 10, 10]\n", "")


def test_threads_are_waited_for_and_the_next_ones_are_others(loop: str) -> None:
    text = """
        async def main():
            await asyncio.to_thread(time.sleep, 0)  # one that is idle now
            slow = asyncio.create_task(asyncio.to_thread(time.sleep, 0.2))
            await asyncio.sleep(0.01)
            assert threading.active_count() > 1
            pid = await fork(lambda: threading.active_count())
            assert slow.done()
            print(status(pid), await asyncio.to_thread(lambda: "works"))
            return 0

        sys.exit(rounds.run(main()))
    """
    assert run(loop, text) == (0, "1 works\n", "")


def test_no_signal_is_lost_on_the_way_and_children_ignore_them(loop: str) -> None:
    text = """
        async def main():
            seen = []
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, seen.append, "TERM")
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, seen.append, "USR1")
            for number in (signal.SIGTERM, signal.SIGUSR1):
                os.register_at_fork(before=partial(os.kill, os.getpid(), number))

            def child():
                for number in SIGNALS:
                    os.kill(os.getpid(), number)
                return 3

            pid = await fork(child)
            while len(seen) < 2:
                await asyncio.sleep(0.001)
            print(sorted(seen), status(pid))
            return 0

        sys.exit(rounds.run(main()))
    """
    assert run(loop, text) == (0, "['TERM', 'USR1'] 3\n", "")


def test_a_child_that_fails_tells_why_and_runs_nothing_of_the_parent(loop: str) -> None:
    text = """
        async def main():
            try:
                pid = await fork(lambda: 1 / 0)
                print(status(pid))
            finally:
                print("once")
            return 0

        sys.exit(rounds.run(main()))
    """
    outcome, output, errors = run(loop, text)
    assert (outcome, output) == (0, "70\nonce\n")
    assert errors.endswith("ZeroDivisionError: division by zero\n")


def test_a_fork_that_is_no_longer_wanted_and_one_that_the_system_refuses(loop: str) -> None:
    text = """
        async def main():
            birth = Birth(lambda: 0, print)
            rounds.fork(birth)
            birth.cancelled = True
            await asyncio.sleep(0.02)
            real, os.fork = os.fork, lambda: (_ for _ in ()).throw(BlockingIOError(11, "full"))
            print(await fork(lambda: 0))
            os.fork = real
            print(status(await fork(lambda: 5)))
            return 0

        sys.exit(rounds.run(main()))
    """
    assert run(loop, text) == (0, "[Errno 11] full\n5\n", "")
