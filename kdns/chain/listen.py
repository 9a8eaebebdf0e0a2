"""How the listeners of a server block are to be opened, as its plugins say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from kdns.corefile import Network


class Proxied(NamedTuple):
    """Whom PROXY headers are believed from: `allowed` networks; `otherwise` is the policy for all others.

    For `ttl` seconds a datagram's header counts for those that come after it without one, for `sessions` sources.
    """

    allowed: tuple[Network, ...]
    otherwise: str
    ttl: float
    sessions: int


@dataclass(slots=True)
class Listen:
    """Set by `bind`, `multisocket`, `timeouts`, `tls`, `https` and `proxyproto`; `None` is what was not said.

    `first_read`, `idle` and `write` are in seconds. `tls` has an `ssl.SSLContext` for each of the transports that can
    be encrypted. `debug` and `stacktrace` say how an unforeseen failure is shown, set by the words `debug` and
    `errors`; `notices` that NOTIFY is for this block; `alone` that only the first process can answer for it.
    """

    hosts: list[str] | None = None
    sockets: int = 1
    alone: bool = False
    first_read: float | None = None
    idle: float | None = None
    write: float | None = None
    max_queries: int | None = None
    tls: Mapping[str, object] | None = None
    https_connections: int | None = None
    proxied: Proxied | None = None
    any_class: bool = False
    notices: bool = False
    debug: bool = False
    stacktrace: bool = False
