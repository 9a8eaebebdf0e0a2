"""A server that only has hits: what a kept reply costs above what the kernel sets. Learns a reply at the first sight.

    gcc -O2 -o /tmp/echo tests/bench/c/echo.c
    dnsbench --queries FILE echo=5301='/tmp/echo 5301' hits=5302='python -m tests.bench.hits 5302'

The reply is a question with one address record. Answers over UDP and TCP. Port, then any of: --asyncio, --single.
For a measure of the Python part alone, time `BatchCarrier.serve` with `_recvmmsg` and `_sendmmsg` replaced.

CPU per query as a multiple of echo's, 200 queries outstanding, and what else was tried:

    batches through ctypes, either loop            1.2
    one by one: recvfrom, sendto, no packet info   1.3-1.5
    one by one: recvmsg, sendmsg (--single)        1.8-2.1
    batches of 16, 32, 128 for 64; reading until empty; no or frozen garbage collection; slots of 576, 4 096 or 65 600
    octets; iovecs that point into the reply objects; replies joined into one buffer: no difference that can be told
    from chance, or in the Python part alone 8-10 % more
    ctypes.PyDLL for CDLL: the same alone, a quarter fewer queries beside a thread that computes
    argument types declared to ctypes: 0.4 µs more for each of the two calls
"""

import argparse
import asyncio

from kdns.net import sockets
from kdns.net.exchange import Exchange
from kdns.net.stream import StreamListener
from kdns.net.udp import UdpListener


class Kept:
    """A reply as the memo keeps it."""

    __slots__ = ("hits", "tail")

    def __init__(self, tail: bytes) -> None:
        self.tail = tail
        self.hits = 0

    def reply(self, ident: bytes) -> bytes:
        """The reply, counted."""
        self.hits += 1
        return ident + self.tail


class Learner:
    """A responder with nothing but a dictionary."""

    def __init__(self) -> None:
        self.entries: dict[bytes, Kept] = {}

    def hit(self, packet: bytes) -> bytes | None:
        """A kept reply."""
        entry = self.entries.get(packet[2:])
        return None if entry is None else entry.reply(packet[:2])

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        """Make one, and keep it."""
        entry = Kept(b"\x85\0\0\1\0\1\0\0\0\0" + packet[12:] + b"\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\0\0\1")
        self.entries[packet[2:]] = entry
        return entry.reply(packet[:2])


async def serve(port: int, *, batched: bool) -> None:
    """Until the end."""
    learner = Learner()
    for sock in sockets.listen("udp", "", port):
        UdpListener(sock, learner, batched=batched).start()
    for sock in sockets.listen("tcp", "", port):
        StreamListener(sock, learner).start()
    await asyncio.Event().wait()


def main() -> None:
    """See the top."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--asyncio", action="store_true")
    parser.add_argument("--single", action="store_true")
    given = parser.parse_args()
    if given.asyncio:
        asyncio.run(serve(given.port, batched=not given.single))
    else:
        import uvloop

        uvloop.run(serve(given.port, batched=not given.single))


if __name__ == "__main__":
    main()
