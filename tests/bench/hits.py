"""A server that only has hits: what a kept reply costs above what the kernel sets. Learns a reply at the first sight.

    gcc -O2 -o /tmp/echo tests/bench/echo.c
    dnsbench --queries FILE echo=5301='/tmp/echo 5301' hits=5302='python -m tests.bench.hits 5302'

The reply is a question with one address record. Answers over UDP and TCP. Port, then any of: --asyncio, --single.
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
