"""Clients behind a proxy: whom a PROXY header is believed from, and whom it speaks for.

On a stream the header comes once, before TLS and everything else; it is looked at in the socket and taken out of it,
so what follows is untouched. A datagram carries its own, or, for proxies that send it alone and ahead, the one that
came from the same address and port before.

Responders here stand in front of the real ones, so listeners without proxies do not know of any of this.
"""

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_address

from kdns.net.exchange import Exchange, Responder
from kdns.net.proxyheader import MAX_HEADER, Address, Header, HeaderError, IncompleteHeader, read_datagram, read_header
from kdns.net.udp import UdpExchange

USE, IGNORE, REJECT, SKIP = "use", "ignore", "reject", "skip"

SESSIONS = 10240
"""Proxied datagram sources that are remembered, unless told otherwise."""
_RETRY = 0.05
"""Seconds until a header that came in part is looked at again."""
_WARNINGS = 1.0
"""Seconds between two warnings about datagrams: who sends them does not decide how much is logged."""

_log = logging.getLogger("kdns")


class Gate:
    """Whom headers are believed from: `allowed` networks, and `otherwise` one of the four policies for the rest.

    `ttl` is how long, in seconds, a datagram's header counts for those that come after it without one, 0 for not at
    all, and `sessions` how many sources it is remembered for.
    """

    def __init__(
        self,
        allowed: Iterable[IPv4Network | IPv6Network] = (),
        otherwise: str = USE,
        *,
        ttl: float = 0.0,
        sessions: int = SESSIONS,
    ) -> None:
        self._allowed = tuple(allowed)
        self._otherwise = otherwise
        self.ttl = ttl
        self.sessions = sessions

    def policy(self, host: str) -> str:
        """What to do with a header from an IP address."""
        if not self._allowed:
            return self._otherwise
        address = ip_address(host)
        mapped = address.ipv4_mapped if address.version == 6 else None
        return USE if any((mapped or address) in network for network in self._allowed) else self._otherwise

    async def introduced(self, sock: socket.socket, host: str, patience: float) -> Header | None:
        """Take the header out of a fresh connection from `host`; what it says, if that counts.

        Raises `HeaderError`, `OSError`, or `TimeoutError` after so many seconds.
        """
        policy = self.policy(host)
        if policy == SKIP:
            return None
        async with asyncio.timeout(patience):
            header = await _read(sock)
        if header is None:
            return None
        if policy == REJECT:
            raise HeaderError("proxyproto: upstream connection sent PROXY header but isn't allowed to send one")
        sock.recv(header.size)
        return header if policy == USE and header.source is not None else None


async def _read(sock: socket.socket) -> Header | None:
    """The header that a socket begins with, left where it is. A header is sent at once; crumbs are waited for."""
    while True:
        await _readable(sock)
        with suppress(BlockingIOError, IncompleteHeader):
            octets = sock.recv(MAX_HEADER, socket.MSG_PEEK)
            if not octets:
                raise ConnectionResetError("closed before a header")
            return read_header(octets)
        await asyncio.sleep(_RETRY)


async def _readable(sock: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(sock.fileno(), wake)
    try:
        await ready
    finally:
        loop.remove_reader(sock.fileno())


class ByFamily:
    """Implements `Responder` for clients of both families on one socket: each is counted with its own."""

    def __init__(self, responder: Callable[[int], Responder]) -> None:
        """`responder` gives the one for 1, IPv4, or 2, IPv6."""
        self._responders = {family: responder(family) for family in (1, 2)}

    def hit(self, packet: bytes) -> bytes | None:
        """Nothing: a message alone does not tell whose it is."""
        return None

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        """See `Responder`."""
        responder = self._responders[exchange.family]
        reply = responder.hit(packet)
        return responder.miss(packet, exchange) if reply is None else reply


class Unwrapping:
    """Implements `Responder` for datagrams that may begin with a header. `clock` is monotonic, in seconds."""

    def __init__(self, gate: Gate, responder: Callable[[int], Responder], clock: Callable[[], float]) -> None:
        self._gate = gate
        self._inner = ByFamily(responder)
        self._clock = clock
        self._sources: OrderedDict[Address, tuple[Address, float]] = OrderedDict()
        self._quiet_until = 0.0
        self._unsaid = 0

    def hit(self, packet: bytes) -> bytes | None:
        """Nothing: a message alone does not tell whose it is."""
        return None

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        """See `Responder`. What is no valid header, or comes from where none may, is dropped with a warning."""
        peer = exchange.client
        policy = self._gate.policy(peer[0])
        if policy == SKIP:
            return self._inner.miss(packet, exchange)
        try:
            header = read_datagram(packet)
            if header is not None and policy == REJECT:
                raise HeaderError("connection rejected by Proxy Protocol connection policy")
        except HeaderError as error:
            self._warn(peer, error)
            return None
        source = self._source(peer, header) if policy == USE else None
        if header is not None:
            packet = packet[header.size :]
        return self._inner.miss(packet, exchange if source is None else ProxiedExchange(exchange, source))

    def _source(self, peer: Address, header: Header | None) -> Address | None:
        """Whom a datagram is from; a header alone, with no message behind it, is for those that follow."""
        if not self._gate.ttl > 0:
            return None if header is None else header.source
        now, known = self._clock(), self._sources.pop(peer, None)
        if header is not None:
            source = header.source
        else:
            source = known[0] if known is not None and now < known[1] else None
        if source is not None:
            self._sources[peer] = source, now + self._gate.ttl
            if len(self._sources) > self._gate.sessions:
                self._sources.popitem(last=False)
        return source

    def _warn(self, peer: Address, error: HeaderError) -> None:
        now = self._clock()
        if now < self._quiet_until:
            self._unsaid += 1
            return
        more = f" (and {self._unsaid} more since the last warning)" if self._unsaid else ""
        host = f"[{peer[0]}]" if ":" in peer[0] else peer[0]
        _log.warning("dropping invalid Proxy Protocol packet from %s:%d: %s%s", host, peer[1], error, more)
        self._quiet_until, self._unsaid = now + _WARNINGS, 0


class ProxiedExchange:
    """A datagram's exchange with the client that the proxy speaks for; the reply goes to the proxy."""

    __slots__ = ("_exchange", "client")

    proto = "udp"

    def __init__(self, exchange: Exchange, client: Address) -> None:
        self._exchange = exchange
        self.client = client

    @property
    def local(self) -> str:
        """Where the proxy sent it to."""
        return self._exchange.local

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6."""
        return 2 if ":" in self.client[0] else 1

    @property
    def is_congested(self) -> bool:
        """See `UdpExchange`."""
        return isinstance(self._exchange, UdpExchange) and self._exchange.is_congested

    def reply(self, packet: bytes) -> None:
        """See `Exchange`."""
        self._exchange.reply(packet)
