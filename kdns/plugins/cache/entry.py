"""One kept reply, and what is known about it.

A forwarded reply is kept as the octets that came. Who asks for it first makes an `Answer` of them, which stays: a flood
of names that nobody asks for again costs little more than their packets.
"""

import math

from msgspec import Struct

from kdns.chain import basis
from kdns.chain.answer import Answer, relayed
from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.edns import Option
from kdns.wire.message import Relay
from kdns.wire.reader import Question

Key = bytes
"""Folded name, type and class as on the wire, and an octet behind them if DO or CD was set.

Without that octet it is the `plain_key` of a plain question (`chain.fastpath`).
"""

_PER_RECORD = 64


def key_of(question: Question, do: int = 0, cd: int = 0) -> Key:
    """Under what the answer to a question is kept; `do` and `cd` are the flags of OPT and header, 0 if not set."""
    key = question.folded + question.wire[-4:]
    return key + bytes((do >> 8 | cd,)) if do or cd else key


class Entry(Struct, eq=False, gc=False):
    """A kept reply. Times are monotonic seconds, `ttl` whole seconds from `stored`.

    `flags` are those to show, `answering` tells that the question is answered, `reads` what was read of things whose
    changes are announced, `known_good` an answer that this one, which is none, took the place of (`prefer_positive`).
    `weight` and `place` are the store's notes.
    """

    key: Key
    denial: bool
    rcode: int
    flags: int
    ttl: int
    stored: float
    content: bytes | Answer
    answering: bool
    reads: tuple[basis.Key, ...] = ()
    known_good: "Entry | None" = None
    weight: int = 0
    place: int = 0
    used: bool = False
    hits: int = 0
    last_hit: float = -math.inf
    refreshing: bool = False
    retry_at: float = -math.inf

    @property
    def end(self) -> float:
        """When it is no longer fresh."""
        return self.stored + self.ttl

    def weigh(self) -> int:
        """About how many octets it holds."""
        content = self.content
        size = len(content) if type(content) is bytes else _size(content)  # type: ignore[arg-type]
        return size if self.known_good is None else size + self.known_good.weigh()

    def left(self, now: float) -> int:
        """Whole seconds until the end, none or fewer when it is stale."""
        return self.ttl - int(now - self.stored)

    @property
    def good(self) -> "Entry | None":
        """This entry if it answers the question, or the one it took the place of."""
        return self if self.answering else self.known_good

    def reply(self, query: Query, ttl: int, options: tuple[Option, ...] = ()) -> Answer:
        """The answer to a query with its key, with one TTL for all records."""
        content = self.content
        if not isinstance(content, Answer):
            content = self.content = relayed(Relay(content))
        return Answer(
            rcode=self.rcode,
            flags=shown_flags(query, self.flags),
            answer=content.answer,
            authority=content.authority,
            additional=content.additional,
            options=options,
            relay=content.relay,
            ttl=ttl,
        )

    def count_hit(self, now: float, window: float) -> None:
        """Count one more hit; a pause longer than `window` seconds begins anew."""
        self.hits = 1 if self.last_hit < now - window else self.hits + 1
        self.last_hit = now

    def begin_refresh(self, now: float, recheck: float) -> bool:
        """Whether to ask for it anew: not while that is being done, nor, with `recheck`, too soon after a failure."""
        if self.refreshing or (recheck and now < self.retry_at):
            return False
        self.refreshing = True
        return True

    def end_refresh(self, now: float, recheck: float, *, refreshed: bool) -> None:
        """Note how asking ended."""
        self.refreshing = False
        self.retry_at = -math.inf if refreshed else now + recheck


def shown_flags(query: Query, flags: int) -> int:
    """Flags without AD, unless the query has DO or AD (RFC 6840 section 5.8)."""
    if flags & codes.AD and not (query.flags & codes.AD or query.do):
        return flags ^ codes.AD
    return flags


def _size(answer: Answer) -> int:
    if answer.relay is not None:
        return len(answer.relay.packet)
    sections = (answer.answer, answer.authority, answer.additional)
    return sum([_PER_RECORD + len(record.owner or b"") + len(record.data) for part in sections for record in part])
