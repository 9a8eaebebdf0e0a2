"""Frame Streams with peers of all kinds; the octets of control frames are those of fstrm's document."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from kdns.plugins.dnstap import frames
from kdns.plugins.dnstap.frames import ACCEPT, CONTENT_TYPE, FINISH, READY, START, STOP, FrameError
from tests.plugins.dnstap.collector import Collector, Peer, control, listening

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def test_octets() -> None:
    content = "00000001 00000016" + b"protobuf:dnstap.Dnstap".hex()
    assert frames.control(READY, CONTENT_TYPE).hex() == ("00000000 00000022 00000004" + content).replace(" ", "")
    assert frames.control(START, CONTENT_TYPE) == control(START)
    assert frames.control(STOP) == bytes.fromhex("00000000 00000004 00000003")
    assert frames.data(b"xyz") == b"\0\0\0\3xyz"


@asynccontextmanager
async def connected(peer: Peer) -> AsyncIterator[Streams]:
    async with listening(peer) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()


async def test_a_conversation() -> None:
    collector = Collector()
    async with connected(collector.serve) as streams:
        await frames.begin(*streams)
        streams[1].write(frames.data(b"one") + frames.data(b"two"))
        await frames.end(*streams)
    assert (collector.payloads, collector.finished) == ([b"one", b"two"], 1)


@pytest.mark.parametrize("answer", [control(ACCEPT), control(ACCEPT, None)])
async def test_who_names_no_content_takes_any(answer: bytes) -> None:
    async with connected(saying(answer)) as streams:
        await frames.begin(*streams)


def saying(octets: bytes, *, closing: bool = False) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        if closing:
            return
        await reader.read()

    return peer


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (control(ACCEPT, b"text/plain"), "content type mismatch"),
        (control(FINISH), "decoding error"),
        (b"\0\0\0\1" + bytes(8), "decoding error"),
        (bytes(4) + b"\0\0\0\3" + bytes(3), "decoding error"),
        (bytes(4) + b"\0\0\2\1" + bytes(513), "decoding error"),
        (bytes(4) + b"\xff\xff\xff\xff", "decoding error"),
        (bytes(4) + b"\0\0\0\5\0\0\0\1\0", "decoding error"),
        (bytes(4) + b"\0\0\0\x0c\0\0\0\1\0\0\0\2\0\0\0\0", "decoding error"),
        (bytes(4) + b"\0\0\0\x0c\0\0\0\1\0\0\0\1\0\0\0\1", "decoding error"),
        (b"GET / HTTP/1.1\r\n\r\n", "decoding error"),
    ],
)
async def test_peers_that_say_something_else(octets: bytes, error: str) -> None:
    async with connected(saying(octets)) as streams:
        with pytest.raises(FrameError, match=error):
            await frames.begin(*streams)


@pytest.mark.parametrize("end", range(len(control(ACCEPT))))
async def test_peers_that_leave_in_the_middle(end: int) -> None:
    async with connected(saying(control(ACCEPT)[:end], closing=True)) as streams:
        with pytest.raises(FrameError, match=r"EOF|connection reset"):
            await frames.begin(*streams)


async def test_a_peer_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "TIMEOUT", 0.01)
    async with connected(saying(b"")) as streams:
        with pytest.raises(FrameError, match="i/o timeout"):
            await frames.begin(*streams)


async def test_a_peer_that_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(10)

    monkeypatch.setattr(frames, "TIMEOUT", 0.01)
    async with connected(deaf) as streams:
        streams[1].write(bytes(32 << 20))
        with pytest.raises(FrameError, match="i/o timeout"):
            await frames.drain(streams[1])


async def test_a_peer_that_is_gone() -> None:
    async with connected(saying(b"", closing=True)) as (reader, writer):
        with suppress(ConnectionError):
            await reader.read()
        with pytest.raises(FrameError, match="write: "):
            await press(writer)


async def press(writer: asyncio.StreamWriter) -> None:
    for _ in range(100):
        writer.write(bytes(65536))
        await frames.drain(writer)
        await asyncio.sleep(0.001)
