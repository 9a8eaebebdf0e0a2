"""Any frames, in any order and in any pieces, on an HTTP/2 connection of DNS over HTTPS: it ends, and owes nothing.

Connections are made of sound frames for the most part, so that they get far, with some that no client may send among
them, and octets changed. The transport is a fake; the protocol and its session are the real ones.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator

import pytest
from hpack import Encoder
from hyperframe import frame as frames

from kdns.net.bounds import StreamLimits
from kdns.net.exchange import Exchange
from kdns.net.http2 import Http2
from kdns.net.https import Https, HttpsSession
from kdns.net.ticker import Ticker
from tests.net.doh_rows import QUERY, encoded

REPLY = QUERY[:2] + b"\x85" + QUERY[3:]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NUMBERS = (0, 1, 100, 16384, 65535, 2**31 - 1, 2**32 - 1)


class Pipe:
    """A transport that keeps nothing."""

    def __init__(self) -> None:
        self.protocol: Http2
        self.closed = self.paused = False

    def get_extra_info(self, name: str) -> "Pipe":
        return self

    def selected_alpn_protocol(self) -> str:
        return "h2"

    def set_protocol(self, protocol: Http2) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, octets: bytes) -> None:
        assert not self.closed

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Answers:
    """A host that answers now, later, never, or with much."""

    family, held, received, dropped = 1, 0, 0, 0
    limits = StreamLimits()

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.ticker = Ticker(lambda time: True)
        self.buffer = memoryview(bytearray(16384))
        self.late: list[Exchange] = []

    def hit(self, packet: bytes) -> bytes | None:
        return None

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        match self.chance.randrange(10):
            case 0:
                return None
            case 1 | 2 | 3:
                self.late.append(exchange)
                return None
            case 4:
                return REPLY + bytes(60000)
        return REPLY

    def left(self, session: object) -> None:
        pass


def connection(chance: random.Random) -> bytes:
    """What a client sends."""
    wild = chance.random() < 0.3
    octets = bytearray(PREFACE + frames.SettingsFrame(0, settings=_settings(chance, wild)).serialize())
    octets += b"".join(_frames(chance, wild))
    for _ in range(3 if wild else chance.random() < 0.1):
        octets[chance.randrange(len(PREFACE), len(octets))] = chance.randrange(256)
    return bytes(octets)


def _settings(chance: random.Random, wild: bool) -> dict[int, int]:
    if wild:
        return {chance.choice((1, 2, 3, 4, 5, 6, 99)): chance.choice(NUMBERS)}
    return chance.choice(({}, {4: 0}, {4: 100}, {1: 0}, {1: 2**32 - 1}, {5: 16384, 4: 70000}))


def _frames(chance: random.Random, wild: bool) -> Iterator[bytes]:
    encoder, stream = Encoder(), -1
    for _ in range(chance.randrange(1, 40)):
        kind = chance.randrange(14 if wild or chance.random() < 0.03 else 11)
        if kind < 4:
            stream += 2
            yield from _headers(chance, wild, stream, encoder)
        elif stream > 0:
            yield _other(chance, wild, stream, kind)


def _headers(chance: random.Random, wild: bool, stream: int, encoder: Encoder) -> Iterator[bytes]:
    target = chance.choice((f"/dns-query?dns={encoded(QUERY)}", "/dns-query", "/", "%"))
    headers = [(":method", chance.choice(("GET", "POST", "HEAD"))), (":scheme", "https")]
    headers += [(":authority", "x"), (":path", target)]
    if wild:
        headers.append(
            (chance.choice(("content-length", "te", "Cookie", ":foo", "")), chance.choice(("29", "-1", "\0")))
        )
        chance.shuffle(headers)
    block, end = encoder.encode(headers), ["END_STREAM"] * chance.randrange(2)
    if chance.random() < 0.15:
        cut = chance.randrange(len(block))
        yield frames.HeadersFrame(stream, block[:cut], flags=end).serialize()
        yield frames.ContinuationFrame(stream, block[cut:], flags=["END_HEADERS"]).serialize()
    else:
        yield frames.HeadersFrame(stream, block, flags=["END_HEADERS", *end]).serialize()


def _other(chance: random.Random, wild: bool, stream: int, kind: int) -> bytes:
    here = chance.choice((1, 3, stream, stream + 2)) if wild else stream
    made: frames.Frame
    match kind:
        case 4 | 5 | 6:
            body = chance.choice((QUERY, QUERY, b"", bytes(100), bytes(16384)))
            made = frames.DataFrame(here, body, flags=["END_STREAM"] * chance.randrange(2))
        case 7:
            made = frames.RstStreamFrame(here, error_code=chance.choice((0, 8, 99)))
        case 8:
            made = frames.WindowUpdateFrame(chance.choice((0, here)), window_increment=chance.choice((1, 1000)))
        case 9:
            made = frames.PingFrame(0, bytes(8), flags=["ACK"] * chance.randrange(2))
        case 10:
            made = frames.PriorityFrame(here, depends_on=0, stream_weight=3)
        case 11:
            made = frames.GoAwayFrame(0, last_stream_id=1)
        case 12:
            made = frames.WindowUpdateFrame(here, window_increment=2**31 - 1)
        case _:
            return chance.randbytes(chance.randrange(1, 30))
    return bytes(made.serialize())


def converse(chance: random.Random, statuses: Counter[int]) -> None:
    """One connection from beginning to end."""
    host, pipe = Answers(chance), Pipe()
    session = HttpsSession(host, ("127.0.0.1", 4711), "127.0.0.1", Https(lambda status: statuses.update([status])))
    session.connection_made(pipe)  # type: ignore[arg-type]
    octets, at = connection(chance), 0
    while at < len(octets) and not pipe.closed:
        if pipe.paused and not host.late:
            pipe.protocol.resume_writing()
            if pipe.paused:
                break
        if host.late and (pipe.paused or chance.random() < 0.3):
            host.late.pop(chance.randrange(len(host.late))).reply(REPLY)
            continue
        room = pipe.protocol.get_buffer(-1)
        piece = octets[at : at + min(len(room), chance.choice((1, 9, 50, 2048)))]
        at += len(piece)
        room[: len(piece)] = piece
        pipe.protocol.buffer_updated(len(piece))
        _interrupt(chance, session, pipe)
    while host.late:
        host.late.pop().reply(REPLY)
    pipe.protocol.connection_lost(None)
    assert (session.waiting, host.held) == (0, 0)


def _interrupt(chance: random.Random, session: HttpsSession, pipe: Pipe) -> None:
    match chance.randrange(150):
        case 0:
            pipe.protocol.pause_writing()
        case 1:
            pipe.protocol.resume_writing()
        case 2:
            session.host.ticker.now += 10
            session.expire(session.host.ticker.now)
        case 3:
            session.leave()


@pytest.mark.parametrize("seed", range(4))
async def test_any_frames(seed: int) -> None:
    chance, statuses = random.Random(seed), Counter[int]()
    for _ in range(150):
        converse(chance, statuses)
        await asyncio.sleep(0)
    assert statuses.keys() == {200, 400, 404, 500}
