"""The fast path of plain questions: past the chain, where every link of it has said how.

Theory. Nearly all that is forwarded is alike: a question for the addresses of a name, and a reply that has these, with
the aliases that lead to them, or says that there are none. What a chain does with one is a dozen lines, and the
machinery that would let it do anything costs more than all of them. So a link may put those of its lines that matter to
plain questions into a `Part`; where every link down to the one that forwards has done so, the block has a `FastPath`.

It is a short cut and never another way. A question that any part declines, by its zone or else, goes to the chain. So
does one whose reply is not plain: the chain is asked after all, and its forwarding link finds the exchange that has
been begun. Nothing has been counted or kept until then. With and without fast paths all replies, metrics and entries
are the same.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from kdns.chain.basis import Key
from kdns.chain.query import Transport
from kdns.chain.zones import Zones
from kdns.wire import codes
from kdns.wire.reader import Question

TYPES = {codes.A: 4, codes.AAAA: 16}
"""Types of plain questions, with the octets of their data."""


class Plain(Protocol):
    """A plain question under way; when the reply is there, what it says.

    `opt` are the octets of an OPT record without options, DO or version, if the query has one; the reply has the same.
    `exchange` is the server's own. `began` is in monotonic seconds.

    Of the `reply`: `flags` are AA, RA and AD, `rcode` is NOERROR or NXDOMAIN. `aliases` are the octets of CNAME records
    that lead on from the asked name, one by one, and `records` those of `count` addresses at their end. Each owner is a
    pointer, and stays right if addresses change places. If there are no addresses, `soa` is the record that says so,
    owned by the root or under a pointer, and empty otherwise. `ttl` is the lowest TTL of all, `size` how many octets
    all have without compression. `shown` is the TTL, four octets, that all records are to be sent with; if it is empty,
    each with its own.
    """

    asker: "Asker"
    packet: bytes
    asked: Question
    opt: bytes
    exchange: Any
    began: float
    reply: bytes
    flags: int
    rcode: int
    aliases: Sequence[bytes]
    records: bytes
    count: int
    soa: bytes
    ttl: int
    size: int
    shown: bytes

    def abandon(self) -> None:
        """Wait no longer for the reply."""
        ...


Alike = Sequence[Plain]
"""Replies for one asker, of one type and rcode, all with addresses or all without."""


def plain_key(question: Question) -> bytes:
    """What plain questions are told apart by, without letter case: no octet of their types and class is a letter."""
    return question.wire.lower()


def split(plain: Plain) -> list[bytes]:
    """The addresses of a reply, at least one, one by one."""
    records = plain.records
    size = len(records) // plain.count
    return [records[at : at + size] for at in range(0, len(records), size)]


def with_ttl(record: bytes, ttl: bytes) -> bytes:
    """A record, owned by the root or under a pointer, with this TTL; as it is if that is empty."""
    at = 6 if record[0] else 5  # the root is an octet shorter than a pointer
    return record[:at] + ttl + record[at + 4 :] if ttl else record


class Asker(Protocol):
    """Who wants plain questions answered: those that came over `transport`.

    `reads` is what is read of each of them on its way to an upstream.
    """

    transport: Transport
    reads: tuple[Key, ...]

    def finish(self, plains: Alike) -> None:
        """Their replies are there, and plain, and `Alike`."""
        ...

    def give_back(self, plain: Plain) -> None:
        """It is not plain, or there is none: have the chain asked."""
        ...

    def let_go(self, plain: Plain) -> None:
        """It was abandoned."""
        ...


class Begin(Protocol):
    """Sends a plain question to an upstream."""

    def __call__(
        self,
        asker: Asker,
        packet: bytes,
        question: Question,
        opt: bytes,
        flags: int,
        exchange: Any,
    ) -> Plain | None:
        """What is under way; `None` to have the chain asked instead. `flags` are those to ask with."""
        ...


Declines = Callable[[Question], object]
"""Tells by something true that a question is not plain."""

Replied = Callable[[Alike], None]
"""Takes part in replies. They come by the dozen: a step done for all of them costs half of what it does for one."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a link does with plain questions; nothing, if it has none of these.

    No question in `zones` is plain to this link, nor what it `declines`, which changes nothing. `replied` takes part in
    the reply, from the innermost link outwards. `begin` is that of the link that forwards, `flags` those that a link
    asks it to set. `reads` is what a link reads of every question (`chain.basis`).
    """

    zones: Collection[str] = ()
    declines: Declines | None = None
    replied: Replied | None = None
    begin: Begin | None = None
    flags: int = 0
    reads: tuple[Key, ...] = ()


@runtime_checkable
class Plainly(Protocol):
    """A handler that may have a part in a fast path."""

    def part(self) -> Part | None:
        """Its part; `None` if it is set up so that no question is plain to it."""
        ...


@dataclass(frozen=True, slots=True)
class FastPath:
    """The parts of a chain put together: `declining` as questions meet them, `replied` as replies do.

    Some link declines all questions in `zones`; that is looked at before all else.
    """

    zones: Zones
    declining: tuple[Declines, ...]
    begin: Begin
    flags: int
    reads: tuple[Key, ...]
    replied: tuple[Replied, ...]


def fast_path(handlers: Iterable[object]) -> FastPath | None:
    """The fast path of a chain, outermost handler first; `None` if there is none."""
    zones: list[str] = []
    declining: list[Declines] = []
    replied: list[Replied] = []
    flags = 0
    reads: tuple[Key, ...] = ()
    for handler in handlers:
        part = handler.part() if isinstance(handler, Plainly) else None
        if part is None:
            return None
        zones += part.zones
        if part.declines is not None:
            declining.append(part.declines)
        if part.replied is not None:
            replied.append(part.replied)
        flags |= part.flags
        reads += part.reads
        if part.begin is not None:
            return FastPath(Zones(zones), tuple(declining), part.begin, flags, reads, tuple(reversed(replied)))
    return None
