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
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kdns.chain import classify
from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.placeholders import Format, Seen
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import name
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
