"""A worker whose process only sleeps, and whose end of the link the test holds."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from msgspec import msgpack

from kdns.metrics import Registry
from kdns.server.workers import worker as room
from kdns.server.workers.link import Link, Word
from kdns.server.workers.worker import PATIENCE, Worker
from tests.kit.until import until


class Source:
    """An informant that says what it is told to."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[bytes], None]] = []

    def inform(self, listener: Callable[[bytes], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def learn(self, change: bytes) -> None:
        raise AssertionError("this is the first process")


class Double:
    """A worker with all that it tells the first process, and the other end of its link."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        mine, other = socket.socketpair()
        self.pid = os.posix_spawnp("sleep", ["sleep", "60"], os.environ)
        self.sources = [Source(), Source()]
        self.told: list[object] = []
        self.frames: list[tuple[Word, bytes]] = []
        self.worker = Worker(
            loop,
            self.pid,
            mine,
            self.sources,
            serving=lambda: self.told.append("serving"),
            stop=self.told.append,
            over=lambda: self.told.append("over"),
        )
        self.link = Link(loop, other, lambda word, body: self.frames.append((word, body)), lambda: None)

    def heard(self, word: Word) -> list[bytes]:
        return [body for each, body in self.frames if each is word]


@pytest.fixture
async def double(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Double]:
    monkeypatch.setattr(room, "PERIOD", 0.005)
    double = Double()
    yield double
    double.worker.kill()
    await double.worker.ended()
    double.link.close()


async def test_changes_are_told_by_the_number_of_who_knows_them(double: Double) -> None:
    double.sources[1].listeners[0](b"one")
    double.sources[0].listeners[0](b"two")
    await until(lambda: double.heard(Word.CHANGE) == [b"\0\1one", b"\0\0two"])


async def test_it_serves_and_wants_the_server_to_stop(double: Double) -> None:
    double.link.send(Word.SERVING)
    double.link.send(Word.STOP, b"\1")
    await until(lambda: double.told == ["serving", 1])


async def test_one_that_was_sent_away_is_told_nothing_more_and_does_not_serve_any_more(double: Double) -> None:
    double.worker.leave()
    double.worker.leave()
    double.link.send(Word.SERVING)
    double.link.send(Word.LEFT, msgpack.encode(Registry().figures()))
    await until(lambda: double.worker.figures == [])
    assert double.sources[0].listeners == []
    assert double.heard(Word.LEAVE) == [b""]
    assert double.told == []


async def test_figures_are_asked_for_once_however_many_wait_for_them(double: Double) -> None:
    registry = Registry()
    registry.counter("a_total", "A.").child().add(3)
    asking = [asyncio.create_task(double.worker.ask()) for _ in range(3)]
    await until(lambda: double.heard(Word.ASK))
    double.link.send(Word.FIGURES, msgpack.encode(registry.figures()))
    await asyncio.gather(*asking)
    assert double.worker.figures == registry.figures()
    assert len(double.heard(Word.ASK)) == 1


async def test_who_waits_for_figures_is_not_left_alone(double: Double) -> None:
    asking = asyncio.create_task(double.worker.ask())
    await until(lambda: double.heard(Word.ASK))
    double.link.close()
    await asking
    await double.worker.ask()


async def test_a_process_that_was_killed(double: Double) -> None:
    os.kill(double.pid, signal.SIGTERM)
    double.link.close()  # as the system does
    assert await double.worker.ended() in ("was killed by SIGTERM", "was killed by SIGKILL")
    assert double.told == ["over"]
    assert not double.worker.alive
    assert double.sources[0].listeners == []
    with pytest.raises(ProcessLookupError):
        os.kill(double.pid, 0)
    double.worker.kill()  # the number may be another process's by now


async def test_a_process_that_somebody_else_has_reaped(double: Double) -> None:
    os.kill(double.pid, signal.SIGKILL)
    await asyncio.to_thread(os.waitpid, double.pid, 0)
    double.link.close()
    assert await double.worker.ended() == "ended"


async def test_one_that_does_not_answer_is_killed(double: Double) -> None:
    assert await double.worker.ended() == f"did not answer for {PATIENCE * room.PERIOD:.0f} s and was killed"
    assert len(double.heard(Word.PING)) <= PATIENCE
    assert double.told == ["over"]


async def test_one_that_answers_lives(double: Double) -> None:
    for number in range(1, 3 * PATIENCE):
        await until(lambda: len(double.heard(Word.PING)) >= number)  # noqa: B023
        double.link.send(Word.PONG)
    assert double.worker.alive


async def test_one_that_does_not_keep_up_is_killed(double: Double, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_BEHIND", 1 << 20)
    double.link.close()
    double = Double()
    asyncio.get_running_loop().remove_reader(double.link._sock)
    for _ in range(64):
        double.sources[0].listeners[0](bytes(1 << 16))
    assert await double.worker.ended() == "did not keep up with the changes and was killed"
    double.link.close()


@pytest.mark.parametrize(
    ("status", "cause"), [(0, "ended with status 0"), (70, "ended with status 70"), (-200, "was killed by signal 200")]
)
def test_causes(status: int, cause: str) -> None:
    assert room._cause(status) == cause
