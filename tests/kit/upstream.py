"""A make-believe resolver on loopback, UDP and TCP on one port, that does what a script says, right or wrong.

    async with FakeUpstream() as resolver:                   # answers every question with 192.0.2.1
    async with FakeUpstream(lambda ask: [b"junk", answer(ask)]) as resolver:

A script gets an `Ask` and gives the steps to take, in order: `bytes` are sent as a message, `Raw` as they are (on TCP,
without a frame), an `asyncio.Event` is waited for, a number is slept for in seconds, and `Step.CLOSE` or `Step.RESET`
ends the connection. No step at all is silence. What was asked is in `asks`.
"""

import asyncio
import contextlib
import enum
import ipaddress
import random
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from kdns.net.ticker import Ticker
from kdns.net.upstream import Upstream
from tests.kit.until import until


class Step(enum.Enum):
    """How a connection ends."""

    CLOSE = enum.auto()
    RESET = enum.auto()


class Raw(bytes):
    """Bytes for a connection, without a frame around them."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question as it arrived; `number` counts from 0, for each connection anew on TCP."""

    message: bytes
    proto: str
    number: int
    port: int
    """The port it came from."""

    @property
    def ident(self) -> bytes:
        return self.message[:2]

    @property
    def question(self) -> bytes:
        at = 12
        while self.message[at]:
            at += self.message[at] + 1
        return self.message[12 : at + 5]


Steps = Iterable[bytes | asyncio.Event | float | Step]
Script = Callable[[Ask], Steps]


def question(name: str, rtype: int = 1, *, ident: bytes = b"\xab\xcd", edns: bool = False) -> bytes:
    """A query message, recursion desired."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".") if label)
    opt = b"\0\0\x29\x04\xd0\0\0\0\0\0\0" if edns else b""
    counts = struct.pack(">5H", 0x0100, 1, 0, 0, len(opt) and 1)
    return ident + counts + labels + b"\0" + struct.pack(">2H", rtype, 1) + opt


def reply(ask: Ask, *, flags: int = 0x8180, ident: bytes | None = None, asked: bytes | None = None) -> bytes:
    """A reply without records; `asked` takes the question's place, one that is empty leaves none."""
    asked = ask.question if asked is None else asked
    return (ident or ask.ident) + struct.pack(">5H", flags, bool(asked), 0, 0, 0) + asked


def answer(ask: Ask, address: str = "192.0.2.1", ttl: int = 300) -> bytes:
    """A reply with one address record."""
    packed = ipaddress.ip_address(address).packed
    rtype = 1 if len(packed) == 4 else 28
    head = ask.ident + struct.pack(">5H", 0x8180, 1, 1, 0, 0) + ask.question
    return head + b"\xc0\x0c" + struct.pack(">2HIH", rtype, 1, ttl, len(packed)) + packed


def always(ask: Ask) -> Steps:
    """The script of a resolver that works."""
    return [answer(ask)]


def never(ask: Ask) -> Steps:
    """The script of a resolver that is silent."""
    return []


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, resolver: "FakeUpstream") -> None:
        self._resolver = resolver
        self._number = 0
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        assert self.transport is not None
        ask = Ask(data, "udp", self._number, peer[1])
        self._number += 1
        transport = self.transport
        self._resolver.play(ask, lambda message: transport.sendto(message, peer), lambda step: None)


class _Stream(asyncio.Protocol):
    def __init__(self, resolver: "FakeUpstream") -> None:
        self._resolver = resolver
        self._number = 0
        self._buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._resolver.streams.append(self)

    def data_received(self, data: bytes) -> None:
        assert self.transport is not None
        self._buffer += data
        port = self.transport.get_extra_info("peername")[1]
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                return
            ask = Ask(self._buffer[2:end], "tcp", self._number, port)
            self._buffer = self._buffer[end:]
            self._number += 1
            self._resolver.play(ask, self._send, self.end)

    def connection_lost(self, exc: Exception | None) -> None:
        if self in self._resolver.streams:
            self._resolver.streams.remove(self)

    def _send(self, message: bytes) -> None:
        assert self.transport is not None
        if not self.transport.is_closing():
            self.transport.write(message if isinstance(message, Raw) else len(message).to_bytes(2, "big") + message)

    def end(self, step: Step) -> None:
        assert self.transport is not None
        if step is Step.RESET:
            sock = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()
        else:
            self.transport.close()


