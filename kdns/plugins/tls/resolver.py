"""Addresses of a CA's host: from the server that `resolver` names, or as the system has them.

kdns may be what the system would ask, and not be there yet, or know names in another way than the world does.
"""

import asyncio
import socket
from contextlib import closing
from ipaddress import ip_address
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from kdns.net.entropy import draw
from kdns.net.failures import UpstreamError
from kdns.net.limits import Limits
from kdns.net.upstream import Upstream
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.message import Relay
from kdns.wire.reader import HEADER, question

TIMEOUT: Final = 5.0
"""Seconds for each reply, and for the system to find the resolver itself."""
MAX_ADDRESSES: Final = 16
"""Addresses taken of one name."""

_TYPES: Final = {codes.A: (socket.AF_INET, 4), codes.AAAA: (socket.AF_INET6, 16)}


def resolver(server: tuple[str, int] | None) -> AbstractResolver:
    """What finds addresses: by asking a server, host and port, or the system."""
    return ThreadedResolver() if server is None else Resolver(*server)


class Resolver(AbstractResolver):
    """Asks one server, for A and then for AAAA, over UDP, and over TCP what is truncated."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, as aiohttp wants them. Raises OSError."""
        found: list[ResolveResult] = []
        try:
            with closing(Upstream(await self._address(), self._port, limits=Limits(ports=1))) as server:
                for rtype, (own, _) in _TYPES.items():
                    if family in (own, socket.AF_UNSPEC):
                        found += [_result(host, port, own, each) for each in await _ask(server, host, rtype)]
        except (UpstreamError, WireError) as error:
            raise OSError(None, f"lookup {host} on {self._host}: {error}") from error
        if not found:
            raise OSError(None, f"lookup {host} on {self._host}: no such host")
        return found

    async def _address(self) -> str:
        """The server's own address."""
        try:
            return str(ip_address(self._host.partition("%")[0])) and self._host
        except ValueError:
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(TIMEOUT):
                infos = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)
            return str(infos[0][4][0])

    async def close(self) -> None:
        """Nothing stays open."""


async def _ask(server: Upstream, host: str, rtype: int) -> list[str]:
    ident, _ = draw()
    message = ident + HEADER.pack(0, codes.RD, 1, 0, 0, 0)[2:] + question(name.from_text(host), rtype).wire
    packet = await server.exchange(message, timeout=TIMEOUT)
    if int.from_bytes(packet[2:4], "big") & codes.TC:
        packet = await server.exchange(message, tcp=True, timeout=TIMEOUT)
    records = Relay(packet).section(0)
    size = _TYPES[rtype][1]
    found = [str(ip_address(each.data)) for each in records if each.type == rtype and len(each.data) == size]
    return found[:MAX_ADDRESSES]


def _result(host: str, port: int, family: socket.AddressFamily, address: str) -> ResolveResult:
    return ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
