"""From an answer to octets: header, question, sections, OPT, cut to the client's size (`corefile.md` section 8.2)."""

from collections.abc import Callable, Iterable, Iterator
from struct import Struct

from kdns.chain.answer import Answer, Records, Shared
from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.edns import opt_record
from kdns.wire.message import Relay
from kdns.wire.reader import HEADER, HEADER_SIZE, read_question
from kdns.wire.writer import write_message

_AFTER_ID = Struct(">HHHHH")
_COPIED = codes.OPCODE | codes.RD | codes.CD
_ECHOED = frozenset((codes.EXPIRE, codes.PADDING))
_KEPT_WHEN_MALFORMED = codes.TC | codes.RD | codes.RA | codes.AD | codes.CD
_OWN_SIZE = 4096
_BARE_OPT = 11


def encode(query: Query, answer: Answer) -> bytes:
    """The reply to a query as it was received, at most `query.payload` octets, or `answer.payload` over UDP."""
    if answer.payload is not None or answer.recursion is not None:
        query = _amended(query, answer)
    flags = codes.QR | query.flags & _COPIED | answer.flags | answer.rcode & 15
    shared = answer.shared
    if shared is not None and query.edns is None and answer.ttl is None and not answer.options:
        body = shared.bodies.get(len(query.question.name))
        if body is not None:
            octets, counts = body
            return b"".join((query.ident, _AFTER_ID.pack(flags, 1, *counts), query.question.wire, octets))
    opt = b"" if query.edns is None and not answer.options else _opt(query, answer)
    if len(opt) - _BARE_OPT > query.payload >> 2:
        # Options come from clients and upstreams, and padding can be of any length: an answer needs the room.
        opt = opt_record(query.edns.size, query.edns.flags & codes.DO, rcode=answer.rcode) if query.edns else b""
    relay = answer.relay
    if shared is not None and answer.ttl is None:
        return _shared(query, answer, shared, flags, opt)
    if relay is not None:
        whole = _relayed(query, relay, answer.ttl, flags, opt)
        if whole is not None:
            return whole
    answer = answer.with_ttl()
    sections = (answer.answer, answer.authority, answer.additional)
    origin = None if shared is None else shared.origin  # with other TTLs it is given to many just the same
    return write_message(query.ident, flags, query.question.wire, sections, opt, query.payload, origin)


def _amended(query: Query, answer: Answer) -> Query:
    """The query as the answer wants it to have been: with a smaller EDNS size, or another RD bit."""
    flags, edns = query.flags, query.edns
    if answer.recursion is not None:
        flags = flags | codes.RD if answer.recursion else flags & ~codes.RD
    if answer.payload is not None and edns is not None:
        edns = edns._replace(size=min(edns.size, answer.payload))
    return query.replace(flags=flags, edns=edns)


Encode = Callable[[Query, Answer], bytes]
"""Makes a message as `encode` does."""


def messages(query: Query, answer: Answer, more: Iterable[Records], encode: Encode = encode) -> Iterator[bytes]:
    """The messages of a reply that has several (RFC 5936 section 2.2), each with the question and the OPT."""
    yield encode(query, answer)
    for section in more:
        yield encode(query, answer.replace(answer=section, authority=(), additional=()))


def _shared(query: Query, answer: Answer, shared: Shared, flags: int, opt: bytes) -> bytes:
    """Octets that were made before for a name of that length; such answers are short and always fit."""
    question = query.question
    body = shared.bodies.get(len(question.name))
    if body is None:
        sections = (answer.answer, answer.authority, answer.additional)
        whole = write_message(b"\0\0", 0, question.wire, sections, origin=shared.origin)
        _, _, _, answers, authorities, additionals = HEADER.unpack_from(whole)
        body = (whole[HEADER_SIZE + len(question.wire) :], (answers, authorities, additionals))
        shared.bodies[len(question.name)] = body
    return _joined(query, flags, body, opt)


def _joined(query: Query, flags: int, body: tuple[bytes, tuple[int, int, int]], opt: bytes) -> bytes:
    octets, (answers, authorities, additionals) = body
    header = _AFTER_ID.pack(flags, 1, answers, authorities, additionals + (1 if opt else 0))
    return b"".join((query.ident, header, query.question.wire, octets, opt))


def _relayed(query: Query, relay: Relay, ttl: int | None, flags: int, opt: bytes) -> bytes | None:
    """The upstream's own octets behind the client's question, if they fit and pointers still point right."""
    question = query.question
    if relay.question.folded != question.folded:
        return None
    body = relay.body(ttl)
    if body is None or relay.start + len(body[0]) + len(opt) > query.payload:
        return None
    return _joined(query, flags, body, opt)


def _opt(query: Query, answer: Answer) -> bytes:
    edns = query.edns
    if edns is None:
        # A plugin's own options go out even unasked (acl, template); their OPT has DO set.
        if not answer.options or answer.relay is not None:
            return b""
        return opt_record(_OWN_SIZE, codes.DO, answer.options, rcode=answer.rcode)
    options = answer.options
    if edns.options:
        # Cookies, NSID and keepalive of the client are not echoed: RFC 7873, 5001 and 7828 ask for more or nothing.
        options += tuple(option for option in edns.options if option.code in _ECHOED)
    flags = codes.DO if answer.do else edns.flags & codes.DO
    return opt_record(edns.size, flags, options, rcode=answer.rcode)


def bad_version(query: Query) -> bytes:
    """BADVERS (RFC 6891 section 6.1.3): version 0, and DO as in other replies (RFC 8906 section 8.2.9)."""
    flags = codes.QR | query.flags & _COPIED
    opt = opt_record(_OWN_SIZE, codes.DO if query.do else 0, rcode=codes.BADVERS)
    return write_message(query.ident, flags, query.question.wire, ((), (), ()), opt)


def malformed(packet: bytes, rcode: int, question: bytes = b"", *, edns: bool = False) -> bytes:
    """A bare reply to a message that was not read: id and flags of the query, the question if it was read.

    `edns`: it has an OPT record, as that of the query is what is wrong (RFC 6891 section 7).
    """
    flags = int.from_bytes(packet[2:4], "big")
    opcode = flags & 0x7800 if rcode == codes.NOTIMP else 0
    word = codes.QR | opcode | flags & _KEPT_WHEN_MALFORMED | rcode
    head = HEADER.pack(int.from_bytes(packet[:2], "big"), word, 1 if question else 0, 0, 0, 1 if edns else 0)
    return head + question + (opt_record(_OWN_SIZE) if edns else b"")


def question_of(packet: bytes) -> bytes:
    """Question section of a message whose question can be read; raises `WireError`."""
    _, end = read_question(packet)
    return packet[HEADER_SIZE:end]
