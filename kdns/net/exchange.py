"""What stands between a socket and whoever answers: packets go one way, replies come back, now or later."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable


class Exchange(Protocol):
    """One query's two ends. Only who needs an end has its text made."""

    @property
    def client(self) -> tuple[str, int]:
        """The querier's address, without zone, and its port."""
        ...

    @property
    def local(self) -> str:
        """The address that was asked, without zone; replies leave from it."""
        ...

    @property
    def family(self) -> int:
        """1 for IPv4, 2 for IPv6."""
        ...

    @property
    def proto(self) -> str:
        """`udp`, or `tcp` for every stream."""
        ...

    def reply(self, packet: bytes) -> None:
        """Send the reply. The first one counts; after the listener or the connection has closed none does."""
        ...


@runtime_checkable
class Passage(Protocol):
    """An exchange that takes a reply of several messages."""

    @property
    def is_open(self) -> bool:
        """Whether what is sent may still arrive."""
        ...

    def part(self, packet: bytes, ready: Callable[[], None]) -> None:
        """Send a message; `ready` is called, never at once, when there is room for another or nobody to send it to."""
        ...

    def finish(self) -> None:
        """There is no more."""
        ...


class Responder(Protocol):
    """Answers packets: at once, later through the exchange, or not at all."""

    def hit(self, packet: bytes) -> bytes | None:
        """A kept reply, complete, or None. Called for every packet."""
        ...

    def miss(self, packet: bytes, exchange: Exchange) -> bytes | None:
        """The reply if it is known at once; None if it comes later or never. Must not raise."""
        ...
