"""CPU per exchange with an upstream on loopback, by the way of waiting for it.

    python -m tests.bench.exchange [--seconds 4] [--in-flight 64] [--loop uvloop|asyncio]

The ways are measured in turn, in windows of 80 ms, so that a busy machine disturbs all of them alike; compare the
figures of one run with one another only. `bare` is the least a Python program can do: 32 questions sent, and 32 replies
received, on one connected socket, with nothing checked. The upstream is a process of its own that sends questions back.
"""

import argparse
import asyncio
import os
import signal
import socket
import time
from collections.abc import Coroutine
from itertools import cycle

from kdns.net.transaction import Transaction, question_of
from kdns.net.upstream import Upstream
from tests.kit.upstream import question

WINDOW = 0.08
BURST = 32
MESSAGES = [question(f"n{number:06}.example.com", edns=True) for number in range(5000)]
QUESTIONS = [(message, question_of(message)) for message in MESSAGES]


def echo(sock: socket.socket) -> None:
    """Send every question back as a reply."""
    while True:
        message, peer = sock.recvfrom(4096)
        sock.sendto(message[:2] + b"\x81\x80" + message[4:], peer)


class Window:
    """Keeps so many exchanges in flight until it is over."""

    def __init__(self, upstream: Upstream, in_flight: int) -> None:
        self.upstream = upstream
        self.in_flight = in_flight
        self.questions = cycle(QUESTIONS)
        self.answered = 0
        self.until = 0.0
        self.over = asyncio.get_running_loop().create_future()

    async def run(self, way: str) -> float:
        """CPU time of this process per exchange, in microseconds."""
        begun = time.process_time()
        self.until = time.monotonic() + WINDOW
        if way == "bare":
            self._bare()
        else:
            tasks = [self._start(way) for _ in range(self.in_flight)]
            await self.over
            del tasks
        return (time.process_time() - begun) / self.answered * 1e6

    def _start(self, way: str) -> object:
        if way == "task":
            return asyncio.create_task(self._repeat())
        return asyncio.get_running_loop().call_soon(self._call if way == "callback" else self._drive)

    def _more(self) -> bool:
        self.answered += 1
        if time.monotonic() < self.until:
            return True
        self.in_flight -= 1
        if not self.in_flight:
            self.over.set_result(None)
        return False

    def _call(self, done: Transaction | None = None) -> None:
        if done is None or self._more():
            message, asked = next(self.questions)
            self.upstream.exchange(message, question=asked).add_done_callback(self._call)

    def _drive(self) -> None:
        Driven(self, self._ask()).step()

    async def _ask(self) -> bytes:
        message, asked = next(self.questions)
        return await self.upstream.exchange(message, question=asked)

    async def _repeat(self) -> None:
        await self._ask()
        while self._more():
            await self._ask()

    def _bare(self) -> None:
        with self.upstream.endpoint.datagram_socket() as sock:
            sock.setblocking(True)
            while time.monotonic() < self.until:
                for _ in range(BURST):
                    sock.send(next(self.questions)[0])
                for _ in range(BURST):
                    sock.recv(4096)
                self.answered += BURST


class Driven:
    """A coroutine that is driven by hand, as the server drives a query."""

    __slots__ = ("_window", "_work")

    def __init__(self, window: Window, work: Coroutine[Transaction, None, bytes]) -> None:
        self._window = window
        self._work = work

    def step(self, _: object = None) -> None:
        try:
            waited_for = self._work.send(None)
        except StopIteration:
            if self._window._more():
                self._window._drive()
        else:
            waited_for.add_done_callback(self.step)


async def measure(port: int, seconds: float, in_flight: int) -> None:
    """Print a line for each way."""
    upstream = Upstream("127.0.0.1", port)
    found: dict[str, list[float]] = {"bare": [], "callback": [], "driven": [], "task": []}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for way, figures in found.items():
            figures.append(await Window(upstream, in_flight).run(way))
    upstream.close()
    for way, figures in found.items():
        figures.sort()
        low, middle = figures[len(figures) // 10], figures[len(figures) // 2]
        print(f"{way:9} {low:6.2f} µs (10th percentile) {middle:6.2f} µs (median of {len(figures)} windows)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--loop", choices=["uvloop", "asyncio"], default="uvloop")
    options = parser.parse_args()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sock.bind(("127.0.0.1", 0))
        child = os.fork()
        if not child:
            echo(sock)
        factory = asyncio.new_event_loop
        if options.loop == "uvloop":
            import uvloop

            factory = uvloop.new_event_loop
        try:
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(measure(sock.getsockname()[1], options.seconds, options.in_flight))
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


if __name__ == "__main__":
    main()
