"""Runs the main coroutine of a process, and forks between two rounds of its loop.

Within a callback a fork would leave the child in the middle of the parent's loop. Between two rounds no loop runs and
no callback is under way, so the child can begin one of its own; what the parent's loop knows stays in the child's
memory, untouched.

A fork takes the locks of other threads with it but not the threads. So the threads of the default executor are let go
before, which takes as long as what they are doing. Signals that come in between wait until the loop runs again.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
import threading
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NoReturn

LOOK, LOOKS_SELDOM = 0.002, 1.0
"""Seconds between two looks at whether threads have ended: at first, and after it has doubled often enough."""
CRASHED = 70
"""Exit status of a child with a failure that nobody foresaw (EX_SOFTWARE of sysexits.h)."""

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGHUP)
"""Are for the first process only. A terminal sends some of them to all."""


_log = logging.getLogger("kdns")


class Birth:
    """A wish to fork. `child` runs in the child and gives its exit status.

    `born` is told in the parent, while no loop runs yet: the child's id, or the error that prevented it.
    """

    __slots__ = ("born", "cancelled", "child")

    def __init__(self, child: Callable[[], int], born: Callable[[int | OSError], None]) -> None:
        self.child = child
        self.born = born
        self.cancelled = False


class Rounds:
    """See the module. `loop_factory` is as for `asyncio.Runner`."""

    def __init__(self, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None) -> None:
        self.loop_factory = loop_factory
        self._births: deque[Birth] = deque()
        self._pause: asyncio.Future[None] | None = None
        self._pausing: asyncio.Task[None] | None = None
        self._executor: ThreadPoolExecutor | None = None

    def run(self, main: Coroutine[Any, Any, int]) -> int:
        """Run to its end; the status it gives."""
        # The runner is not closed: that would wait for threads, which may sit in a slow read of no worth to anyone.
        runner = asyncio.Runner(loop_factory=self.loop_factory)
        loop = runner.get_loop()
        self._renew_executor(loop)
        task = loop.create_task(main)
        while True:
            runner.run(self._round(task))
            if task.done():
                return task.result()
            self._fork()

    def fork(self, birth: Birth) -> None:
        """Fork as soon as there are no other threads. To be called in a coroutine of `run`."""
        self._births.append(birth)
        self._prepare()

    def _prepare(self) -> None:
        if self._pausing is None or self._pausing.done():
            self._pausing = asyncio.get_running_loop().create_task(self._when_alone())

    async def _when_alone(self) -> None:
        patience = LOOK
        while self._births:
            if threading.active_count() > 1:
                self._renew_executor(asyncio.get_running_loop())
                await asyncio.sleep(patience)
                if patience < LOOKS_SELDOM <= 2 * patience:
                    _log.warning("A further process has to wait for %d threads", threading.active_count() - 1)
                patience = min(2 * patience, LOOKS_SELDOM)
                continue
            signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
            if self._pause is not None and not self._pause.done():
                self._pause.set_result(None)
            return

    def _renew_executor(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the threads of the executor go when they have done what they are at."""
        old, self._executor = self._executor, ThreadPoolExecutor(thread_name_prefix="asyncio")
        loop.set_default_executor(self._executor)
        if old is not None:
            old.shutdown(wait=False)

    async def _round(self, main: "asyncio.Task[int]") -> None:
        self._pause = asyncio.get_running_loop().create_future()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        if self._births:
            self._prepare()
        await asyncio.wait((main, self._pause), return_when=asyncio.FIRST_COMPLETED)

    def _fork(self) -> None:
        while self._births and self._births[0].cancelled:
            self._births.popleft()
        if not self._births or threading.active_count() > 1:
            return
        birth = self._births.popleft()
        gc.collect(1)
        gc.freeze()  # so that the collector of neither process writes to what both have
        sys.stdout.flush()
        try:
            pid = _forked()
        except OSError as error:
            birth.born(error)
            return
        if pid == 0:
            _live(birth.child)
        birth.born(pid)


def _forked() -> int:
    with warnings.catch_warnings():
        # Python 3.12 sees all threads of the system. Left are those of libuv, which begins anew in a child.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _live(child: Callable[[], int]) -> NoReturn:
    status = CRASHED
    try:
        signal.set_wakeup_fd(-1)
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        status = child()
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(status)
