"""One question and its many answers over TCP."""

import asyncio

import pytest

from kdns.net import dialogue
from kdns.net.dialogue import Dialogue
from kdns.net.endpoint import Endpoint
from kdns.net.failures import UpstreamError, UpstreamTimeout
from tests.kit.upstream import FakeUpstream, Raw, Step, Steps, black_hole, question, unused_port

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

MESSAGE = question("example.org")


def at(port: int) -> Dialogue:
    return Dialogue(Endpoint("127.0.0.1", port))


async def received(steps: Steps) -> list[bytes | str]:
    """Messages, or the text of the error, that come of these steps."""
    out: list[bytes | str] = []
    async with FakeUpstream(lambda ask: steps) as peer, at(peer.port) as talk:
        talk.send(MESSAGE)
        try:
            while True:
                out.append(await talk.receive())
        except UpstreamError as error:
            out.append(str(error).replace(str(peer.port), "PORT"))
    assert peer.asks[0].message == MESSAGE
    return out


async def test_messages_come_one_by_one() -> None:
    first, second, end = await received([b"one", b"x" * 65535, Step.CLOSE])
    assert (first, second) == (b"one", b"x" * 65535)
    assert isinstance(end, str)
    assert end.endswith("->127.0.0.1:PORT: EOF")


@pytest.mark.parametrize("part", [b"\0", b"\0\5abc"])
async def test_a_message_that_breaks_off(part: bytes) -> None:
    (end,) = await received([Raw(part), Step.CLOSE])
    assert isinstance(end, str)
    assert end.endswith("unexpected EOF")


async def test_a_reset() -> None:
    (end,) = await received([Step.RESET])
    assert isinstance(end, str)
    assert "connection reset by peer" in end or "EOF" in end


async def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "READ_TIMEOUT", 0.02)
    (end,) = await received([])
    assert isinstance(end, str)
    assert end.startswith("read tcp 127.0.0.1:")
    assert end.endswith("i/o timeout")


async def test_nobody_there() -> None:
    port = unused_port()
    with pytest.raises(UpstreamError, match=f"^dial tcp 127.0.0.1:{port}: connect: connection refused$"):
        await at(port).__aenter__()


async def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialogue, "DIAL_TIMEOUT", 0.02)
    with black_hole() as port, pytest.raises(UpstreamTimeout, match=f"^dial tcp 127.0.0.1:{port}: i/o timeout$"):
        await at(port).__aenter__()


async def test_who_sends_faster_than_is_taken_has_to_wait() -> None:
    async with FakeUpstream(lambda ask: [b"x" * 65535] * 400) as peer, at(peer.port) as talk:
        talk.send(MESSAGE)
        await talk.receive()
        await asyncio.sleep(0.05)
        assert len(talk._reader._buffer) < 1 << 20  # type: ignore[attr-defined]
