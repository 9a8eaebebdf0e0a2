"""Master files (RFC 1035 section 5) as records: entries, directives, owners and TTLs.

`$ORIGIN`, `$TTL` (RFC 2308), `$INCLUDE` and BIND's `$GENERATE` are understood; `zonedata` reads what stands behind the
type. A record without a TTL has that of `$TTL`, else the last one that was written, else the minimum of the SOA, as in
BIND. Owners keep their letter case. Files are opened by the caller.

Bounds: records, depth of inclusion and steps of one `$GENERATE` are limited, and every error names file and line.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.fields import absolute
from kdns.wire.record import Record
from kdns.wire.zonedata import Word, data_of, seconds

MAX_RECORDS = 2_000_000
"""Records of one zone."""
MAX_DEPTH = 7
"""Files that include one another."""
MAX_STEPS = 65535
"""Steps of one `$GENERATE`."""
MAX_WIDTH = 255
"""Digits a `$GENERATE` may pad a number to."""
DIRECTIVES = ("$ORIGIN", "$TTL", "$INCLUDE", "$GENERATE")
"""Other words that begin with a dollar are names."""

Opener = Callable[[str, str], tuple[str, str]]
"""Given the name behind `$INCLUDE` and the path of the file it stands in: path and text of the other."""

_TOKEN = re.compile(
    r'(?P<blank>[ \t\r]+|;[^\n]*)|(?P<line>\n)|(?P<bracket>[()])|"(?P<quoted>(?:[^"\\]|\\.)*)"'
    r'|(?P<word>(?:[^\s;()"\\]|\\[^\n])+)',
    re.ASCII | re.DOTALL,
)
_MODIFIER = re.compile(r"\\\$|\$(?:\{([^}]*)\})?")


class ZoneError(WireError):
    """A master file that cannot be read; the text says where."""


class Entry(NamedTuple):
    """The words of one entry; `continued` if it begins with a blank and so has no owner of its own."""

    line: int
    continued: bool
    words: list[Word]


@dataclass(slots=True)
class _Context:
    """What goes on from one entry to the next: TTLs in seconds, the owner used last; and if other classes may be."""

    path: str
    origin: bytes
    ttl: int | None = None
    last_ttl: int | None = None
    owner: bytes | None = None
    depth: int = 0
    count: list[int] = field(default_factory=lambda: [0])
    any_class: bool = False


def parse(text: str, origin: bytes, path: str, opener: Opener) -> Iterator[Record]:
    """The records of a master file, in order; raises `ZoneError`, and whatever `opener` raises."""
    return _records(text, _Context(path, origin), opener)


def first(text: str, ttl: int) -> Record | None:
    """The first record of a text, `None` if there is none; nothing behind it is read. Raises `ZoneError`.

    It may have any class. Its names are complete without a final dot too, `ttl` is in seconds for one without.
    """

    def refuse(file: str, path: str) -> tuple[str, str]:
        raise WireError("$INCLUDE is not allowed here")

    return next(_records(text, _Context("", name.ROOT, ttl, any_class=True), refuse), None)


def entries(text: str) -> Iterator[Entry]:
    """The entries of a master file: lines, joined within parentheses, without comments; raises `WireError`."""
    at, line, depth = 0, 1, 0
    entry = Entry(1, text[:1] in (" ", "\t"), [])
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ZoneError(f"line {line}: unreadable at {text[at : at + 20]!r}")
        at, kind = match.end(), match.lastgroup
        if kind == "bracket":
            depth += 1 if match[0] == "(" else -1
            if depth < 0:
                raise ZoneError(f"line {line}: extra closing brace")
        elif kind in ("word", "quoted"):
            entry.words.append(Word(match[kind], kind == "quoted"))
        line += match[0].count("\n")
        if kind == "line" and not depth:
            if entry.words:
                yield entry
            entry = Entry(line, text[at : at + 1] in (" ", "\t"), [])
    if depth:
        raise ZoneError(f"line {entry.line}: unbalanced brace")
    if entry.words:
        yield entry


def _records(text: str, context: _Context, opener: Opener) -> Iterator[Record]:
    line, place = 0, f"{context.path}: " if context.path else ""
    try:
        for entry in entries(text):
            line = entry.line
            first = entry.words[0]
            if first.text.upper() in DIRECTIVES and not first.quoted and not entry.continued:
                yield from _directive(entry, context, opener)
            else:
                yield _record(entry.words, entry.continued, context)
    except ZoneError as error:
        message = str(error)
        raise error if message.startswith("dns: ") else ZoneError(f"dns: {place}{message}") from error
    except WireError as error:
        raise ZoneError(f"dns: {place}line {line}: {error}") from error


def _directive(entry: Entry, context: _Context, opener: Opener) -> Iterator[Record]:
    words = [word.text for word in entry.words]
    match words[0].upper(), len(words) - 1:
        case "$ORIGIN", 1:
            context.origin = absolute(words[1], context.origin)
        case "$TTL", 1:
            context.ttl = seconds(words[1])
        case "$INCLUDE", 1 | 2:
            yield from _included(words, context, opener)
        case "$GENERATE", count if count >= 4:
            yield from _generated(entry.words, context)
        case _:
            raise WireError(f"bad directive {' '.join(words)[:80]!r}")


def _included(words: list[str], context: _Context, opener: Opener) -> Iterator[Record]:
    """The records of another file, which changes nothing for this one (RFC 1035 section 5.1)."""
    if context.depth >= MAX_DEPTH:
        raise WireError("too deeply nested $INCLUDE")
    origin = absolute(words[2], context.origin) if len(words) == 3 else context.origin
    path, text = opener(words[1], context.path)
    inner = _Context(path, origin, context.ttl, context.last_ttl, context.owner, context.depth + 1, context.count)
    yield from _records(text, inner, opener)


def _generated(words: list[Word], context: _Context) -> Iterator[Record]:
    span, _, step = words[1].text.partition("/")
    first, _, last = span.partition("-")
    start, stop, stride = _number(first), _number(last), _number(step or "1")
    if not stride or stop < start or (stop - start) // stride >= MAX_STEPS:
        raise WireError(f"bad range in $GENERATE: {words[1].text[:40]!r}")
    for value in range(start, stop + 1, stride):
        yield _record([Word(_filled(word.text, value), word.quoted) for word in words[2:]], False, context)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise WireError(f"bad number {text[:40]!r}")
    return int(text)


def _filled(text: str, value: int) -> str:
    """`$` and `${offset,width,base}` replaced by the value; `\\$` is a dollar."""

    def put(match: re.Match[str]) -> str:
        if match[0] == "\\$":
            return "$"
        given = (match[1] or "0").split(",")
        offset, width, base = (*given, *("0", "0", "d")[len(given) :])[:3]
        if len(given) > 3 or base not in ("d", "o", "x", "X") or _number(width) > MAX_WIDTH:
            raise WireError(f"bad modifier in $GENERATE: {match[0][:40]!r}")
        shifted = value + (-_number(offset[1:]) if offset.startswith("-") else _number(offset))
        if not 0 <= shifted < 1 << 32:
            raise WireError(f"bad offset in $GENERATE: {match[0][:40]!r}")
        return format(shifted, f"0{int(width)}{base}" if int(width) else base)

    return _MODIFIER.sub(put, text)


def _record(words: list[Word], continued: bool, context: _Context) -> Record:
    context.count[0] += 1
    if context.count[0] > MAX_RECORDS:
        raise WireError(f"more than {MAX_RECORDS} records")
    at = 0
    if not continued:
        context.owner, at = absolute(words[0].text, context.origin), 1
    if context.owner is None:
        raise WireError("no owner name")
    ttl, cls, rtype, at = _head(words, at)
    if cls != codes.IN and not context.any_class:
        raise WireError(f"class {codes.class_name(cls)} is not supported")
    data = data_of(rtype, words[at:], context.origin)
    if ttl is not None:
        context.last_ttl = ttl
    else:
        ttl = context.ttl if context.ttl is not None else context.last_ttl
    if ttl is None and rtype == codes.SOA:
        ttl = context.last_ttl = int.from_bytes(data[-4:], "big")
    if ttl is None:
        raise WireError("missing TTL with no previous value")
    return Record(name.from_labels((), context.owner), rtype, data, ttl, cls)


def _head(words: list[Word], at: int) -> tuple[int | None, int, int, int]:
    """TTL and class, in either order and both optional, then the type; and where the data begins."""
    ttl: int | None = None
    cls: int | None = None
    for i in range(at, min(len(words), at + 3)):
        text = words[i].text.upper()
        if text[:1].isdigit() and ttl is None:
            ttl = seconds(text)
        elif cls is None and text != "ANY" and (text in codes.CLASS_NUMBERS or text.startswith("CLASS")):
            cls = _class(text)
        else:
            return ttl, codes.IN if cls is None else cls, _type(text), i + 1
    raise WireError("no record type")


def _class(text: str) -> int:
    number = codes.CLASS_NUMBERS.get(text) or _number(text[5:])
    if number >= 1 << 16:
        raise WireError(f"unknown class {text[:40]!r}")
    return number


def _type(text: str) -> int:
    number = codes.TYPE_NUMBERS.get(text)
    if number is None and text.startswith("TYPE"):
        number = _number(text[4:])
    if number is None or not 0 < number < 1 << 16 or number == codes.OPT or 249 <= number <= 255:
        raise WireError(f"unknown record type {text[:40]!r}")
    return number
