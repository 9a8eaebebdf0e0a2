"""What the blocks of a listener together ask of it (`corefile.md` section 6).

Times, counts and PROXY headers: the last block that says something decides. So it is for TLS, where CoreDNS takes any
block; and one that says nothing never takes encryption away from the others. HTTPS connections: the first block.
"""

import ssl
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from kdns.chain.listen import Listen
from kdns.net.bounds import StreamLimits
from kdns.net.proxied import Gate
from kdns.server import plan

HTTPS_CONNECTIONS = 200
"""Of one listener, unless told otherwise."""

T = TypeVar("T")
_DEFAULTS = StreamLimits()


@dataclass(frozen=True, slots=True)
class Terms:
    """How one listener is opened; without `tls` it is in clear text, without `gate` nobody speaks for others."""

    limits: StreamLimits
    tls: ssl.SSLContext | None = None
    gate: Gate | None = None


def terms(listener: plan.Listener, blocks: Sequence[Listen]) -> Terms:
    """The terms of a listener; `blocks` are those it serves, in the order of the configuration."""
    proxied = _last(blocks, lambda block: block.proxied)
    gate = Gate(proxied.allowed, proxied.otherwise, ttl=proxied.ttl, sessions=proxied.sessions) if proxied else None
    tls = _last(blocks, lambda block: block.tls.get(listener.transport) if block.tls else None)
    return Terms(_limits(listener, blocks), cast("ssl.SSLContext | None", tls), gate)


def _limits(listener: plan.Listener, blocks: Sequence[Listen]) -> StreamLimits:
    is_https = listener.transport == "https"
    wanted = blocks[0].https_connections
    most = HTTPS_CONNECTIONS if wanted is None else wanted or sys.maxsize
    return StreamLimits(
        first_read=_last(blocks, lambda block: block.first_read) or _DEFAULTS.first_read,
        idle=_last(blocks, lambda block: block.idle) or _DEFAULTS.idle,
        write=_last(blocks, lambda block: block.write) or _DEFAULTS.write,
        max_queries=_last(blocks, lambda block: block.max_queries) or _DEFAULTS.max_queries,
        connections=most if is_https else _DEFAULTS.connections,
    )


def _last(blocks: Sequence[Listen], of: Callable[[Listen], T | None]) -> T | None:
    return next((value for block in reversed(blocks) if (value := of(block)) is not None), None)
