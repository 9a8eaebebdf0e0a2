"""What a listener and the connections that it accepted need of each other."""

from collections.abc import Callable
from typing import Protocol

from kdns.net.bounds import StreamLimits
from kdns.net.exchange import Exchange
from kdns.net.ticker import Ticker


class Connection(Protocol):
    """One accepted connection, as its listener sees it; also the protocol (asyncio's) that its transport is given."""

    peer: tuple[str, int]
    """The client's address, without zone, and its port."""
    since: float
    """When something last happened that counts."""

    @property
    def is_idle(self) -> bool:
        """Whether it would lose nothing by being closed."""
        ...

    def introduced(self, peer: tuple[str, int], local: str) -> None:
        """A proxy says between whom it is, before anything else."""
        ...

    def expire(self, time: float) -> None:
        """End it if nothing has happened for too long; called every now and then."""
        ...

    def leave(self) -> None:
        """Answer what was read, then end."""
        ...

    def abort(self) -> None:
        """End it now."""
        ...


class Host(Protocol):
    """A listener, as its sessions see it."""

    limits: StreamLimits
    ticker: Ticker
    buffer: memoryview
    """Where everything that is read is put first."""
    held: int
    """Octets that wait in sessions."""
    family: int
    received: int
    dropped: int

    def hit(self, packet: bytes) -> bytes | None:
        """See `Responder`."""
        ...

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        """See `Responder`."""
        ...

    def left(self, session: Connection) -> None:
        """Take note that a connection has ended."""
        ...


Welcome = Callable[[Host, tuple[str, int], str], Connection]
"""Makes a connection between two addresses, the client's first."""
