"""The question that an upstream is asked, written anew from what was read of the client's query.

No octet of the client's message is relayed: only a checked header, question and OPT go on (CVE-2026-86003). RD, AD and
CD, the letter case of the name and the whole OPT record stay as the client sent them. The id is 0: every exchange draws
one of its own, so messages that are equal ask the same.
"""

from struct import Struct

from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.edns import Edns, opt_record
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER, HEADER_SIZE, Question

MAX_MESSAGE = 65535
_KEPT = codes.RD | codes.AD | codes.CD
_HEADS = {flags: HEADER.pack(0, flags, 1, 0, 0, 0) for flags in range(_KEPT + 1) if flags | _KEPT == _KEPT}
_HEADS_WITH_OPT = {flags: HEADER.pack(0, flags, 1, 0, 0, 1) for flags in _HEADS}
_PAIR = Struct(">HH")
_BARE_OPT = Struct(">BHHHHH")


def question(query: Query) -> bytes:
    """The message. Raises `WireError` if it is too long, as `rewrite` can make it."""
    asked, edns = query.question, query.edns
    if edns is None:
        return _HEADS[query.flags & _KEPT] + asked.wire
    return b"".join((_HEADS_WITH_OPT[query.flags & _KEPT], asked.wire, _opt(edns, len(asked.wire))))


def plain_question(asked: Question, opt: bytes, flags: int) -> bytes:
    """The same for a question with these flags and OPT, of which only those are kept that go on."""
    heads = _HEADS_WITH_OPT if opt else _HEADS
    return heads[flags & _KEPT] + asked.wire + opt


def plain(name: bytes, rtype: int) -> bytes:
    """A question of kdns itself, without OPT."""
    return _HEADS[codes.RD] + name + _PAIR.pack(rtype, codes.IN)


def _opt(edns: Edns, before: int) -> bytes:
    if edns.options:
        size = HEADER_SIZE + before + _BARE_OPT.size + sum([4 + len(option.data) for option in edns.options])
        if size > MAX_MESSAGE:
            raise WireError("more EDNS options than a message can hold")
        return opt_record(edns.size, edns.flags, edns.options)
    return _BARE_OPT.pack(0, codes.OPT, edns.size, 0, edns.flags, 0)
