"""errors: print the errors that other plugins run into while they answer.

::

    errors [stdout] {
        stacktrace
        consolidate DURATION REGEXP [warning|error|info|debug] [show_first]
    }

An answer that failed with a reason is one line: `[ERROR] plugin/errors: RCODE NAME TYPE: REASON`. A failure without a
reason, or one that an upstream reports, is none. The answer itself passes unchanged. Once in a block.

`consolidate` counts the errors that match REGEXP (unanchored, at most 10000 octets) instead of printing them. When
DURATION has passed since the first of a batch, one line at the given level (default `error`) tells how many there were.
With `show_first` the first of a batch is printed at once, and the summary only if others followed. The first rule that
matches decides. What is pending at shutdown or reload is told then.

`stacktrace` lets the server print a stack with every query that failed in an unforeseen way.

Errors: "invalid log file: X" for another argument than `stdout`, "regex pattern too long: N > 10000", "multiple log
levels specified in consolidate", "log level must come before show_first in consolidate", "unknown option in
consolidate: X". Metrics: none.

Example::

    .:1053 {
        errors {
            consolidate 5m "i/o timeout$" warning show_first
            consolidate 30s "^no healthy proxies"
        }
        whoami
    }
"""

import asyncio
import logging

from kdns.chain.answer import Answer
from kdns.chain.fastpath import Part
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site, Wiring
from kdns.corefile import Arguments, Line, Regexp, format_duration
from kdns.wire import codes

log = logging.getLogger("kdns.errors")

LEVELS = {"warning": logging.WARNING, "error": logging.ERROR, "info": logging.INFO, "debug": logging.DEBUG}


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    line = args.once()
    if line.more > 1:
        raise line.wrong_count()
    for word in line.words():
        if word != "stdout":
            raise line.error(f"invalid log file: {word}")
    rules: list[Rule] = []
    for option in line.block():
        if option.name == "consolidate":
            rules.append(_rule(option, site.wiring))
        elif option.name == "stacktrace":
            site.listen.stacktrace = True
        else:
            raise option.unexpected(f"Unknown field {option.name}")
    errors = tuple(rules)
    site.chain("errors", lambda next_: Errors(next_, errors))

    async def flush() -> None:
        for rule in errors:
            rule.stop()

    site.hooks.shutdown.append(flush)


def _rule(option: Line, wiring: Wiring) -> "Rule":
    if not 2 <= option.more <= 4:
        raise option.wrong_count()
    period, pattern = option.duration(), option.regexp()
    level, show_first = None, False
    for word in option.words():
        if word in LEVELS:
            if level is not None:
                raise option.error("multiple log levels specified in consolidate")
            if show_first:
                raise option.error("log level must come before show_first in consolidate")
            level = LEVELS[word]
        elif word == "show_first":
            show_first = True
        else:
            raise option.error(f"unknown option in consolidate: {word}")
    return Rule(period, pattern, logging.ERROR if level is None else level, show_first, wiring)


class Rule:
    """One `consolidate`: how many errors the running batch has."""

    def __init__(self, period: float, pattern: Regexp, level: int, show_first: bool, wiring: Wiring) -> None:
        self.pattern = pattern
        self.level = level
        self._period = period
        self._show_first = show_first
        self._wiring = wiring
        self._count = 0
        self._stopped = False

    def take(self) -> bool:
        """Count an error; whether it is to be printed as well."""
        if self._stopped:
            return True
        self._count += 1
        if self._count > 1:
            return False
        self._wiring.spawn(self._tell_later())
        return self._show_first

    def stop(self) -> None:
        """Tell of the running batch and begin no other."""
        self._stopped = True
        self._tell()

    async def _tell_later(self) -> None:
        await asyncio.sleep(self._period)
        self._tell()

    def _tell(self) -> None:
        count, self._count = self._count, 0
        if count > self._show_first:
            period = format_duration(self._period)
            log.log(self.level, "%d errors like '%s' occurred in last %s", count, self.pattern.pattern, period)


class Errors:
    """Prints why answers failed."""

    deepest = 0

    def __init__(self, next_: Handler, rules: tuple[Rule, ...]) -> None:
        self._next = next_
        self._rules = rules

    def part(self) -> Part:
        """See `chain.fastpath`: plain replies are no errors."""
        return Part()

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, its error printed."""
        answer = await self._next.answer(query)
        if answer.error is not None:
            query.basis.fleeting = True
            self._report(query, answer, answer.error)
        return answer

    def _report(self, query: Query, answer: Answer, error: str) -> None:
        level = logging.ERROR
        for rule in self._rules:
            if rule.pattern.matches(error):
                if not rule.take():
                    return
                level = rule.level
                break
        log.log(level, "%d %s %s: %s", answer.rcode, query.text, codes.type_name(query.question.type), error)
