import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from kdns.server.workers import link
from kdns.server.workers.link import MAX_FRAME, Link, Word
from tests.kit.until import until

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class End:
    """A link, and what came of it."""

    def __init__(self, sock: socket.socket) -> None:
        self.frames: list[tuple[Word, bytes]] = []
        self.lost = 0
        self.sock = sock
        self.link = Link(asyncio.get_running_loop(), sock, self._heard, self._lose)

    def _heard(self, word: Word, body: bytes) -> None:
        self.frames.append((word, body))

    def _lose(self) -> None:
        self.lost += 1


@pytest.fixture
async def ends() -> AsyncIterator[tuple[End, End]]:
    here, there = map(End, socket.socketpair())
    yield here, there
    here.link.close()
    there.link.close()


@pytest.fixture
async def raw() -> AsyncIterator[tuple[End, socket.socket]]:
    mine, other = socket.socketpair()
    other.setblocking(False)
    end = End(mine)
    yield end, other
    end.link.close()
    other.close()


async def test_frames_arrive_whole_and_in_order(ends: tuple[End, End]) -> None:
    here, there = ends
    frames = [(Word(number % 9), bytes([number]) * (number * number * 7)) for number in range(200)]
    for word, body in frames:
        here.link.send(word, body)
        there.link.send(Word.PONG, body[:1])
    assert here.link.behind > link.CHUNK
    await until(lambda: there.frames == frames and len(here.frames) == 200)
    assert here.link.behind == 0


async def test_frames_in_pieces(raw: tuple[End, socket.socket]) -> None:
    end, other = raw
    for octet in b"\0\0\0\2\5ab\0\0\0\0\1":
        other.send(bytes([octet]))
        await asyncio.sleep(0)
    await until(lambda: end.frames == [(Word.PONG, b"ab"), (Word.PING, b"")])


async def test_what_is_not_taken_waits(raw: tuple[End, socket.socket]) -> None:
    end, other = raw
    for _ in range(100):
        end.link.send(Word.CHANGE, bytes(1 << 16))
    sent = asyncio.create_task(end.link.sent())
    await until(lambda: end.link.behind < 100 * (1 << 16))
    assert end.link.behind > 50 * (1 << 16)
    assert not sent.done()
    other.setblocking(False)
    taken = 0

    def take() -> bool:
        nonlocal taken
        with suppress(BlockingIOError):
            taken += len(other.recv(1 << 20))
        return sent.done()

    await until(take)
    await sent
    assert end.link.behind == 0


async def test_sent_is_at_once_where_nothing_waits(ends: tuple[End, End]) -> None:
    await ends[0].link.sent()


@pytest.mark.parametrize("how", ["close", "too long", "reset"])
async def test_the_end_of_the_pair_is_told_once(raw: tuple[End, socket.socket], how: str) -> None:
    end, other = raw
    if how == "too long":
        other.send((MAX_FRAME + 1).to_bytes(4, "big") + b"\0")
    else:
        if how == "reset":
            end.link.send(Word.CHANGE, bytes(1 << 20))
            await asyncio.sleep(0)
        other.close()
    await until(lambda: end.lost)
    end.link.send(Word.PING)
    await end.link.sent()
    await asyncio.sleep(0.01)
    assert end.lost == 1


async def test_nothing_is_heard_after_a_close(raw: tuple[End, socket.socket]) -> None:
    end, other = raw

    def close_at_once(word: Word, body: bytes) -> None:
        end.frames.append((word, body))
        end.link.close()

    end.link._heard = close_at_once
    other.send(b"\0\0\0\0\1" * 3)
    await until(lambda: end.frames)
    assert end.frames == [(Word.PING, b"")]
    assert end.lost == 0
