"""Reading the reply to a plain question: nearly all are of three forms, and all others are the chain's matter.

    addresses, all under a pointer to the question
    aliases in their order, each under a pointer to where its name stands first, and addresses under the last such
    a denial: an SOA, behind aliases perhaps or with NXDOMAIN

None has more to it than a bare OPT. What is read here is what the chain would have looked at by the time it had checked
the names, judged what to keep and counted the size, and it would have sent the same octets: of a reply whose addresses
may change places it writes the names anew, so those must be compressed as it does that.
"""

from struct import Struct

from kdns.chain.fastpath import TYPES, Plain
from kdns.wire import codes
from kdns.wire.edns import begins_with_bare_opt
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER_SIZE, NO_TTL, POINTED_SIZE, read_name, read_record, read_records, skim_addresses
from kdns.wire.writer import compressed, question_names

MAX_ALIASES = 8
"""Most steps from the asked name to its addresses."""
SMALLEST = 512
"""Octets of a message over UDP that every client takes (RFC 1035 section 4.2.1)."""

_FLAGS_COUNTS = Struct(">H2xHHH")
_TTL_SIZE = Struct(">IH")
_IS_POINTER = 0xC0
_QUESTION = b"\xc0\x0c"
_DIRECT = {rtype: (_QUESTION + rtype.to_bytes(2, "big") + codes.IN.to_bytes(2, "big"), TYPES[rtype]) for rtype in TYPES}
"""What records of the asked name begin with, and how many octets they hold."""
_CNAME = codes.CNAME.to_bytes(2, "big")
_ROOT_QUESTION = 5
_TC = codes.TC
_RCODE = 15
_SHOWN = codes.AA | codes.RA | codes.AD


def read_plain(plain: Plain) -> bool:
    """Note what a reply says, see `Plain`. Whether it is plain: if not, what has been noted means nothing."""
    reply, asked, opt = plain.reply, plain.asked.wire, plain.opt
    flags, answers, authorities, additionals = _FLAGS_COUNTS.unpack_from(reply, 2)
    if flags & _TC or not reply.startswith(asked, HEADER_SIZE):
        return False
    plain.flags = flags & _SHOWN
    plain.rcode = rcode = flags & _RCODE
    start, (head, size) = HEADER_SIZE + len(asked), _DIRECT[plain.asked.type]
    if answers and reply.startswith(head, start) and not (authorities or rcode):
        end = start + (POINTED_SIZE + size) * answers
        plain.aliases, plain.soa, plain.count = (), b"", answers
        plain.records = records = reply[start:end]
        if answers == 1 and len(records) == POINTED_SIZE + size:
            plain.ttl, length = _TTL_SIZE.unpack_from(records, 6)
            if length != size:
                return False
        else:
            plain.ttl = ttl = skim_addresses(records, answers, head, size)
            if ttl < 0 or len(asked) == _ROOT_QUESTION:  # the root is never written as a pointer
                return False
        plain.size = end - start + (len(asked) - 6) * answers
    else:
        end = _read_others(plain, start, answers, authorities)
        if end < 0:
            return False
    if additionals and not (additionals == 1 and opt and begins_with_bare_opt(reply[end:])):
        return False
    room = end + len(opt)  # what the client does not take is cut (RFC 6891 section 6.2.3)
    return room <= SMALLEST or (len(opt) > 0 and room <= int.from_bytes(opt[3:5], "big"))


def _read_others(plain: Plain, start: int, answers: int, authorities: int) -> int:
    """Read a reply that has aliases or denies; where its records end, or -1."""
    if authorities > 1 or plain.rcode not in (codes.NOERROR, codes.NXDOMAIN) or (plain.rcode and answers):
        return -1
    try:
        trail = _Trail(plain, start, answers)
        count = answers - len(trail.aliases)
        if bool(count) == bool(authorities) or (count > 1 and not trail.is_canonical()):
            return -1
        end = trail.end + (POINTED_SIZE + TYPES[plain.asked.type]) * count
        plain.aliases, plain.count, plain.records = trail.aliases, count, plain.reply[trail.end : end]
        plain.size, plain.ttl, plain.soa = trail.size, trail.ttl, b""
        if not count:
            return _read_soa(plain, end)
    except WireError:
        return -1
    ttl = skim_addresses(plain.records, count, trail.owner + plain.asked.wire[-4:], TYPES[plain.asked.type])
    plain.ttl = min(trail.ttl, ttl)
    plain.size += end - trail.end + (len(trail.name) - 2) * count
    return end if ttl >= 0 else -1


class _Trail:
    """The aliases that lead on from the asked name: where they end, and the `name` there, `owner` being its pointer.

    Raises `WireError` for one that cannot be read, or leads back.
    """

    __slots__ = ("_places", "_plain", "aliases", "end", "name", "owner", "size", "ttl")

    def __init__(self, plain: Plain, start: int, most: int) -> None:
        self._plain = plain
        self._places: list[tuple[bytes, int, int]] = []
        self.aliases: list[bytes] = []
        self.end, self.name, self.owner = start, plain.asked.name, _QUESTION
        self.size, self.ttl = 0, NO_TTL
        seen, head = [plain.asked.folded], _CNAME + plain.asked.wire[-2:]
        while len(self.aliases) < min(most, MAX_ALIASES) and plain.reply.startswith(self.owner + head, self.end):
            self._follow(plain.reply)
            folded = self.name.lower()
            if folded in seen:
                raise WireError("aliases that lead in a circle")
            seen.append(folded)

    def _follow(self, reply: bytes) -> None:
        start, data = self.end, self.end + POINTED_SIZE
        target, end = read_name(reply, data)
        ttl, size = _TTL_SIZE.unpack_from(reply, start + 6)
        if end != data + size:
            raise WireError("an alias that does not fill its record")
        self._places.append((target, data, end))
        self.aliases.append(reply[start:end])
        self.size += len(self.name) + 10 + len(target)
        self.owner = reply[data:end] if reply[data] >= _IS_POINTER else (data | _IS_POINTER << 8).to_bytes(2, "big")
        self.end, self.name = end, target
        if ttl < self.ttl:
            self.ttl = ttl

    def is_canonical(self) -> bool:
        """Whether all names are compressed as `wire.writer` does it."""
        reply, asked = self._plain.reply, self._plain.asked.wire
        known = question_names(asked, None)
        return len(asked) > _ROOT_QUESTION and all(
            compressed(target, data, known) == reply[data:end] for target, data, end in self._places
        )


def _read_soa(plain: Plain, start: int) -> int:
    """Read the record of a denial, the last of a reply; where it ends, or -1. Raises `WireError`."""
    reply = plain.reply
    (raw,) = read_records(reply, start, (0, 1))
    if raw.type != codes.SOA or raw.cls != codes.IN or 0 < reply[start] < _IS_POINTER:
        return -1
    soa = read_record(reply, raw)
    plain.soa = reply[start : raw.end]
    plain.size += len(soa.owner or b"") + 10 + len(soa.data)
    plain.ttl = min(plain.ttl, raw.ttl)
    return raw.end
