"""One worker as the first process sees it."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import msgspec

from kdns.chain.roles import Informant
from kdns.metrics import Figures
from kdns.server.workers.link import Link, Word

PERIOD = 1.0
"""Seconds between two questions whether it lives."""
PATIENCE = 10
"""Such questions without an answer after which it is killed."""
MAX_BEHIND = 1 << 26
"""Octets of changes that it may not have read yet; with more it is killed."""
REAP = 0.002
"""Seconds between two looks at whether a process that let go of its link has ended."""

_figures = msgspec.msgpack.Decoder(list[Figures])
_NUMBER = 2


class Worker:
    """A process that was forked, from now until it has ended.

    `serving` is called when it reads its sockets, `stop` when it wants the whole server to end with a status, `over`
    once when it reads them no more: it has ended, or is about to be killed.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pid: int,
        sock: socket.socket,
        informants: Sequence[Informant],
        *,
        serving: Callable[[], None],
        stop: Callable[[int], None],
        over: Callable[[], None],
    ) -> None:
        self.pid = pid
        self.leaving = False
        self.figures: list[Figures] | None = None
        """The last that it told."""
        self._loop = loop
        self._serving = serving
        self._stop = stop
        self._over = over
        self._unanswered = 0
        self._complaint = self._outcome = ""
        self._asked: asyncio.Future[None] | None = None
        self._ended: asyncio.Future[None] = loop.create_future()
        self._link = Link(loop, sock, self._heard, self._lost)
        self._silence = [one.inform(partial(self._tell, number)) for number, one in enumerate(informants)]
        self._timer = loop.call_later(PERIOD, self._ping)

    @property
    def alive(self) -> bool:
        """Whether it has not ended yet, as far as is known."""
        return not self._ended.done()

    def leave(self) -> None:
        """Have it take nothing new, answer what it was asked, and end."""
        if not self.leaving:
            self.leaving = True
            self._be_silent()
            self._link.send(Word.LEAVE)

    def kill(self, complaint: str = "") -> None:
        """End it now."""
        if not self._outcome:
            self._complaint = self._complaint or complaint
            self._kill()
            self._lost()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def ask(self) -> None:
        """Have it tell its figures."""
        if self._ended.done():
            return
        if self._asked is None or self._asked.done():
            self._asked = self._loop.create_future()
            self._link.send(Word.ASK)
        await asyncio.shield(self._asked)

    async def ended(self) -> str:
        """Wait for its end: what came of it, for the log."""
        await asyncio.shield(self._ended)
        if not self._outcome:
            self._kill()  # it ends now in any case, and its status is settled
        while not self._outcome:
            if cause := _reaped(self.pid):
                self._outcome = self._complaint or cause
            else:
                await asyncio.sleep(REAP)
        return self._outcome

    def _heard(self, word: Word, body: bytes) -> None:
        self._unanswered = 0
        match word:
            case Word.SERVING if not self.leaving:
                self._serving()
            case Word.FIGURES | Word.LEFT:
                self.figures = _figures.decode(body)
                self._answered()
            case Word.STOP:
                self._stop(body[0])
            case _:
                pass

    def _answered(self) -> None:
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(None)

    def _tell(self, number: int, change: bytes) -> None:
        self._link.send(Word.CHANGE, number.to_bytes(_NUMBER, "big") + change)

    def _ping(self) -> None:
        if self._unanswered >= PATIENCE:
            self.kill(f"did not answer for {PATIENCE * PERIOD:.0f} s and was killed")
        elif self._link.behind > MAX_BEHIND:
            self.kill("did not keep up with the changes and was killed")
        else:
            self._unanswered += 1
            self._link.send(Word.PING)
            self._timer = self._loop.call_later(PERIOD, self._ping)

    def _lost(self) -> None:
        if not self._ended.done():
            self._timer.cancel()
            self._link.close()
            self._be_silent()
            self._answered()
            self._ended.set_result(None)
            self._over()

    def _be_silent(self) -> None:
        while self._silence:
            self._silence.pop()()


def _reaped(pid: int) -> str:
    """What ended a child, empty while it has not ended."""
    try:
        found, status = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:  # who ignores SIGCHLD has no children that wait to be reaped (waitpid(2))
        return "ended"
    return _cause(os.waitstatus_to_exitcode(status)) if found else ""


def _cause(status: int) -> str:
    """What ended a process, by its exit code."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
