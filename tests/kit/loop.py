"""An event loop whose time passes only when it has nothing else to do, so that a test of waiting does not wait.

    def test_x() -> None:
        run(main())        # `await asyncio.sleep(3600)` in it takes no time and is exact

Sleeps end in order and at once. Work for threads is done in place: what it reads is read before time goes on. The loop
is for coroutines that wait for time, not for sockets.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Tells of what is ready now; where the loop would wait, its clock is moved instead."""

    passed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events:
            if timeout is None:
                raise RuntimeError("everything waits for something that will not happen")
            self.passed += timeout
        return events


class Loop(asyncio.SelectorEventLoop):
    """The stock loop with a clock of its own, which starts at 0."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.passed

    def run_in_executor(  # type: ignore[override]
        self, executor: object, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it, as an executor does
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on such a loop."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)
