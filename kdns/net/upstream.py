"""One upstream server, as a plugin sees it: ask, await the reply, close.

Which upstream to ask, how often, and what a reply is worth is for the plugin to decide; here one question goes to one
server, and what comes back is a message that answers it, or an UpstreamError whose text tells all.
"""

import ssl
from collections.abc import Callable

from kdns.net.connection import Connection
from kdns.net.connections import Connections
from kdns.net.datagrams import Datagrams
from kdns.net.endpoint import Endpoint
from kdns.net.failures import UpstreamClosed
from kdns.net.limits import Limits, Observer, Unobserved
from kdns.net.port import Port
from kdns.net.ticker import Ticker
from kdns.net.transaction import Transaction

_DEFAULTS = Limits()


class Upstream:
    """A DNS server at an IP address and port, over UDP and TCP; over TLS only if `tls` is given (RFC 7858).

    `server_name` is the name on its certificate, by default the IP address; `source_address` a local IP address.
    May be made before there is a loop. Raises ValueError if an address is no IP address.
    """

    __slots__ = ("_connections", "_datagrams", "_ticker", "ask", "endpoint")

    def __init__(
        self,
        address: str,
        port: int = 53,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        source_address: str | None = None,
        limits: Limits = _DEFAULTS,
        observer: Observer | None = None,
        ticker: Callable[[Callable[[float], bool]], Ticker] = Ticker,
    ) -> None:
        self.endpoint = Endpoint(address, port, source_address, tls, server_name)
        observer = observer or Unobserved()
        self._ticker = ticker(self._sweep)
        self._connections = Connections(self.endpoint, limits, self._ticker, observer)
        self._datagrams = Datagrams(self.endpoint, limits, self._ticker, observer, self._connections.ask)
        self.ask = self._datagrams.ask
        """Sends a question of the caller's making over UDP; see `exchange`."""

    def __str__(self) -> str:
        return str(self.endpoint)

    def exchange(
        self, message: bytes, *, tcp: bool = False, timeout: float = 2.0, question: bytes | None = None
    ) -> Transaction:
        """Send a message of one question, under a fresh id, and await its reply, which has the message's own id.

        Over UDP it goes out at the end of the loop's round. `timeout` is in seconds and counts from when the question
        can be sent, so it is preceded by at most `Limits.dial_timeout`. `question` are the message's bytes from name to
        class; a caller who has them saves their being looked for.

        Awaiting raises UpstreamError. Raises MalformedQuestion at once if the message is none: asking elsewhere cannot
        help. Reference: `plugins.md`, forward, Exchange.
        """
        transaction = Transaction(message, self.deadline(timeout), question)
        if tcp or self.endpoint.tls is not None:
            self._connections.ask(transaction)
        else:
            self._datagrams.ask(transaction)
        return transaction

    def deadline(self, timeout: float) -> float:
        """When an exchange that begins now has had so many seconds."""
        ticker = self._ticker
        if not ticker.running:
            ticker.start()
        return ticker.now + timeout

    def way_of(self, transaction: object) -> Port | Connection | None:
        """By what a question has just gone out, at the end of the round of `exchange`. It knows its local end."""
        return self._datagrams.way_of(transaction) or self._connections.way_of(transaction)

    @property
    def in_flight(self) -> int:
        """Questions that wait for a reply."""
        return self._datagrams.in_flight + self._connections.in_flight

    def close(self) -> None:
        """Close all sockets. Who waits gets UpstreamClosed, and so does who asks from now on."""
        self._ticker.stop()
        error = UpstreamClosed(f"{self.endpoint}: use of closed network connection")
        self._datagrams.close(error)
        self._connections.close(error)

    def _sweep(self, time: float) -> bool:
        self._datagrams.sweep(time)
        self._connections.sweep(time)
        return self._datagrams.is_open or self._connections.is_open
