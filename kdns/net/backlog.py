"""Replies that a datagram socket has no room for, and what becomes of them.

A `Backlog` keeps those that came first and tries each once more: a full socket is a moment's matter, and clients ask
again. A `Stack` is for sockets that stay full (`shed`). There the oldest reply is the one that is of least use, as its
client is about to give up, so what room there is goes to the newest, and the oldest make way. While it is full a new
reply would only push another one out: who is asked then can see so, and save the work.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from kdns.metrics import Counter
from kdns.net.carrier import BATCH, AnyCarrier, Hit

SIZE = 1024
"""Most replies that wait for room in a socket."""

Letters = Sequence[tuple[Any, bytes]]
Send = Callable[[Letters], int]
"""Sends replies; how many were dealt with before the socket was full."""


class Backlog:
    """First come, first kept."""

    full = False

    def __init__(self) -> None:
        self._letters: list[tuple[Any, bytes]] = []

    def __len__(self) -> int:
        return len(self._letters)

    def carrier(self, carrier: AnyCarrier) -> AnyCarrier:
        """The carrier to send by."""
        return carrier

    def add(self, letters: Letters) -> int:
        """Keep replies, in the order in which they were made. How many were dropped."""
        room = SIZE - len(self._letters)
        self._letters += letters[:room]
        return len(letters[room:])

    def retry(self, send: Send) -> int:
        """Send what is kept, now that there is room. How many were dropped."""
        letters = self.take()
        return len(letters) - send(letters)

    def take(self) -> Letters:
        """All that is kept, which then is no more."""
        letters, self._letters = self._letters, []
        return letters

    def clear(self) -> int:
        """Let go of all. How many they were."""
        return len(self.take())


class Stack:
    """Last come, first sent. `lost` counts replies that did not reach the network, whatever the reason."""

    def __init__(self, lost: Counter) -> None:
        self._letters: deque[tuple[Any, bytes]] = deque()
        self._lost = lost

    def __len__(self) -> int:
        return len(self._letters)

    @property
    def full(self) -> bool:
        """Whether another reply would push one out."""
        return len(self._letters) >= SIZE

    def carrier(self, carrier: AnyCarrier) -> AnyCarrier:
        """The carrier to send by: it counts what the system will not send."""
        return Counted(carrier, self._lost)

    def add(self, letters: Letters) -> int:
        """Keep replies, in the order in which they were made. How many were dropped."""
        self._letters += letters
        return self._drop(max(len(self._letters) - SIZE, 0))

    def retry(self, send: Send) -> int:
        """Send the newest, as many as there is room for. How many were dropped: one if there was no room at all.

        Otherwise a socket that claims to have room, and has none, would be tried for ever.
        """
        kept = self._letters
        while kept:
            some = list(islice(reversed(kept), BATCH))
            sent = send(some)
            for _ in range(sent):
                kept.pop()
            if sent < len(some):
                return self._drop(0 if sent else 1)
        return 0

    def take(self) -> Letters:
        """All that is kept, which then is no more."""
        letters, self._letters = self._letters, deque()
        return list(letters)

    def clear(self) -> int:
        """Let go of all. How many they were."""
        return self._drop(len(self._letters))

    def _drop(self, count: int) -> int:
        for _ in range(count):
            self._letters.popleft()
        self._lost.value += count
        return count


AnyBacklog = Backlog | Stack


class Counted:
    """A carrier that counts the replies that another one was refused by the system."""

    def __init__(self, carrier: AnyCarrier, lost: Counter) -> None:
        self._carrier = carrier
        self._lost = lost
        self.client = carrier.client
        self.local = carrier.local

    @property
    def received(self) -> int:
        """See `Carrier`."""
        return self._carrier.received

    @property
    def refused(self) -> int:
        """See `Carrier`."""
        return self._carrier.refused

    def serve(self, hit: Hit, miss: Callable[[bytes, Any], bytes | None]) -> Letters:
        """See `Carrier`."""
        before = self._carrier.refused
        unsent = self._carrier.serve(hit, miss)
        self._lost.value += self._carrier.refused - before
        return unsent

    def send(self, replies: Letters) -> int:
        """See `Carrier`."""
        before = self._carrier.refused
        sent = self._carrier.send(replies)
        self._lost.value += self._carrier.refused - before
        return sent
