"""An answer as a value: what handlers return.

A handler never writes to a client. It returns an `Answer`; looking at a reply is reading what the next handler
returned, changing it is `answer.replace(...)`, and the server alone makes octets of it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from kdns.wire import codes
from kdns.wire.edns import Option
from kdns.wire.message import Relay
from kdns.wire.record import Record

Records = Sequence[Record]


class Shared:
    """Marks an answer that is given to many, so that its octets are made once for each length of a question's name.

    Every name in it is the question's own or ends in `origin` (wire form, in the letter case of the questions it is
    given to), so nothing but the place of `origin` in the question matters for where its names can point.
    """

    __slots__ = ("bodies", "origin")

    def __init__(self, origin: bytes) -> None:
        self.origin = origin
        self.bodies: dict[int, tuple[bytes, tuple[int, int, int]]] = {}


class Answer(Struct, frozen=True):
    """Sections, response code and flags of a reply.

    `flags` holds AA, TC, RA, AD and Z; id, opcode, RD, CD and OPT are the server's matter. `options` are the EDNS
    options for the client. `relay` is the upstream's message the sections come from, when they still do, and `ttl` the
    one TTL that all its records are sent with, if any. `payload` is the most that the client's EDNS size counts for,
    in octets, `do` sets DO in the reply's OPT whatever the client's says, and `recursion` is the RD bit to send where
    it is not to be the query's. `more` has the answer sections of the messages that follow this one, for zone transfers
    (RFC 5936 section 2.2); each is asked for when the one before has been taken by the client.

    `written` tells an answer that a plugin made from one it only asked for by a code, which CoreDNS's cache, log and
    metrics treat differently (`corefile.md` section 8); `error` says why it failed, for the `errors` plugin.
    """

    rcode: int = codes.NOERROR
    flags: int = 0
    answer: Records = ()
    authority: Records = ()
    additional: Records = ()
    options: tuple[Option, ...] = ()
    relay: Relay | None = None
    ttl: int | None = None
    written: bool = True
    error: str | None = None
    shared: Shared | None = None
    payload: int | None = None
    do: bool = False
    recursion: bool | None = None
    more: Iterator[Records] | None = None

    def replace(self, **changes: Any) -> "Answer":
        """This answer with fields changed; new sections part it from octets that were made of the old ones."""
        if not changes.keys().isdisjoint(_SECTIONS):
            changes.setdefault("relay", None)
            changes.setdefault("shared", None)
        return replace(self, **changes)

    def with_ttl(self) -> "Answer":
        """This answer with its one TTL written into every record."""
        ttl = self.ttl
        if ttl is None:
            return self
        sections = (self.answer, self.authority, self.additional)
        answer, authority, additional = ([r._replace(ttl=ttl) for r in section] for section in sections)
        return self.replace(answer=answer, authority=authority, additional=additional, ttl=None)


_SECTIONS = frozenset(("answer", "authority", "additional"))

DROP = Answer(rcode=codes.NOERROR, written=False)
"""No reply is to be sent at all; compare with `is`."""


def refuse(rcode: int, error: str | None = None) -> Answer:
    """An answer by code alone (SERVFAIL, REFUSED, FORMERR, NOTIMP): the server writes the bare message."""
    return Answer(rcode=rcode, written=False, error=error)


def relayed(relay: Relay) -> Answer:
    """The answer that an upstream's message is."""
    return Answer(
        rcode=relay.rcode,
        flags=relay.flags & (codes.AA | codes.TC | codes.RA | codes.AD),
        answer=relay.section(0),
        authority=relay.section(1),
        additional=relay.section(2),
        relay=relay,
    )
