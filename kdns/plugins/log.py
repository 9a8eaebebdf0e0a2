"""log: one line for every query.

::

    log [NAMES...] [FORMAT] {
        class success|denial|error|all ...
    }

Without arguments all names are logged in the common format. A single argument is a name; of several the last is the
format if it holds a `{`. The directive may be repeated: the first rule whose name is the question's or above it
decides, also that nothing is logged when the answer's class is not among its classes (default: all). Several `class`
lines add up.

The formats `{common}` and `{combined}` may stand in a format; the common one is `{remote}:{port} - {>id} "{type}
{class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}`, the combined one has `
"{>opcode}"` behind it. Placeholders: `{type} {class} {name}` of the question, the name in lower case; `{proto}` udp or
tcp; `{remote} {port} {local}` client and server, IPv6 in brackets; `{size} {rsize}` octets of query and answer,
uncompressed; `{>id} {>opcode} {>do} {>bufsize}` of the query; `{rcode} {>rflags}` of the answer, `-` if there is none;
`{duration}` in seconds; `{/LABEL}` metadata, `-` if not set. Others stay as they are.

A logged answer is not kept for queries to come, since each of them is a line of its own.

Errors: "invalid Class: X", "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        log example.org example.net "{name} {rcode} {duration}" {
            class denial error
        }
        log
        whoami
    }
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from kdns.chain import classify
from kdns.chain.answer import Answer
from kdns.chain.counting import bare_size, reply_size
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes, name
from kdns.wire.errors import WireError

log = logging.getLogger("kdns")

COMMON = (
    '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" '
    "{rcode} {>rflags} {rsize} {duration}"
)
COMBINED = COMMON + ' "{>opcode}"'

CLASSES = frozenset((classify.SUCCESS, classify.DENIAL, classify.ERROR))


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    rules = tuple([rule for line in args for rule in _rules(line)])
    process = site.process
    site.chain("log", lambda next_: Log(next_, rules, process.clock, process.time))


def _rules(line: Line) -> "Iterator[Rule]":
    names, text = list(line.rest()) or ["."], COMMON
    if len(names) > 1 and "{" in names[-1]:
        text = names.pop().replace("{common}", COMMON).replace("{combined}", COMBINED)
    classes = frozenset([cls for option in line.block() for cls in _classes(option)]) or CLASSES
    for zone in names:
        try:
            yield Rule(name.from_text(zone).lower(), classes, Format(text))
        except WireError:
            continue  # no question is below what is not a name


def _classes(option: Line) -> Iterator[str]:
    if option.name != "class":
        raise option.unknown_property()
    for word in option.some():
        if word == "all":
            yield from CLASSES
        elif word in CLASSES:
            yield word
        else:
            raise option.error(f"invalid Class: {word}")


class Seen(NamedTuple):
    """A query with its answer, and the seconds between."""

    query: Query
    answer: Answer
    seconds: float

    @property
    def replied(self) -> bool:
        """Whether a reply goes out: a written one, or the bare one of an error code."""
        return self.answer.written or self.answer.rcode in classify.SERVER_WRITES


class Format:
    """A line with placeholders, cut up once."""

    def __init__(self, text: str) -> None:
        self._parts = [_PLACEHOLDERS.get(part) or _other(part) for part in re.split(r"(\{[^{}]*\})", text) if part]

    def line(self, seen: Seen) -> str:
        """The line for a query."""
        return "".join([part(seen) for part in self._parts])


@dataclass(frozen=True, slots=True)
class Rule:
    """What is logged of the questions below a zone (folded)."""

    zone: bytes
    classes: frozenset[str]
    format: Format

    def covers(self, folded: bytes) -> bool:
        """Whether a question's name is in the zone."""
        return self.zone == name.ROOT or name.is_below(folded, self.zone)


class Log:
    """Logs what passes."""

    def __init__(
        self, next_: Handler, rules: tuple[Rule, ...], clock: Callable[[], float], time: Callable[[], float]
    ) -> None:
        self._next = next_
        self._rules = rules
        self._clock = clock
        self._time = time

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, logged if the first rule for the name wants it."""
        folded = query.question.folded
        for rule in self._rules:
            if rule.covers(folded):
                return await self._logged(query, rule)
        return await self._next.answer(query)

    async def _logged(self, query: Query, rule: Rule) -> Answer:
        start = self._clock()
        answer = await self._next.answer(query)
        kind = classify.kind(query, answer, self._time())
        cls = classify.class_of(kind)
        if query.metadata is not None:
            query.metadata.set("log/type", kind)
            query.metadata.set("log/class", cls)
        if cls in rule.classes:
            query.basis.fleeting = True
            log.info(rule.format.line(Seen(query, answer, self._clock() - start)))
        return answer


def _other(part: str) -> Callable[[Seen], str]:
    if part.startswith("{/") and part.endswith("}"):
        label = part[2:-1]
        return lambda seen: _metadata(seen, label)
    return lambda seen: part


def _metadata(seen: Seen, label: str) -> str:
    labels = seen.query.metadata
    value = None if labels is None else labels.get(label)
    return "-" if value is None else value


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _rcode(seen: Seen) -> str:
    if not seen.replied:
        return "-"
    rcode = seen.answer.rcode
    return "BADSIG" if rcode == codes.BADVERS else codes.RCODES.get(rcode) or str(rcode)


def _rflags(seen: Seen) -> str:
    flags = codes.QR | seen.answer.flags | seen.query.flags & (codes.RD | codes.CD)
    return codes.flag_names(flags) if seen.replied else "-"


def _rsize(seen: Seen) -> str:
    question = seen.query.question
    return str(reply_size(question, seen.answer) or (bare_size(question) if seen.replied else 0))


def _duration(seen: Seen) -> str:
    return f"{seen.seconds:.9f}".rstrip("0").rstrip(".") + "s"


_PLACEHOLDERS: dict[str, Callable[[Seen], str]] = {
    "{type}": lambda seen: codes.type_name(seen.query.question.type),
    "{class}": lambda seen: codes.class_name(seen.query.question.cls),
    "{name}": lambda seen: seen.query.text,
    "{proto}": lambda seen: seen.query.transport.proto,
    "{remote}": lambda seen: _host(seen.query.client[0]),
    "{port}": lambda seen: str(seen.query.client[1]),
    "{local}": lambda seen: _host(seen.query.local),
    "{size}": lambda seen: str(seen.query.size),
    "{>id}": lambda seen: str(int.from_bytes(seen.query.ident, "big")),
    "{>opcode}": lambda seen: str(seen.query.flags >> 11 & 15),
    "{>do}": lambda seen: "true" if seen.query.do else "false",
    "{>bufsize}": lambda seen: str(seen.query.payload),
    "{rcode}": _rcode,
    "{>rflags}": _rflags,
    "{rsize}": _rsize,
    "{duration}": _duration,
}
