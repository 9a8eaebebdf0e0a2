"""A whole kdns in process, made of Corefile text by the real assembly; only the sockets are left out.

    house = House(corefile, addresses=("10.244.0.53",))
    async with house.running():
        reply = await house.ask("web.shop.svc.cluster.local", "A")

Queries and replies are octets, so everything between two sockets is under test. `memo=False` asks for every query
anew, which is what kept replies are compared with.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from kdns.chain.site import Process
from kdns.server import build
from kdns.server.service import Service
from kdns.server.source import Input
from kdns.wire import codes, name
from kdns.wire.edns import Edns, opt_record
from kdns.wire.message import Message, read_message
from tests.kit.chain import process

CLIENT = "10.244.9.9"


@dataclass(slots=True)
class Ends:
    """Where a query comes from and where its reply goes."""

    client: tuple[str, int] = (CLIENT, 40212)
    local: str = "10.244.0.53"
    proto: str = "udp"
    is_congested: bool = False
    replies: list[bytes] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6."""
        return 2 if ":" in self.client[0] else 1

    def reply(self, packet: bytes) -> None:
        """Take the reply."""
        self.replies.append(packet)
        self.arrived.set()


@dataclass(slots=True)
class StreamEnds(Ends):
    """Ends that take replies of several messages, as TCP does."""

    proto: str = "tcp"
    is_open: bool = True

    def part(self, packet: bytes, ready: Callable[[], None]) -> None:
        """Take one message."""
        self.replies.append(packet)
        asyncio.get_running_loop().call_soon(ready)

    def finish(self) -> None:
        """That was all."""
        self.arrived.set()


def packet(
    text: str,
    rtype: str | int = "A",
    *,
    edns: Edns | None = None,
    flags: int = codes.RD,
    cls: int = codes.IN,
    ident: int = 0x1234,
) -> bytes:
    """A query as octets."""
    number = rtype if isinstance(rtype, int) else codes.TYPE_NUMBERS[rtype]
    header = b"".join(n.to_bytes(2, "big") for n in (ident, flags, 1, 0, 0, 1 if edns else 0))
    opt = opt_record(edns.size, edns.flags, edns.options, version=edns.version) if edns else b""
    return header + name.from_text(text) + number.to_bytes(2, "big") + cls.to_bytes(2, "big") + opt


class House:
    """An instance with a service for each protocol and family of its first listener, or of the one with a port."""

    def __init__(
        self, corefile: str, *, memo: bool = True, addresses: tuple[str, ...] = (), outside: Process | None = None
    ) -> None:
        """Raises `ConfigError`. `outside` is the process around it, with its clocks; by default they stand still."""
        self.process = (outside or process())._replace(addresses=lambda: addresses)
        self.instance = build.build(build.read(Input(corefile, "Corefile"), self.process), self.process, 53)
        self._memo = memo

    @asynccontextmanager
    async def running(self) -> AsyncIterator["House"]:
        """Between start and end of the instance."""
        await self.instance.start()
        await self.instance.settle()
        await self.instance.serving()
        try:
            yield self
            await self.instance.shut_down()
            await self.instance.final_shut_down()
        finally:
            await self.instance.end()

    def service(self, proto: str = "udp", family: int = 1, port: int | None = None) -> Service:
        """The service of a socket."""
        listeners = self.instance.listeners
        listener = next(found for found in listeners if port in (None, found.port))
        return self.instance.service(listener, proto, family)

    def ask_now(self, query: bytes, ends: Ends, proto: str = "udp", port: int | None = None) -> bytes | None:
        """What a socket would be given at once for a query."""
        service = self.service(proto, ends.family, port)
        hit = service.hit(query) if self._memo else None
        return service.miss(query, ends) if hit is None else hit

    async def ask_raw(
        self, query: bytes, *, client: str = CLIENT, proto: str = "udp", patience: float = 10.0, port: int | None = None
    ) -> bytes | None:
        """The reply to any octets; `None` if there is none, or none within `patience` seconds."""
        replies = await self.ask_all(query, client=client, proto=proto, patience=patience, port=port)
        return replies[0] if replies else None

    async def ask_all(
        self, query: bytes, *, client: str = CLIENT, proto: str = "udp", patience: float = 10.0, port: int | None = None
    ) -> list[bytes]:
        """All messages of the reply to any octets, as far as they come within `patience` seconds."""
        ends = (StreamEnds if proto == "tcp" else Ends)((client, 40212), proto=proto)
        reply = self.ask_now(query, ends, proto, port)
        if reply is not None:
            return [reply]
        service = self.service(proto, ends.family, port)
        if service.waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await ends.arrived.wait()
        return ends.replies

    async def ask(
        self, text: str, rtype: str = "A", *, client: str = CLIENT, proto: str = "udp", edns: Edns | None = None
    ) -> Message:
        """The decoded reply to a question."""
        reply = await self.ask_raw(packet(text, rtype, edns=edns), client=client, proto=proto)
        assert reply is not None, "no reply"
        return read_message(reply)