@dataclass(slots=True)
class FakeUpstream:
    """A resolver at `address` and `port` for as long as it is entered. The script may be replaced while it runs."""

    script: Script = always
    address: str = "127.0.0.1"
    port: int = 0
    udp: bool = True
    tcp: bool = True
    tls: ssl.SSLContext | None = None
    asks: list[Ask] = field(default_factory=list)
    streams: list[_Stream] = field(default_factory=list)
    dialled: int = 0
    _datagrams: _Datagrams | None = None
    _server: asyncio.Server | None = None
    _playing: set[asyncio.Task[None]] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        stream, datagram = bound_pair(self.address, self.port)
        self.port = stream.getsockname()[1]
        if self.tcp:
            self._server = await loop.create_server(self._accept, sock=stream, ssl=self.tls)
        else:
            stream.close()
        if self.udp:
            self._datagrams = _Datagrams(self)
            await loop.create_datagram_endpoint(lambda: cast(_Datagrams, self._datagrams), sock=datagram)
        else:
            datagram.close()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for task in self._playing:
            task.cancel()
        if self._datagrams is not None and self._datagrams.transport is not None:
            self._datagrams.transport.close()
        if self._server is not None:
            self._server.close()
        for stream in list(self.streams):
            if stream.transport is not None:
                stream.transport.abort()
        await asyncio.gather(*self._playing, return_exceptions=True)
        await until(lambda: not self.streams)

    def play(self, ask: Ask, send: Callable[[bytes], object], end: Callable[[Step], None]) -> None:
        """Take the script's steps for a question."""
        self.asks.append(ask)
        task = asyncio.get_running_loop().create_task(self._play(self.script(ask), send, end))
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    async def _play(self, steps: Steps, send: Callable[[bytes], object], end: Callable[[Step], None]) -> None:
        for step in steps:
            if isinstance(step, bytes):
                send(step)
            elif isinstance(step, asyncio.Event):
                await step.wait()
            elif isinstance(step, Step):
                end(step)
            else:
                await asyncio.sleep(step)

    def _accept(self) -> _Stream:
        self.dialled += 1
        return _Stream(self)


def bound_pair(address: str, port: int = 0) -> tuple[socket.socket, socket.socket]:
    """A TCP and a UDP socket bound to the same port."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(100):
        stream = socket.socket(family, socket.SOCK_STREAM)
        datagram = socket.socket(family, socket.SOCK_DGRAM)
        stream.setblocking(False)
        datagram.setblocking(False)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            stream.bind((address, port))
            datagram.bind((address, stream.getsockname()[1]))
        except OSError:
            stream.close()
            datagram.close()
            if port:
                raise
        else:
            return stream, datagram
    raise OSError(f"no port is free for both TCP and UDP on {address}")


def unused_port(address: str = "127.0.0.1") -> int:
    """A port on which nobody listens, and that the system gives to no client by chance before somebody does."""
    for _ in range(100):
        with contextlib.suppress(OSError):
            stream, datagram = bound_pair(address, random.randrange(10240, 32768))
            with stream, datagram:
                return int(stream.getsockname()[1])
    raise OSError(f"no port is free for both TCP and UDP on {address}")


@contextlib.contextmanager
def black_hole(address: str = "127.0.0.1") -> Iterator[int]:
    """A TCP port that never answers a connection attempt: its queue is full, so Linux drops the first packet."""
    with contextlib.ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind((address, 0))
        listener.listen(0)
        for _ in range(2):
            filler = sockets.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


MakeUpstream = Callable[..., Upstream]
"""`make(port, address="127.0.0.1", **options)`: see the fixture `upstream_at`."""


class Clock:
    """Time that passes by hand, for the upstreams made with `Upstream(..., ticker=clock.ticker)`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._tickers: list[_HandTicker] = []

    def ticker(self, sweep: Callable[[float], bool]) -> Ticker:
        self._tickers.append(_HandTicker(sweep, self))
        return self._tickers[-1]

    def advance(self, seconds: float) -> None:
        """Let so much time pass, and tell those who wait for it."""
        self.now += seconds
        for ticker in self._tickers:
            ticker.tick()


class _HandTicker(Ticker):
    def __init__(self, sweep: Callable[[float], bool], clock: Clock) -> None:
        super().__init__(sweep)
        self._clock = clock

    def start(self) -> None:
        self.running = True
        self.now = self._clock.now

    def stop(self) -> None:
        self.running = False

    def tick(self) -> None:
        self.now = self._clock.now
        self.running = self.running and self._sweep(self.now)


@dataclass(slots=True)
class Tally:
    """An observer that counts."""

    reused_by: dict[str, int] = field(default_factory=dict)
    dialled_by: dict[str, int] = field(default_factory=dict)
    ignored_by: dict[tuple[str, str], int] = field(default_factory=dict)

    def reused(self, proto: str, times: int) -> None:
        self.reused_by[proto] = self.reused_by.get(proto, 0) + times

    def dialled(self, proto: str) -> None:
        self.dialled_by[proto] = self.dialled_by.get(proto, 0) + 1

    def ignored(self, proto: str, cause: str) -> None:
        self.ignored_by[proto, cause] = self.ignored_by.get((proto, cause), 0) + 1
