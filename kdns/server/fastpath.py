"""Plain questions on their way past the chain, as a listener sees them: see `chain.fastpath`."""

from struct import Struct

from kdns.chain.fastpath import TYPES, Alike, FastPath, Plain, split, with_ttl
from kdns.net.exchange import Exchange
from kdns.server.dispatch import Dispatch
from kdns.server.service import MAX_WAITING, Head, Service, Takes
from kdns.wire import codes
from kdns.wire.edns import is_bare_opt
from kdns.wire.reader import Question

_IN = codes.IN
_QR = codes.QR
_RD = codes.RD
_FLAGS_COUNTS = Struct(">HHHHH")
_SENT = _RD | codes.AA | codes.RA | codes.AD
_ONE = {flags: _FLAGS_COUNTS.pack(flags, 1, 1, 0, 0) for flags in range(_QR, _QR * 2) if flags & ~_SENT == _QR}
"""Headers of replies with one address, behind the id."""
_ONE_AND_OPT = {flags: _FLAGS_COUNTS.pack(flags, 1, 1, 0, 1) for flags in _ONE}
"""The same with an OPT."""


def shortcuts(service: Service, dispatch: Dispatch) -> Takes | None:
    """What tells plain questions of a service, if any of its blocks has a fast path."""
    if service.transport.proto != "udp":
        return None
    found = {id(block): Shortcut(service, block.fast) for block in dispatch.blocks if block.fast is not None}
    if not found:
        return None
    if len(dispatch.blocks) == 1:
        return next(iter(found.values())).takes

    def takes(packet: bytes, question: Question, end: int, head: Head, exchange: Exchange) -> bool:
        shortcut = found.get(id(dispatch.block_of(question)))
        return shortcut is not None and shortcut.takes(packet, question, end, head, exchange)

    return takes


class Shortcut:
    """The fast path of one block, for one service; implements `chain.fastpath.Asker`."""

    def __init__(self, service: Service, path: FastPath) -> None:
        self._service = service
        self._waiting = service.waiting
        self.let_go = service.let_go
        """See `Asker`."""
        self._first_sight = service.memo.first_sight
        self.transport = service.transport
        self._zone_of = path.zones.match
        self._declining = path.declining
        self._begin = path.begin
        self._flags = path.flags
        self.reads = path.reads
        self._replied = path.replied

    def takes(self, packet: bytes, question: Question, end: int, head: Head, exchange: Exchange) -> bool:
        """Whether a query is plain, and on its way now. See `Takes`."""
        if question.type not in TYPES or question.cls != _IN:
            return False
        flags, bare = head
        opt = packet[end:]
        if opt if bare else not is_bare_opt(opt):
            return False
        if self._zone_of(question) is not None:
            return False
        for declines in self._declining:
            if declines(question):
                return False
        if len(self._waiting) >= MAX_WAITING:
            return False
        plain = self._begin(self, packet, question, opt, flags | self._flags, exchange)
        if plain is None:
            return False
        self._waiting.add(plain)
        return True

    def finish(self, plains: Alike) -> None:
        """See `Asker`."""
        self._service.reply_to(plains, self._replies)

    def _replies(self, plains: Alike) -> list[bytes]:
        for replied in self._replied:
            replied(plains)
        return [self._reply(plain) for plain in plains]

    def _reply(self, plain: Plain) -> bytes:
        packet, opt, record = plain.packet, plain.opt, plain.records
        flags = _QR | plain.flags | (packet[2] << 8 & _RD)
        if plain.count != 1 or plain.aliases:
            return self._longer(plain, flags)
        head = (_ONE_AND_OPT if opt else _ONE)[flags]
        ttl = plain.shown or record[6:10]
        return b"".join((packet[:2], head, plain.asked.wire, record[:6], ttl, record[10:], opt))

    def _longer(self, plain: Plain, flags: int) -> bytes:
        """A reply with more or less than an address."""
        packet, ttl, asked, records = plain.packet, plain.shown, plain.asked, list(plain.aliases)
        if plain.count:
            records += split(plain)
        else:
            records.append(plain.soa)
            if plain.rcode == codes.NXDOMAIN and asked.name == asked.folded:
                self._first_sight(packet[2:])  # as `Memo.keep` would have it
        answers, authorities = len(plain.aliases) + plain.count, 0 if plain.count else 1
        head = _FLAGS_COUNTS.pack(flags | plain.rcode, 1, answers, authorities, 1 if plain.opt else 0)
        octets = [with_ttl(record, ttl) for record in records]
        return b"".join((packet[:2], head, asked.wire, *octets, plain.opt))

    def give_back(self, plain: Plain) -> None:
        """See `Asker`."""
        self._service.ask_after_all(plain)
