"""One question on its way to an upstream, and the rule by which a message is its reply.

A reply has the id of its question, QR set, the same opcode, exactly one question, and that question is the asked one:
names in any letter case, type and class bit for bit (RFC 5452 section 9.1). Everything is compared on the wire's bytes,
so a compressed or otherwise odd question is no match. What follows the question is the caller's to judge.

A transaction is future-like, with one difference: its callbacks run at once, in the tick the reply is read, where a
future's wait for the loop's next. A coroutine that is driven by hand goes on a third of the exchange's cost sooner. A
task notices nothing: it hands in a context, and is called as it would be by a future.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from functools import partial
from typing import Any

from kdns.net.failures import MalformedQuestion

HEADER = 12
MAX_MESSAGE = 65535
_MAX_LABEL = 63
_MAX_NAME = 255
_ONE_QUESTION = b"\0\1"
_QR = 0x80
_QR_OPCODE = 0xF8


def question_of(message: bytes) -> bytes:
    """Name, type and class of a message's only question. Raises MalformedQuestion."""
    if message[4:6] != _ONE_QUESTION:
        raise MalformedQuestion("not exactly one question")
    at = HEADER
    try:
        while length := message[at]:
            if length > _MAX_LABEL:
                raise MalformedQuestion("the question's name is not made of plain labels")
            at += length + 1
    except IndexError:
        raise MalformedQuestion("the question ends in the middle") from None
    if at >= HEADER + _MAX_NAME or at + 5 > len(message):
        raise MalformedQuestion("the question's name is too long, or its type and class are missing")
    return message[HEADER : at + 5]


class Transaction:
    """An awaitable that gives the reply under the question's own id, or raises an UpstreamError.

    Who made the message may hand in its question, which is then not looked for; a wrong one is a reply that never
    comes. Raises MalformedQuestion.
    """

    __slots__ = ("_callback", "_outcome", "deadline", "message", "question", "second_try")

    def __init__(self, message: bytes, deadline: float, question: bytes | None = None) -> None:
        self.message = message
        self.question = question or question_of(message)
        self.deadline = deadline
        """Loop time after which the upstream has been silent for too long."""
        self.second_try = False
        """It was sent before, or almost: where the upstream was found to have closed the connection or the port."""
        self._outcome: bytes | BaseException | None = None
        self._callback: Callback | None = None

    def accepts(self, reply: bytes) -> bool:
        """Whether a message with the id this question was sent under is its reply."""
        return (
            (reply.startswith(self.question, HEADER) or self._accepts_case(reply))
            and (reply[2] ^ self.message[2]) & _QR_OPCODE == _QR
            and reply[4:6] == _ONE_QUESTION
        )

    def _accepts_case(self, reply: bytes) -> bool:
        echoed = reply[HEADER : HEADER + len(self.question)]
        return len(echoed) == len(self.question) and _folded(echoed) == _folded(self.question)

    def finish(self, reply: bytes) -> None:
        """Give those who wait the reply. The first outcome stands."""
        if self._outcome is None:
            self._outcome = self.message[:2] + reply[2:]
            if self._callback is not None:
                self._callback(self)

    def fail(self, error: BaseException) -> None:
        """Let those who wait raise an error. The first outcome stands."""
        if self._outcome is None:
            self._outcome = error
            if self._callback is not None:
                self._callback(self)

    def __await__(self) -> Generator[Any, None, bytes]:
        if self._outcome is None:
            yield self
        return self.result()

    def done(self) -> bool:
        """Whether there is an outcome."""
        return self._outcome is not None

    def result(self) -> bytes:
        """The reply. Raises what went wrong, or InvalidStateError as long as there is no outcome."""
        outcome = self._outcome
        if isinstance(outcome, bytes):
            return outcome
        if outcome is None:
            raise asyncio.InvalidStateError("no outcome yet")
        raise outcome.with_traceback(None)  # many may share it, and their tracebacks would add up

    def exception(self) -> BaseException | None:
        """What went wrong, if anything did."""
        return self._outcome if isinstance(self._outcome, BaseException) else None

    def add_done_callback(self, callback: "Callback", *, context: Context | None = None) -> None:
        """Call `callback(self)` in the tick the outcome is known; with a context, in the next, as tasks want it."""
        if context is not None:
            callback = partial(_call_soon, callback, context)
        if self._outcome is not None:
            callback(self)
        elif self._callback is None:
            self._callback = callback
        elif isinstance(self._callback, _Several):
            self._callback.append(callback)
        else:
            self._callback = _Several([self._callback, callback])

    def remove_done_callback(self, callback: "Callback") -> int:
        """Forget a callback; how many times it was there."""
        here = self._callback if isinstance(self._callback, _Several) else _Several(filter(None, [self._callback]))
        left = _Several(other for other in here if other != callback)
        self._callback = left or None
        return len(here) - len(left)

    def cancel(self, msg: object = None) -> bool:
        """Give up waiting: those who wait get CancelledError. The reply, when it comes, is still known as one."""
        if self._outcome is not None:
            return False
        self.fail(asyncio.CancelledError())
        return True

    def cancelled(self) -> bool:
        """Whether waiting was given up."""
        return isinstance(self._outcome, asyncio.CancelledError)

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The running loop: a transaction belongs to no other."""
        return asyncio.get_running_loop()

    @property
    def _asyncio_future_blocking(self) -> bool:
        """What marks a future to who drives a coroutine; see `asyncio.isfuture`."""
        return True

    @_asyncio_future_blocking.setter
    def _asyncio_future_blocking(self, value: bool) -> None:
        pass


Callback = Callable[[Transaction], object]


class _Several(list[Callback]):
    """More than one who waits for the same reply."""

    def __call__(self, transaction: Transaction) -> None:
        for callback in self:
            callback(transaction)


def _call_soon(callback: Callback, context: Context, transaction: Transaction) -> None:
    asyncio.get_running_loop().call_soon(callback, transaction, context=context)


def _folded(question: bytes) -> bytes:
    """Letters of the name in lower case. Length bytes are below the letters; type and class, the last four, are not."""
    return question[:-4].lower() + question[-4:]
