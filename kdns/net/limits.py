"""How much one upstream may cost: sockets, questions in flight, seconds. And who is told what it did cost."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one upstream; the defaults suit a resolver in the same data centre. Raises ValueError."""

    ports: int = 16
    """Source ports in use at once, 1-256: a forger must guess one of them, and the message id."""
    port_questions: int = 1024
    """Questions a source port serves before a fresh one takes its place."""
    port_in_flight: int = 1024
    """Questions one source port waits for at once; more than a few thousand would make ids easy to hit."""
    port_forgeries: int = 64
    """Datagrams nobody asked for on one port; then the port is closed and those who wait there ask over TCP."""
    streams: int = 4
    """TCP connections that are opened for speed; beyond them questions share connections (RFC 7766 6.2.1.1)."""
    streams_max: int = 128
    """TCP connections in all, for upstreams that answer only one question at a time or on each connection."""
    stream_in_flight: int = 64
    """Questions in flight on one TCP connection (RFC 7766 6.2.1.1)."""
    dial_timeout: float = 2.0
    """Seconds for a TCP connection, its TLS handshake included."""
    expire: float = 10.0
    """Seconds after which an unused socket is closed; 0: as soon as it is noticed."""
    max_age: float = 0.0
    """Seconds after which a socket is not used for new questions; 0: for ever."""
    max_idle_conns: int = 0
    """Unused TCP connections that are kept; 0: as many as there were."""

    def __post_init__(self) -> None:
        if not 0 < self.ports <= 256:
            raise ValueError("ports are 1-256: one random byte picks one")
        if not 0 < self.port_in_flight <= 16384:
            raise ValueError("port_in_flight is 1-16384: a quarter of the ids")
        if min(self.port_questions, self.port_forgeries, self.streams, self.streams_max, self.stream_in_flight) < 1:
            raise ValueError("at least one of each is needed")


class Observer(Protocol):
    """Is told what happens to the sockets; `proto` is udp, tcp or tcp-tls."""

    def reused(self, proto: str, times: int) -> None:
        """So many questions were sent through sockets that were there, since the last call."""

    def dialled(self, proto: str) -> None:
        """A question needed a new socket."""

    def ignored(self, proto: str, cause: str) -> None:
        """A message was no reply to anything: `forged`, or `late` where the question had been given up."""


class Unobserved:
    """An observer for those who do not count."""

    def reused(self, proto: str, times: int) -> None:
        """See Observer."""

    def dialled(self, proto: str) -> None:
        """See Observer."""

    def ignored(self, proto: str, cause: str) -> None:
        """See Observer."""
