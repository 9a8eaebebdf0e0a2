"""What a session needs of the listener that accepted it."""

from typing import TYPE_CHECKING, Protocol

from kdns.net.bounds import StreamLimits
from kdns.net.exchange import Exchange
from kdns.net.ticker import Ticker

if TYPE_CHECKING:
    from kdns.net.session import Session


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

    def left(self, session: "Session") -> None:
        """Take note that a session has ended."""
        ...
