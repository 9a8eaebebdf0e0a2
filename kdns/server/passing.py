"""A reply of several messages on its way: each is made when the client has taken the one before.

So a zone of any size costs the memory of one message, and other queries are answered between two. A client that takes
nothing is ended by its connection's own patience.
"""

from collections.abc import Callable, Iterator

from kdns.net.exchange import Passage


class Passing:
    """Sends `messages` through a passage; `done` is called once, whatever the end."""

    __slots__ = ("_done", "_messages", "_passage")

    def __init__(self, passage: Passage, messages: Iterator[bytes], done: Callable[["Passing"], None]) -> None:
        self._passage = passage
        self._messages: Iterator[bytes] | None = messages
        self._done = done

    def go_on(self) -> None:
        """Send the next message. A zone that cannot be read to its end leaves the transfer unfinished."""
        messages, packet = self._messages, None
        if messages is None:
            return
        try:
            packet = next(messages, None) if self._passage.is_open else None
        finally:
            if packet is None:
                self.abandon()
        if packet is not None:
            self._passage.part(packet, self.go_on)

    def abandon(self) -> None:
        """End it where it stands."""
        if self._messages is not None:
            self._messages = None
            self._done(self)
            self._passage.finish()
