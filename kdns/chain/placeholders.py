"""Texts with placeholders, which say something about a query and its answer: lines of `log`, and what `dnstap` adds.

`{type} {class} {name}` of the question, the name in lower case; `{proto}` udp or tcp; `{remote} {port} {local}` client
and server, IPv6 in brackets; `{size} {rsize}` octets of query and answer, uncompressed; `{>id} {>opcode} {>do}
{>bufsize}` of the query; `{rcode} {>rflags}` of the answer; `{duration}` in seconds; `{/LABEL}` metadata. What there is
not, also where there is no answer yet, is `-`. Other words in braces stay as they are.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from kdns.chain import classify
from kdns.chain.answer import Answer
from kdns.chain.counting import bare_size, reply_size
from kdns.chain.query import Query
from kdns.wire import codes
from kdns.wire.edns import opt_record
from kdns.wire.writer import write_message

NOTHING = "-"


class Seen(NamedTuple):
    """A query, with its answer and the seconds between if there is one."""

    query: Query
    answer: Answer | None = None
    seconds: float = 0.0

    @property
    def replied(self) -> bool:
        """Whether a reply goes out: a written one, or the bare one of an error code."""
        answer = self.answer
        return answer is not None and (answer.written or answer.rcode in classify.SERVER_WRITES)


class Format:
    """A text with placeholders, cut up once."""

    def __init__(self, text: str) -> None:
        self._parts = [_PLACEHOLDERS.get(part) or _other(part) for part in re.split(r"(\{[^{}]*\})", text) if part]

    def line(self, seen: Seen) -> str:
        """The text for a query."""
        return "".join([part(seen) for part in self._parts])


def _other(part: str) -> Callable[[Seen], str]:
    if part.startswith("{/") and part.endswith("}"):
        label = part[2:-1]
        return lambda seen: _metadata(seen, label)
    return lambda seen: part


def _metadata(seen: Seen, label: str) -> str:
    labels = seen.query.metadata
    value = None if labels is None else labels.get(label)
    return NOTHING if value is None else value


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _rcode(seen: Seen) -> str:
    if seen.answer is None or not seen.replied:
        return NOTHING
    rcode = seen.answer.rcode
    return "BADSIG" if rcode == codes.BADVERS else codes.RCODES.get(rcode) or str(rcode)


def _rflags(seen: Seen) -> str:
    if seen.answer is None or not seen.replied:
        return NOTHING
    answer, query = seen.answer, seen.query
    flags = codes.QR | answer.flags | query.flags & (codes.RD | codes.CD)
    if answer.recursion is not None:
        flags = flags | codes.RD if answer.recursion else flags & ~codes.RD
    return codes.flag_names(flags | codes.TC if _is_cut(query, answer) else flags)


def _is_cut(query: Query, answer: Answer) -> bool:
    """Whether the reply is sent without some of its records: those that have room without compression are not."""
    edns = query.edns
    if edns is not None and answer.payload is not None:
        query = query.replace(edns=edns._replace(size=min(edns.size, answer.payload)))
    room = query.payload
    if edns is not None or answer.options:
        room -= len(opt_record(0, options=answer.options))
    if reply_size(query.question, answer) <= room or (answer.relay and len(answer.relay.packet) <= room):
        return False
    sections = (answer.answer, answer.authority, answer.additional)
    octets = write_message(query.ident, 0, query.question.wire, sections, limit=room)
    return bool(octets[2] << 8 & codes.TC)


def _size(seen: Seen) -> str:
    """The query's, without a signature that `tsig` has taken off."""
    signature = seen.query.signature
    return str(seen.query.size - (signature.asked if signature is not None and signature.wanted else 0))


def _rsize(seen: Seen) -> str:
    if seen.answer is None:
        return NOTHING
    question, signature = seen.query.question, seen.query.signature
    size = reply_size(question, seen.answer) or (bare_size(question) if seen.replied else 0)
    return str(size + (signature.size if signature is not None and signature.wanted else 0))


def _duration(seen: Seen) -> str:
    return NOTHING if seen.answer is None else f"{seen.seconds:.9f}".rstrip("0").rstrip(".") + "s"


_PLACEHOLDERS: dict[str, Callable[[Seen], str]] = {
    "{type}": lambda seen: codes.type_name(seen.query.question.type),
    "{class}": lambda seen: codes.class_name(seen.query.question.cls),
    "{name}": lambda seen: seen.query.text,
    "{proto}": lambda seen: seen.query.transport.proto,
    "{remote}": lambda seen: _host(seen.query.client[0]),
    "{port}": lambda seen: str(seen.query.client[1]),
    "{local}": lambda seen: _host(seen.query.local),
    "{size}": _size,
    "{>id}": lambda seen: str(int.from_bytes(seen.query.ident, "big")),
    "{>opcode}": lambda seen: str(seen.query.flags >> 11 & 15),
    "{>do}": lambda seen: "true" if seen.query.do else "false",
    "{>bufsize}": lambda seen: str(seen.query.payload),
    "{rcode}": _rcode,
    "{>rflags}": _rflags,
    "{rsize}": _rsize,
    "{duration}": _duration,
}
