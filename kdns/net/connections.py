"""Questions over TCP and TLS: a few connections that many questions share, opened when needed, kept for a while.

A question goes to an idle connection; else to a new one, up to a small number; else to the least busy one. Not every
upstream likes that. Some answer one question at a time, some one on each connection, some close when a second question
arrives before the first is answered. So when a connection is closed under waiting questions, the number it answered in
that streak is taken as what this upstream can bear; it grows again with success.

A connection that worked before and is found closed says nothing about the upstream: what waited there is asked once
more, on a new one (coredns#7427). One that kept somebody waiting in vain gets no new questions.
"""

from kdns.net.connection import Connection
from kdns.net.endpoint import Endpoint
from kdns.net.failures import UpstreamBusy, UpstreamError, UpstreamTimeout
from kdns.net.limits import Limits, Observer
from kdns.net.ticker import Ticker
from kdns.net.transaction import MAX_MESSAGE, Transaction

_GROWTH = 256
"""Replies on one connection after which the upstream is trusted with twice as many questions at once."""


class Connections:
    """All that goes to one upstream over TCP or TLS."""

    __slots__ = ("_closed", "_connections", "_depth", "_endpoint", "_limits", "_observer", "_proto", "_ticker")

    def __init__(self, endpoint: Endpoint, limits: Limits, ticker: Ticker, observer: Observer) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._ticker = ticker
        self._observer = observer
        self._proto = "tcp" if endpoint.tls is None else "tcp-tls"
        self._depth = limits.stream_in_flight
        self._connections: list[Connection] = []
        self._closed: UpstreamError | None = None

    def ask(self, transaction: Transaction) -> None:
        """Send a question. What goes wrong is the transaction's outcome."""
        if self._closed is not None:
            transaction.fail(self._closed)
            return
        if len(transaction.message) > MAX_MESSAGE:
            transaction.fail(UpstreamError(f"write tcp {self._endpoint}: write: message too long"))
            return
        candidates = [each for each in self._connections if self._is_fit(each, transaction)]
        chosen = min(candidates, key=_load, default=None)
        if chosen is None or (chosen.pending and self._may_dial(chosen)):
            if len(self._connections) >= self._limits.streams_max:
                transaction.fail(UpstreamBusy(f"more than {self._limits.streams_max} connections to {self._endpoint}"))
                return
            chosen = self._dial()
        else:
            self._observer.reused(self._proto, 1)
        chosen.ask(transaction)

    def way_of(self, transaction: object) -> Connection | None:
        """The connection that a question waits on."""
        return next((each for each in self._connections if transaction in each.pending.values()), None)

    def sweep(self, time: float) -> None:
        """Give up on an upstream that was silent for too long; close connections that are no longer wanted."""
        silent: list[tuple[Transaction, UpstreamError]] = []
        for connection in self._connections:
            silent += self._silent(connection, time)
            if connection.answered >= _GROWTH:
                self._depth = min(self._depth * 2, self._limits.stream_in_flight)
        for connection in self._unwanted(time):
            self._connections.remove(connection)
            connection.close(at_once=connection.dialling)
        for transaction, error in silent:
            transaction.fail(error)

    def close(self, error: UpstreamError) -> None:
        """Close all connections, and dial no more; who waits gets the error, and so does who asks."""
        self._closed = error
        connections, self._connections = self._connections, []
        for connection in connections:
            connection.close(at_once=True)
        for connection in connections:
            for transaction in connection.drop():
                transaction.fail(error)

    @property
    def in_flight(self) -> int:
        """Questions that wait for a reply."""
        return sum(len(connection.pending) for connection in self._connections)

    @property
    def is_open(self) -> bool:
        """Whether there is a connection to look after."""
        return bool(self._connections)

    def _is_fit(self, connection: Connection, transaction: Transaction) -> bool:
        if connection.retired or self._is_old(connection, self._ticker.now):
            return False
        return not (transaction.second_try and connection.answered)

    def _may_dial(self, least_busy: Connection) -> bool:
        return len(self._connections) < self._limits.streams or len(least_busy.pending) >= self._depth

    def _dial(self) -> Connection:
        connection = Connection(self._endpoint, self._ticker, self._lost)
        self._connections.append(connection)
        self._observer.dialled(self._proto)
        return connection

    def _lost(self, connection: Connection, error: UpstreamError) -> None:
        """A connection ended by itself."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        waiting = connection.drop()
        overtaxed = len(waiting) + connection.streak > 1 and (connection.streak > 0 or not connection.answered)
        if waiting and overtaxed and not connection.dialling:
            self._depth = max(1, min(self._depth, connection.streak))
        for transaction in waiting:
            if transaction.done():
                continue
            if not transaction.second_try and not connection.dialling and (connection.answered or overtaxed):
                transaction.second_try = True
                self.ask(transaction)
            else:
                transaction.fail(error)

    def _silent(self, connection: Connection, time: float) -> list[tuple[Transaction, UpstreamError]]:
        if not connection.dialling:
            silent = connection.expire(time)
            connection.retired = connection.retired or bool(silent)
            return silent
        if time - connection.opened <= self._limits.dial_timeout:
            return []
        connection.retired = True
        error = UpstreamTimeout(f"dial tcp {self._endpoint}: i/o timeout")
        return [(transaction, error) for transaction in connection.drop()]

    def _unwanted(self, time: float) -> list[Connection]:
        limits = self._limits
        idle = [each for each in self._connections if not each.pending]
        kept = limits.max_idle_conns or len(idle)
        return [
            each
            for place, each in enumerate(reversed(idle))
            if each.retired or place >= kept or time - each.used > limits.expire or self._is_old(each, time)
        ]

    def _is_old(self, connection: Connection, time: float) -> bool:
        return 0 < self._limits.max_age < time - connection.opened


def _load(connection: Connection) -> int:
    return len(connection.pending)
