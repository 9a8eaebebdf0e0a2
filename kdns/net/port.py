"""One source port of an upstream's UDP questions: a connected socket, and who waits for which id on it.

Theory. A reply is believed because its sender knew a random id, a random port and the question (RFC 5452). A datagram
that does not fit is ignored while the wait goes on: the first wrong one must not end it (TuDoor, GHSA-hfmw-7g3m-gj6q).
But each ignored one was a guess, and guesses are cheap: who counts them is told, and may close the port.

Reading stops as soon as nobody waits, which saves the read that would only say "nothing more".

What is read into 64 KiB of its own and then cut to its size stands in the way of the next 64 KiB for as long as it is
kept: a cache full of replies takes many times their octets. So all is read into the same memory, and copied; one room
for all ports, as memory that was just used is the fastest.
"""

import asyncio
import mmap
from collections.abc import Callable

from kdns.net.endpoint import Endpoint, local_end, path
from kdns.net.failures import UpstreamError, UpstreamTimeout, reason
from kdns.net.transaction import Transaction

_BATCH = 32
"""Datagrams read before the loop serves others."""
_ROOM = mmap.mmap(-1, 65535, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
"""As much as a datagram may be; what is in it is of use only until the next one is read."""


class Port:
    """Carries transactions to their replies. `ignored(port, cause)` is told of each datagram that is none.

    Raises UpstreamError if no socket can be had.
    """

    __slots__ = (
        "_endpoint",
        "_ignored",
        "_late",
        "_loop",
        "_receive",
        "_sock",
        "asked",
        "counted",
        "forgeries",
        "opened",
        "pending",
        "send",
        "used",
    )

    def __init__(self, endpoint: Endpoint, now: float, ignored: Callable[["Port", str], None]) -> None:
        self._endpoint = endpoint
        self._ignored = ignored
        self._sock = endpoint.datagram_socket()
        self._receive = self._sock.recv_into
        self._late: set[bytes] = set()
        self.send = self._sock.send
        """Raises OSError, also for what an earlier datagram met."""
        self.pending: dict[bytes, Transaction] = {}
        self.opened = self.used = now
        self.asked = 0
        """Questions sent from here; whoever sends them counts, and `counted` is how many have been made known."""
        self.counted = 0
        self.forgeries = 0
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> list[Transaction]:
        """Stop reading and free the port. Gives those who still waited."""
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        return self._drop()

    def expire(self, time: float) -> list[tuple[Transaction, UpstreamError]]:
        """Take those out who have waited long enough, with what they are to be told."""
        idents = [ident for ident, transaction in self.pending.items() if transaction.deadline <= time]
        if not idents:
            return []
        self._late.update(idents)
        error = UpstreamTimeout(f"read {self.path}: i/o timeout")
        return [(self.pending.pop(ident), error) for ident in idents]

    def refuse(self, error: OSError) -> None:
        """The kernel was told that the upstream cannot be reached (ICMP): whoever waits need not."""
        self._read_on()
        failure = UpstreamError(f"read {self.path}: read: {reason(error)}")
        for transaction in self._drop():
            transaction.fail(failure)

    @property
    def source(self) -> tuple[str, int] | None:
        """The local address, without zone, and port; `None` if it is closed."""
        return local_end(self._sock)

    @property
    def path(self) -> str:
        """`udp 10.0.0.7:4711->10.0.0.1:53`."""
        return path("udp", self._sock, self._endpoint)

    def _readable(self) -> None:
        receive, room = self._receive, _ROOM
        pending = self.pending
        for turn in range(_BATCH):
            try:
                reply = room[: receive(room)]
            except BlockingIOError:
                if not turn:
                    self._read_on()
                return
            except OSError as error:
                self.refuse(error)
                return
            ident = reply[:2]
            transaction = pending.get(ident)
            if transaction is not None and transaction.accepts(reply):
                del pending[ident]
                transaction.finish(reply)
                if not pending:
                    return
            elif not self._ignore(ident):
                return

    def _read_on(self) -> None:
        """Begin to read anew: when uvloop finds an error on a socket, it calls once more and then never again."""
        self._loop.remove_reader(self._sock.fileno())
        self._loop.add_reader(self._sock.fileno(), self._readable)

    def _ignore(self, ident: bytes) -> bool:
        """Make known that a datagram was no reply. False if that closed the port."""
        if ident in self._late:
            self._late.remove(ident)
            self._ignored(self, "late")
        else:
            self.forgeries += 1
            self._ignored(self, "forged")
        return self._sock.fileno() >= 0

    def _drop(self) -> list[Transaction]:
        waiting = list(self.pending.values())
        self.pending.clear()
        return waiting
