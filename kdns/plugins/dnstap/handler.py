"""The link of the chain that shows queries and their replies to taps, and what a tap makes of them."""

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.placeholders import Format, Seen
from kdns.chain.query import Query
from kdns.chain.roles import Forwarded
from kdns.plugins.dnstap.message import (
    CLIENT_QUERY,
    CLIENT_RESPONSE,
    FORWARDER_QUERY,
    FORWARDER_RESPONSE,
    Envelope,
    Message,
)


class Outlet(Protocol):
    """Where messages go."""

    def takes(self) -> bool:
        """Whether to make one."""
        ...

    def put(self, payload: bytes) -> None:
        """Send one, soon."""
        ...


class Tap:
    """One directive. Implements `chain.roles.Tap`. `full` includes DNS messages, `extra` is added to all."""

    def __init__(self, envelope: Envelope, outlet: Outlet, *, full: bool, extra: Format | None) -> None:
        self._envelope = envelope
        self._outlet = outlet
        self._full = full
        self._extra = extra

    def tell(self, query: Query, message: Message) -> None:
        """Send a message about a query."""
        if not self._outlet.takes():
            return
        if not self._full:
            message = message._replace(query=None, response=None)
        extra = None if self._extra is None else self._extra.line(Seen(query))
        self._outlet.put(self._envelope.around(message, extra))

    def forwarded(self, query: Query, exchange: Forwarded) -> None:
        """See `chain.roles.Tap`."""
        asked = Message(
            FORWARDER_QUERY, exchange.proto, exchange.source, exchange.upstream, exchange.asked, exchange.question
        )
        self.tell(query, asked)
        if exchange.reply is not None:
            self.tell(query, asked.answered(FORWARDER_RESPONSE, exchange.replied, exchange.reply))


class Dnstap:
    """Tells of what passes. An answer that was told of is the client's alone, as its address was."""

    def __init__(self, next_: Handler, taps: Sequence[Tap], time: Callable[[], float]) -> None:
        self._next = next_
        self._taps = taps
        self._time = time

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The next handler's answer. Lookups in the course of a query are no client's (RFC 1035 section 7.1)."""
        return self._next.answer(query) if query.depth else self._tapped(query)

    async def _tapped(self, query: Query) -> Answer:
        asked = Message(CLIENT_QUERY, query.transport.proto, query.client, None, self._time(), query.packet)
        for tap in self._taps:
            tap.tell(query, asked)
        answer = await self._next.answer(query)
        if answer.written:
            query.basis.witness = partial(self._replied, query, asked)
        return answer

    def _replied(self, query: Query, asked: Message, reply: bytes) -> None:
        replied = asked.answered(CLIENT_RESPONSE, self._time(), reply)
        for tap in self._taps:
            tap.tell(query, replied)
