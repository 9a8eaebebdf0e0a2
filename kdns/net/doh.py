"""DNS over HTTPS (RFC 8484) between HTTP and DNS: a request's words in, a message out, and a response's words. Pure.

Statuses, headers and bodies are CoreDNS's, and so is what passes for a request: any content type, any further
parameters, and base64 as Go reads it.
"""

import re
from base64 import urlsafe_b64decode
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.reader import HEADER, HEADER_SIZE, RawRecord, read_question, read_records

PATH = b"/dns-query"
ALPN = ("h2", "http/1.1")
"""What a TLS context for it has to offer (RFC 7301), the preferred one first."""
MAX_BODY = 65536
"""Octets of a body, and of a message in a URL."""
MAX_TARGET = 90112
"""Octets of a request's target: a message of `MAX_BODY` octets in base64, and some more."""
MAX_AGE = 3600
_SHORT_AGE = 5
"""Seconds for what should not be kept; the least that CoreDNS gives."""

_OPCODES = (codes.QUERY, codes.NOTIFY)
_BASE64 = re.compile(rb"[A-Za-z0-9_-]*")
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ORIGIN = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)
_TRANSFERS = (codes.AXFR, codes.IXFR)


class Response(NamedTuple):
    """An HTTP response; header names are in lower case. Content-Length and Date are for who sends it to add."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class BadRequest(Exception):
    """The request holds no query that is answered."""


_ERROR = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))
NOT_FOUND = Response(404, _ERROR, b"\n")
INVALID = Response(400, _ERROR, b"invalid request\n")
NO_RESPONSE = Response(500, _ERROR, b"No response\n")


def is_ours(target: bytes) -> bool:
    """Whether a request's target, in any of its forms (RFC 9112 section 3.2), is where queries go."""
    path = _without_origin(target).partition(b"?")[0]
    return path == PATH or (b"%" in path and not _BROKEN_ESCAPE.search(path) and unquote_to_bytes(path) == PATH)


def message(method: bytes, target: bytes, body: bytes) -> bytes:
    """The query in a GET or POST request (section 4.1), checked so far that it is one; raises `BadRequest`."""
    if method == b"GET":
        packet = _from_target(target)
    elif method == b"POST":
        packet = body
    else:
        raise BadRequest("method not allowed")
    if len(packet) < HEADER_SIZE or len(packet) > MAX_BODY:
        raise BadRequest("message too short or too long")
    _, flags, questions, answers, authorities, additionals = HEADER.unpack_from(packet)
    if flags & codes.QR or (flags & codes.OPCODE) >> codes.OPCODE_SHIFT not in _OPCODES:
        raise BadRequest("no query")
    if questions != 1 or answers > 1 or authorities > 1 or additionals > 2:
        raise BadRequest("not one question")
    try:
        read_records(packet, read_question(packet)[1])
    except WireError as error:
        raise BadRequest(str(error)) from error
    return packet


def response(reply: bytes | None) -> Response:
    """What is sent for a reply (section 4.2), or for none."""
    if reply is None:
        return NO_RESPONSE
    headers = (("cache-control", f"max-age={max_age(reply)}"), ("content-type", "application/dns-message"))
    return Response(200, headers, reply)


def max_age(reply: bytes) -> int:
    """Seconds for which a reply is fresh (section 5.1): its least TTL, at most an hour, less for failures."""
    try:
        asked, end = read_question(reply)
        records = read_records(reply, end)
    except WireError:
        return _SHORT_AGE
    flags = int.from_bytes(reply[2:4], "big")
    ttls = [raw.ttl for raw in records if raw.type != codes.OPT]
    if flags & codes.OPCODE or asked.type in _TRANSFERS or not ttls or not _is_lasting(flags & 15, records):
        return _SHORT_AGE
    return min(MAX_AGE, *ttls)


def _is_lasting(rcode: int, records: list[RawRecord]) -> bool:
    """Whether a reply states something: records, no such name, no such data. Delegations and failures do not."""
    if any(raw.type == codes.OPT and raw.ttl >> 24 for raw in records):
        return False
    has_answer = any(raw.section == 0 for raw in records)
    if rcode == codes.NXDOMAIN:
        return not has_answer
    if rcode != codes.NOERROR or has_answer:
        return rcode == codes.NOERROR
    types = [raw.type for raw in records if raw.section == 1]
    return codes.SOA in types or codes.NS not in types


def _without_origin(target: bytes) -> bytes:
    found = None if target.startswith(b"/") else _ORIGIN.match(target)
    return target[found.end() :] if found else target


def _from_target(target: bytes) -> bytes:
    values = [value for part in target.partition(b"?")[2].split(b"&") if (value := _value(part)) is not None]
    if len(values) != 1:
        raise BadRequest("not one message")
    text = values[0].replace(b"\r", b"").replace(b"\n", b"")
    if not _BASE64.fullmatch(text) or len(text) % 4 == 1:
        raise BadRequest("no base64url")
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _value(part: bytes) -> bytes | None:
    """The value of a parameter, if it is named `dns`; what Go cannot read is as if it were not there."""
    if part[:1] not in b"d%" or b";" in part or _BROKEN_ESCAPE.search(part):
        return None
    name, _, value = part.partition(b"=")
    return unquote_to_bytes(value.replace(b"+", b" ")) if unquote_to_bytes(name) == b"dns" else None
