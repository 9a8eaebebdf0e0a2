"""One listener and address family: hit a kept reply, or make one; the only room with an `except Exception`.

A query is a coroutine that is driven by hand. One that never waits, as all cluster names do, is finished within
`miss` and costs neither task nor future. One that waits is resumed by the future it waits for.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Protocol

from kdns.chain.answer import DROP, Answer, Records, refuse
from kdns.chain.basis import Basis
from kdns.chain.fastpath import Alike, Plain
from kdns.chain.memo import Memo
from kdns.chain.query import Query, Transport
from kdns.metrics import Counter
from kdns.net.exchange import Exchange, Passage
from kdns.server import reply
from kdns.server.dispatch import Dispatch
from kdns.server.passing import Passing
from kdns.wire import codes
from kdns.wire.errors import EdnsError, WireError
from kdns.wire.reader import HEADER, HEADER_SIZE, Question, find_edns, read_question, read_records

MAX_WAITING = 16384
"""Most queries of one listener that may wait at a time; more are not answered, which their clients take for loss."""

MAX_KEPT = 286
"""Longest query in octets whose reply is kept: the longest name, and OPT without options. What else a client adds would
be part of the memo's key, and 32 768 keys of 64 KiB are two gigabytes."""

_OPCODE = codes.OPCODE
_NOTIFY = codes.NOTIFY << codes.OPCODE_SHIFT
_log = logging.getLogger("kdns")
_NO_REPLY = b""
_FAILED = refuse(codes.SERVFAIL)
_REFUSED = refuse(codes.REFUSED)


class Underway(Protocol):
    """A query that waits."""

    def abandon(self) -> None:
        """End it without a reply."""
        ...


Head = tuple[int, bool]
"""What a header says: the flags, and whether there is nothing but a question."""

_USUAL: dict[bytes, Head] = {
    HEADER.pack(0, flags, 1, 0, 0, additionals)[2:]: (flags, not additionals)
    for flags in (0, codes.RD, codes.AD, codes.RD | codes.AD)
    for additionals in (0, 1)
}
"""Nearly all queries have one of these, and one look-up tells."""

Takes = Callable[[bytes, Question, int, Head, Exchange], bool]
"""Of a packet with a usual header, its question, where that ends, its head, and its ends."""


