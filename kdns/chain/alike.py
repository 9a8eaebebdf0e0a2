"""Kept replies that answer more queries than the one they were made for: to those that differ by what does not matter.

*Sibling* denies names that differ in their first label, after a look at that label; *respelled* answers all upper and
lower cases of a name, with any cookie. Each stands where the octets that do matter say. What of a query matters to its
answer is told by whoever made it (`Basis.absent`, `Basis.uncased`).
"""

from collections.abc import Callable

from kdns.chain.basis import Basis
from kdns.chain.kept import Entry, Place
from kdns.wire import codes
from kdns.wire.reader import HEADER_SIZE, Question

_LABEL = 13
"""Where the octets of a question's first label begin."""
_COOKIE = codes.COOKIE.to_bytes(2, "big")
_ONE_OPT = b"\0\1\0\0\0\0\0\1"
"""Counts of a query with a question and one more record."""
_OPT = b"\0" + codes.OPT.to_bytes(2, "big")


class Sibling(Entry):
    """The denial of a name, for all names of the same length that differ from it in their first label and are missing.

    Everything that may differ between them are the octets of that label (RFC 8198 has the idea, from signed zones).
    """

    __slots__ = ("absent", "denial", "shape")

    def __init__(self, packet: bytes, basis: Basis, denial: Entry, absent: Callable[[bytes], bool]) -> None:
        super().__init__(sibling_of(packet)[0], basis)
        self.denial = denial
        self.absent = absent
        self.shape = len(packet) << 8 | packet[_LABEL - 1]
        """How long its queries and their first labels are: a query of a shape that no sibling has is not looked for."""

    def reply_to(self, packet: bytes, end: int) -> bytes | None:
        """The reply to a query whose first label ends there; `None` if something is known of that name."""
        label = packet[_LABEL:end]
        if not self.absent(label.lower()):
            return None
        reply = self.denial.reply(packet[:2])
        if reply is None:
            return None
        self.hits += 1
        return b"".join((reply[:_LABEL], label, reply[end:]))


def sibling_of(packet: bytes) -> tuple[Place, int]:
    """Where the denial of a query's siblings is kept, and where the first label ends; the query has a question."""
    end = _LABEL + packet[_LABEL - 1]
    return (packet[2:_LABEL], packet[end:]), end


class Respelled(Entry):
    """A reply for all spellings of a name in upper and lower case, and all cookies of one length."""

    __slots__ = ("plain",)

    def __init__(self, key: Place, basis: Basis, plain: Entry) -> None:
        super().__init__(key, basis)
        self.plain = plain

    def reply_to(self, packet: bytes, end: int) -> bytes | None:
        """The reply to a query whose question ends there, in its own spelling; `None` when it has come to its end."""
        reply = self.plain.reply(packet[:2])
        if reply is None:
            return None
        self.hits += 1
        return b"".join((reply[:HEADER_SIZE], packet[HEADER_SIZE:end], reply[end:]))


def respelled_of(packet: bytes) -> tuple[Place | None, int]:
    """Where a reply for all spellings and cookies is kept, and where the question ends.

    No place for queries with more behind the question than an OPT with at most a cookie (RFC 7873 section 4). Two of
    the same place differ in nothing else if one of them `is_plain`: labels begin with octets that are no letters, and
    counts and lengths are in the place.
    """
    end = packet.find(0, HEADER_SIZE) + 5
    rest = len(packet) - end
    if end < HEADER_SIZE or rest < 0:
        return None, end
    if rest:
        size = int.from_bytes(packet[end + 9 : end + 11], "big")
        if rest != 11 + size or size in (1, 2, 3):
            return None, end
        if size and packet[end + 11 : end + 15] != _COOKIE + (size - 4).to_bytes(2, "big"):
            return None, end
    return (packet[2:HEADER_SIZE], packet[HEADER_SIZE : end - 4].lower(), packet[end - 4 : end + 15]), end


def is_plain(packet: bytes, question: Question) -> bool:
    """Whether a query has nothing but its question and an OPT, and these where `respelled_of` thinks they are.

    Labels may hold zeros, and other records what looks like the length of an OPT.
    """
    end = HEADER_SIZE + len(question.wire)
    if packet.find(0, HEADER_SIZE) + 5 != end:
        return False
    return len(packet) == end or (packet[4:HEADER_SIZE] == _ONE_OPT and packet.startswith(_OPT, end))
