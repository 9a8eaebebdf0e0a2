"""Addresses of upstreams that are configured by host name: looked up once, at start and at reload.

With `resolver` those servers are asked over UDP, one after the other until one knows an address, A before AAAA; without
it the system is, in a thread. Everything ends in bounded time: a start that waits for ever helps nobody.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import closing
from ipaddress import IPv4Address, IPv6Address

from kdns.net.failures import UpstreamError
from kdns.net.limits import Limits
from kdns.net.upstream import Upstream
from kdns.plugins.forward.message import plain
from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.message import Relay

TIMEOUT = 2.0
"""Seconds for the reply of a `resolver`."""
SYSTEM_TIMEOUT = 10.0
"""Seconds for all that the system tries."""
MAX_ADDRESSES = 64
"""Addresses taken of one name."""

_ADDRESS = {codes.A: (4, IPv4Address), codes.AAAA: (16, IPv6Address)}


class LookupFailed(Exception):
    """A name without addresses; the text says why."""


async def addresses(host: str, resolvers: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """Addresses of a host, at least one, IPv4 first. Raises LookupFailed."""
    found = await (_ask(host, resolvers) if resolvers else _ask_system(host))
    if not found:
        raise LookupFailed(f'no addresses found for "{host}"')
    return tuple(dict.fromkeys(found))[:MAX_ADDRESSES]


async def _ask_system(host: str) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(SYSTEM_TIMEOUT):
            found = await loop.run_in_executor(None, _getaddrinfo, host)
    except TimeoutError as error:
        raise LookupFailed(f"lookup {host}: i/o timeout") from error
    except (OSError, UnicodeError) as error:
        raise LookupFailed(f"lookup {host}: {getattr(error, 'strerror', None) or error}") from error
    return found


def _getaddrinfo(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    found.sort(key=lambda each: each[0] != socket.AF_INET)
    return [str(each[4][0]).partition("%")[0] for each in found]


async def _ask(host: str, resolvers: Sequence[tuple[str, int]]) -> list[str]:
    reason = ""
    for address, port in resolvers:
        found: list[str] = []
        try:
            with closing(Upstream(address, port, limits=Limits(ports=1))) as resolver:
                for rtype in _ADDRESS:
                    found += await _ask_one(resolver, host, rtype)
        except (UpstreamError, WireError) as error:
            reason = f": {error}"
        if found:
            return found
    raise LookupFailed(f'no addresses found for "{host}"{reason}')


async def _ask_one(resolver: Upstream, host: str, rtype: int) -> list[str]:
    relay = Relay(await resolver.exchange(plain(name.from_text(host), rtype), timeout=TIMEOUT))
    size, read = _ADDRESS[rtype]
    return [str(read(each.data)) for each in relay.section(0) if each.type == rtype and len(each.data) == size]
