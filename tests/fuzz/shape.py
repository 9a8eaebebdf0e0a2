"""What every reply has to be, whatever was asked. Written from the RFCs, not from kdns: it reads messages by itself.

`fault(query, reply, proto)` says what is wrong with a reply, or nothing.
"""

import struct

from kdns.wire.errors import WireError
from kdns.wire.message import read_message

FORMERR, NOTIMP = 1, 4
_OPT = 41


def fault(query: bytes, reply: bytes | None, proto: str = "udp") -> str:
    """What is wrong, empty if nothing is."""
    if len(query) < 12 or query[2] & 0x80:
        return "" if reply is None else "a reply to what is no query"
    if reply is None:
        return "no reply"
    if len(reply) < 12:
        return "a reply shorter than a header"
    if reply[:2] != query[:2]:
        return "another id"
    if not reply[2] & 0x80:
        return "QR is not set"
    if len(reply) > _limit(query, proto):
        return f"{len(reply)} octets, more than {_limit(query, proto)}"
    try:
        message = read_message(reply)
    except WireError as error:
        return f"a reply that cannot be read: {error}"
    return _echo_fault(query, reply, message.rcode)


def _echo_fault(query: bytes, reply: bytes, rcode: int) -> str:
    """What is wrong with what the reply repeats of the query."""
    opcode, echoed = query[2] >> 3 & 15, reply[2] >> 3 & 15
    if opcode:
        return "" if (rcode, echoed) == (NOTIMP, opcode) else "an opcode that is not refused"
    if echoed:
        return "another opcode"
    if (reply[2] ^ query[2]) & 1 or (reply[3] ^ query[3]) & 0x10:
        return "RD or CD differs"
    question = _question(query)
    if question is None and rcode != FORMERR:
        return f"response code {rcode} to a question that cannot be read"
    if rcode not in (FORMERR, NOTIMP) and reply[12 : 12 + len(question or b"")] != question:
        return "the question is not echoed"
    return ""


def _limit(query: bytes, proto: str) -> int:
    """Octets that a reply may have: RFC 1035 section 4.2.1, RFC 6891 section 6.2.3. FORMERR may echo the question."""
    if proto == "tcp":
        return 65535
    return max(512, _payload(query))


def _payload(query: bytes) -> int:
    """The largest size that any OPT of the query names: which one counts does not matter to the sender's buffer."""
    question, largest = _question(query), 0
    at = 12 + len(question or b"")
    for _ in range(sum(struct.unpack_from(">3H", query, 6))):
        while at < len(query) and 0 < query[at] < 64:
            at += query[at] + 1
        at += 1 if at < len(query) and query[at] == 0 else 2
        if at + 10 > len(query):
            break
        rtype, size, _, length = struct.unpack_from(">HHIH", query, at)
        if rtype == _OPT:
            largest = max(largest, size)
        at += 10 + length
    return largest


def _question(query: bytes) -> bytes | None:
    """The question section, if there is exactly one question and it can be read."""
    if query[4:6] != b"\0\1":
        return None
    at = 12
    while at < len(query) and query[at]:
        if query[at] > 63:
            return None
        at += query[at] + 1
    at += 5
    return query[12:at] if at <= len(query) and at - 16 <= 255 else None