class Service:
    """What a listener asks: `hit` for every packet, `miss` for those it has no reply to."""

    def __init__(
        self, transport: Transport, dispatch: Dispatch, memo: Memo, panics: Counter, *, stacktrace: bool = True
    ) -> None:
        self.transport = transport
        self.memo = memo
        self.hit = memo.hit
        self.waiting: set[Underway] = set()
        self._dispatch = dispatch
        self._panics = panics
        self._stacktrace = stacktrace
        self._drained: asyncio.Future[None] | None = None
        self.encode: reply.Encode = reply.encode
        """Makes the octets of a reply; may be replaced before the first query."""
        self.takes: Takes | None = None
        """Tells whether a query is plain and goes past the chain; may be set before the first query."""

    def miss(self, packet: bytes, exchange: Exchange, began: float | None = None) -> bytes | None:
        """The reply if it is known at once; otherwise `exchange.reply` is called later, or never.

        `began` is when the query came in, in monotonic seconds, if it was put off; the chain is asked for it then.
        """
        try:
            head = _USUAL.get(packet[2:HEADER_SIZE])
            if head is None:
                query = self._read(packet, exchange, began)
                if not isinstance(query, Query):
                    return query
            else:
                question, end = read_question(packet)
                if self.takes is not None and began is None and self.takes(packet, question, end, head, exchange):
                    return None
                query = self._query(packet, question, end, head, exchange, began)
        except WireError as error:
            return reply.malformed(packet, error.rcode, _question_if_any(packet), edns=type(error) is EdnsError)
        if query.edns is not None and query.edns.version and self._dispatch.takes(query.question.cls):
            return reply.bad_version(query)
        work = self._dispatch.answer(query)
        outcome = self.advance(work, packet, query)
        if type(outcome) is bytes:
            return outcome or None
        if len(self.waiting) >= MAX_WAITING:
            work.close()
            return None
        waiting = Waiting(self, packet, query, exchange, work)
        self.waiting.add(waiting)
        waiting.wait_for(outcome)
        return None

    def advance(self, work: Coroutine[Any, Any, Answer], packet: bytes, query: Query) -> Any:
        """Let a coroutine go on: the reply, empty for none, if that was the end of it.

        Otherwise the future that it waits for, or `None` to go on in the next round.
        """
        return self._guarded(packet, query.exchange, self._advance, work, packet, query)

    def _advance(self, work: Coroutine[Any, Any, Answer], packet: bytes, query: Query) -> Any:
        try:
            return work.send(None)
        except StopIteration as done:
            return self._finish(packet, query, done.value)
        except WireError as error:
            # Records that cannot be expanded show up where somebody looks at them, and are no fault of kdns.
            return self._finish(packet, query, refuse(codes.SERVFAIL, str(error)))

    def _guarded(self, packet: bytes, exchange: Any, work: Callable[..., Any], *given: Any) -> Any:
        """What some work for a query gives, or the reply that it has failed."""
        try:
            return work(*given)
        except asyncio.CancelledError:
            return _NO_REPLY
        except Exception as error:  # noqa: BLE001 - the one of the house: no query may end the process
            self._panics.add()
            stack = error if self._stacktrace else None
            _log.error('Recovered from panic in server: "%s" %r', self.transport.server, error, exc_info=stack)
            return self._failure(packet, exchange)

    def _failure(self, packet: bytes, exchange: Any) -> bytes:
        query = self._read(packet, exchange, None)
        if not isinstance(query, Query):
            return _NO_REPLY
        self._dispatch.dropped(query, _FAILED)
        return reply.encode(query, _FAILED)

    def reply_to(self, plains: Alike, make: Callable[[Alike], list[bytes]]) -> None:
        """Send the replies to plain questions, or, if they cannot be made, that all have failed."""
        first = plains[0]
        replies = self._guarded(first.packet, first.exchange, make, plains)
        if isinstance(replies, bytes):
            replies = [replies, *[self._failure(plain.packet, plain.exchange) for plain in plains[1:]]]
        self.let_go(*plains)
        for plain, octets in zip(plains, replies, strict=True):
            plain.exchange.reply(octets)

    def ask_after_all(self, plain: Plain) -> None:
        """Have the chain answer what was thought to be plain."""
        self.let_go(plain)
        octets = self.miss(plain.packet, plain.exchange, plain.began)
        if octets is not None:
            plain.exchange.reply(octets)

    def _read(self, packet: bytes, exchange: Exchange, began: float | None) -> Query | bytes | None:
        """The query, a bare refusal, or `None` to drop it; checks in wire order (`kubernetes.md` section 7.1)."""
        if len(packet) < HEADER_SIZE:
            return None
        _, flags, questions, answers, authorities, additionals = HEADER.unpack_from(packet)
        if flags & codes.QR:
            return None
        if flags & _OPCODE and not (flags & _OPCODE == _NOTIFY and self._takes_notice(packet)):
            return reply.malformed(packet, codes.NOTIMP)
        if questions != 1 or answers > 1 or authorities > 1 or additionals > 2:
            return reply.malformed(packet, codes.FORMERR)
        question, end = read_question(packet)
        head = flags, not (additionals or answers or authorities)
        return self._query(packet, question, end, head, exchange, began)

    def _query(
        self, packet: bytes, question: Question, end: int, head: Head, exchange: Exchange, began: float | None
    ) -> Query:
        flags, bare = head
        edns = None if bare else find_edns(packet, read_records(packet, end))
        basis = Basis(self.memo.epoch)
        ident, size = packet[:2], len(packet)
        transport = self.transport
        return Query(ident, flags, question, edns, size, transport, exchange, basis, "", 0, None, packet, None, began)

    def _takes_notice(self, packet: bytes) -> bool:
        """Whether a NOTIFY (RFC 1996) is for a block that has asked for such."""
        return self._dispatch.notices and self._dispatch.takes_notice(read_question(packet)[0])

    def _finish(self, packet: bytes, query: Query, answer: Answer) -> bytes:
        """The reply to send, kept if it may be; empty when there is to be none, or several on their own way."""
        if answer is DROP:
            return _NO_REPLY
        if answer.more is not None:
            return self._begin(query, answer, answer.more)
        try:
            octets = self.encode(query, answer)
        except WireError:
            # Records of an upstream that cannot be expanded show up only now.
            octets = self.encode(query, _FAILED)
        if len(packet) <= MAX_KEPT:
            self.memo.keep(packet, query, octets, answer.rcode)
        return octets

    def _begin(self, query: Query, answer: Answer, more: Iterator[Records]) -> bytes:
        """Begin to send a reply of several messages; a client that can take one only is refused."""
        if not isinstance(query.exchange, Passage) or len(self.waiting) >= MAX_WAITING:
            return self.encode(query, _REFUSED)
        passing = Passing(query.exchange, reply.messages(query, answer, more, self.encode), self.let_go)
        self.waiting.add(passing)
        passing.go_on()
        return _NO_REPLY

    def let_go(self, *waiting: "Underway") -> None:
        """Queries that waited have come to their end."""
        self.waiting.difference_update(waiting)
        if self._drained is not None and not self.waiting and not self._drained.done():
            self._drained.set_result(None)

    async def drain(self) -> None:
        """Wait until no query waits."""
        while self.waiting:
            self._drained = asyncio.get_running_loop().create_future()
            await self._drained


class Waiting:
    """A query that waits: its coroutine, and whom to tell."""

    __slots__ = ("_exchange", "_packet", "_query", "_service", "_work")

    def __init__(
        self,
        service: Service,
        packet: bytes,
        query: Query,
        exchange: Exchange,
        work: Coroutine[Any, Any, Answer],
    ) -> None:
        self._service = service
        self._packet = packet
        self._query = query
        self._exchange = exchange
        self._work = work

    def wait_for(self, future: Any) -> None:
        """Go on when a future is done that the coroutine yielded, or in the next round if it yielded nothing."""
        if future is None:
            asyncio.get_running_loop().call_soon(self.resume)
            return
        future._asyncio_future_blocking = False
        future.add_done_callback(self.resume)

    def resume(self, _: object = None) -> None:
        """Let the coroutine go on, and reply if it has come to its end."""
        service = self._service
        if self not in service.waiting:  # abandoned; what it waited for came all the same
            return
        outcome = service.advance(self._work, self._packet, self._query)
        if type(outcome) is not bytes:
            self.wait_for(outcome)
            return
        service.let_go(self)
        if outcome:
            self._exchange.reply(outcome)

    def abandon(self) -> None:
        """End the coroutine without a reply."""
        self._service.let_go(self)
        self._work.close()


def _question_if_any(packet: bytes) -> bytes:
    try:
        return reply.question_of(packet)
    except WireError:
        return b""
