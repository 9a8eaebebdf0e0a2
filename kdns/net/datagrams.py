"""Questions over UDP: a few connected sockets, one pending table each, no task and no timer of their own.

Theory. Every question draws its id and its source port at random, and ports are replaced after so many questions, so
that a forger has to guess afresh. A port at which too many wrong guesses arrived is closed, and those who wait there
ask again over TCP, where an id cannot be guessed (GHSA-h92q-fgpp-qhrq).
"""

import asyncio
from collections.abc import Callable
from itertools import islice

from kdns.net.endpoint import Endpoint
from kdns.net.entropy import draw
from kdns.net.failures import UpstreamBusy, UpstreamError, reason
from kdns.net.limits import Limits, Observer
from kdns.net.port import Port
from kdns.net.ticker import Ticker
from kdns.net.transaction import Transaction

_PROTO = "udp"
_LAST = 256
"""The last so many questions of a port are the ones that have just left."""


class Datagrams:
    """All that goes to one upstream over UDP. `escalate` gets the transactions that have to ask over TCP.

    Questions of one round of the loop leave together: waking up the network for each costs more than all the rest.
    """

    __slots__ = (
        "_closed",
        "_endpoint",
        "_escalate",
        "_in_flight",
        "_limits",
        "_observer",
        "_outbox",
        "_ports",
        "_questions",
        "_retired",
        "_slots",
        "_ticker",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        ticker: Ticker,
        observer: Observer,
        escalate: Callable[[Transaction], None],
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._ticker = ticker
        self._observer = observer
        self._escalate = escalate
        self._outbox: list[Transaction] = []
        self._closed: UpstreamError | None = None
        self._slots = limits.ports
        self._in_flight = limits.port_in_flight
        self._questions = limits.port_questions
        self._ports: list[Port | None] = [None] * limits.ports
        self._retired: list[Port] = []

    def ask(self, transaction: Transaction) -> None:
        """Send a question with the others of this round. What goes wrong is the transaction's outcome."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._send_all)
        self._outbox.append(transaction)

    def _send_all(self) -> None:
        outbox, self._outbox = self._outbox, []
        letters = self._letters(outbox)
        # One upon the other: to wake up an upstream that fell asleep in between costs more than sending does.
        for number, (port, octets) in enumerate(letters):
            try:
                port.send(octets)
            except OSError as error:
                self._not_sent(letters[number:], error)

    def _letters(self, outbox: list[Transaction]) -> list[tuple[Port, bytes]]:
        """What is sent from where, noted as waiting there."""
        letters = []
        for transaction in outbox:
            if transaction.done():
                continue
            ident, number = draw()
            slot = number % self._slots
            port = self._ports[slot] or self._open(slot, transaction)
            if port is None:
                continue
            pending = port.pending
            if len(pending) >= self._in_flight:
                transaction.fail(UpstreamBusy(f"more than {self._in_flight} questions in flight: {port.path}"))
                continue
            while ident in pending:
                ident, _ = draw()
            pending[ident] = transaction
            letters.append((port, ident + transaction.message[2:]))
            port.asked += 1
            if port.asked >= self._questions:
                self._retire(slot)
        return letters

    def way_of(self, transaction: object) -> Port | None:
        """The port that a question has just left from."""
        for port in self._all():
            if any(found is transaction for found in islice(reversed(port.pending.values()), _LAST)):
                return port
        return None

    def sweep(self, time: float) -> None:
        """Give up on an upstream that was silent for too long; close ports that are no longer wanted."""
        silent: list[tuple[Transaction, UpstreamError]] = []
        for slot, port in enumerate(self._ports):
            if port is not None:
                if port.asked > port.counted:
                    port.used = time
                    self._count(port)
                silent += port.expire(time)
                if self._is_worn(port, time):
                    self._retire(slot)
        for port in self._retired:
            silent += port.expire(time)
        self._close_retired()
        for transaction, error in silent:
            transaction.fail(error)

    def close(self, error: UpstreamError) -> None:
        """Close all ports, and open none any more; who waits gets the error, and so does who asks."""
        self._closed = error
        unsent, self._outbox = self._outbox, []
        ports = self._all()
        self._ports = [None] * self._slots
        self._retired.clear()
        for port in ports:
            self._count(port)
        for waiting in [unsent, *[port.close() for port in ports]]:
            for transaction in waiting:
                transaction.fail(error)

    @property
    def in_flight(self) -> int:
        """Questions that wait for a reply."""
        return len(self._outbox) + sum(len(port.pending) for port in self._all())

    @property
    def is_open(self) -> bool:
        """Whether there is a port to look after, or soon will be."""
        return bool(self._outbox or self._retired) or any(self._ports)

    def _all(self) -> list[Port]:
        return [port for port in [*self._ports, *self._retired] if port is not None]

    def _open(self, slot: int, transaction: Transaction) -> Port | None:
        """A new port for a question; `None` if there can be none, as the question then knows."""
        if self._closed is not None:
            transaction.fail(self._closed)
            return None
        try:
            port = Port(self._endpoint, self._ticker.now, self._ignored)
        except UpstreamError as error:
            transaction.fail(error)
            return None
        self._ports[slot] = port
        self._observer.dialled(_PROTO)
        port.counted = 1
        return port

    def _is_worn(self, port: Port, time: float) -> bool:
        limits = self._limits
        if 0 < limits.max_age < time - port.opened:
            return True
        return not port.pending and time - port.used > limits.expire

    def _retire(self, slot: int) -> None:
        """Ask nothing more from this port; it is closed when nobody waits on it. Only so many may be about to close."""
        port = self._ports[slot]
        if len(self._retired) >= self._slots:
            self._close_retired()
        if port is not None and len(self._retired) < self._slots:
            self._count(port)
            self._ports[slot] = None
            self._retired.append(port)

    def _close_retired(self) -> None:
        for port in [port for port in self._retired if not port.pending]:
            self._retired.remove(port)
            port.close()

    def _ignored(self, port: Port, cause: str) -> None:
        self._observer.ignored(_PROTO, cause)
        if port.forgeries >= self._limits.port_forgeries:
            self._abandon(port)

    def _abandon(self, port: Port) -> None:
        self._count(port)
        if port in self._retired:
            self._retired.remove(port)
        else:
            self._ports[self._ports.index(port)] = None
        for transaction in port.close():
            self._escalate(transaction)

    def _not_sent(self, letters: list[tuple[Port, bytes]], error: OSError) -> None:
        """The first letter could not be sent. An earlier one's error is reported by the next call: then try again."""
        port, octets = letters[0]
        transaction = port.pending.get(octets[:2])
        if transaction is None:  # the port was closed, and who waited there was told
            return
        if isinstance(error, ConnectionRefusedError) and not transaction.second_try:
            transaction.second_try = True
            unsent = {octets[:2] for other, octets in letters if other is port}
            behind = {ident: port.pending.pop(ident) for ident in unsent & port.pending.keys()}
            port.refuse(error)
            if self._closed is not None:
                for unlucky in behind.values():
                    unlucky.fail(self._closed)
                return
            port.pending |= behind
            try:
                port.send(octets)
            except OSError as again:
                error = again
            else:
                return
        del port.pending[octets[:2]]
        transaction.fail(UpstreamError(f"write {port.path}: write: {reason(error)}"))

    def _count(self, port: Port) -> None:
        """Counting in bulk: a call for each question would be a percent of its cost."""
        if port.asked > port.counted:
            self._observer.reused(_PROTO, port.asked - port.counted)
            port.counted = port.asked
