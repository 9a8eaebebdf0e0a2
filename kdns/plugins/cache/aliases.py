"""Whether an answer section leads from what was asked to what was asked for (RFC 1034 section 3.6.2).

Forwarded records stay as they came: owners and targets are expanded only where an alias makes it necessary, and those
that pointers name again only once.
"""

from collections.abc import Iterator

from kdns.chain.answer import Records
from kdns.chain.classify import heads
from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.message import Section
from kdns.wire.reader import HEADER_SIZE, Question, RawRecord, read_data, read_name
from kdns.wire.record import Record

MAX_NAMES = 64
"""Most names of one answer that are expanded."""


def answers(question: Question, section: Records) -> bool:
    """Whether an answer section has what was asked for at the end of its aliases (RFC 1034 section 3.6.2).

    An owner with two different aliases, or a loop, has no end (RFC 2181 section 10.1). Raises `WireError` for names
    that cannot be read, or more than `MAX_NAMES` of them.
    """
    owners: set[bytes] = set()
    aliases: dict[bytes, bytes | None] = {}
    for owner, rtype, target in _steps(question, section):
        if rtype == codes.CNAME:
            aliases[owner] = target if aliases.get(owner, target) == target else None
        if rtype == question.type or question.type == codes.ANY:
            owners.add(owner)
    at, seen = question.folded, set[bytes]()
    if question.type == codes.ANY:
        return at in owners
    if question.type == codes.CNAME:
        return aliases.get(at) is not None
    while at in aliases:
        onward = aliases[at]
        if onward is None or at in seen:
            return False
        seen.add(at)
        at = onward
    return at in owners


def _steps(question: Question, section: Records) -> Iterator[tuple[bytes, int, bytes]]:
    """Owner, type and target, folded, of every record that can lead to an end."""
    wanted = (codes.CNAME, question.type)
    names = _Names(question, section)
    for record in heads(section):
        rtype = record.type
        if question.cls not in (record.cls, codes.ANY_CLASS):
            continue
        if rtype in wanted or question.type == codes.ANY:
            yield names.owner(record), rtype, names.target(record) if rtype == codes.CNAME else b""


class _Names:
    """Names of records, decoded or not, as few of them expanded as can be."""

    def __init__(self, question: Question, section: Records) -> None:
        self._packet = section.packet if isinstance(section, Section) else b""
        self._asked = question.folded
        self._known = {_pointer(HEADER_SIZE): self._asked}
        self._left = MAX_NAMES

    def owner(self, record: Record | RawRecord) -> bytes:
        """Whose the record is."""
        if isinstance(record, Record):
            return self._asked if record.owner is None else record.owner.lower()
        octets = self._packet[record.start : record.start + 2]
        known = self._known.get(octets)
        if known is not None:
            return known
        self._count()
        owner = read_name(self._packet, record.start)[0].lower()
        if octets[0] >= 0xC0:
            self._known[octets] = owner
        return owner

    def target(self, record: Record | RawRecord) -> bytes:
        """Where an alias leads."""
        if isinstance(record, Record):
            return record.data.lower()
        self._count()
        target = read_data(self._packet, record).lower()
        self._known[_pointer(record.data)] = target
        return target

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise WireError(f"more than {MAX_NAMES} names in an answer")


def _pointer(at: int) -> bytes:
    """A compression pointer; one to where none can point is no name's."""
    return (at | 0xC000).to_bytes(2, "big") if at < 0x4000 else b""
