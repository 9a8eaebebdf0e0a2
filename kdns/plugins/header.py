"""header: set or clear flags of queries and of replies.

::

    header {
        query|response set|clear FLAG...
    }

FLAG is `aa`, `ra` or `rd`. Rules are applied in order, so the last word on a flag holds. Query rules change what later
plugins see, and RD, which is all that upstreams are told of them, is that of the reply too; response rules change what
later plugins answer, not what the server says when they fail. Replies kept by `cache`, which comes earlier, are not
changed again. The first line with rules counts.

Errors: no rules, "setting up rule: invalid selector=X should be query or response", "setting up rule: no flag action
provided", "setting up rule: invalid length for flags, at least one should be provided", "setting up rule: unknown flag
action=X, should be set or clear", "setting up rule: unknown/unsupported flag=X". Metrics: none.

Example::

    .:1053 {
        header {
            query set rd
            response set ra
            response clear aa
        }
        forward . 192.0.2.53
    }
"""

from typing import NamedTuple

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes

_FLAGS = {"aa": codes.AA, "ra": codes.RA, "rd": codes.RD}


class Change(NamedTuple):
    """Flags that are set and flags that are cleared, as bits of the second header word; none is both."""

    on: int = 0
    off: int = 0

    def then(self, flags: int, *, on: bool) -> "Change":
        """This change, and afterwards these flags set or cleared."""
        return Change(self.on | flags, self.off & ~flags) if on else Change(self.on & ~flags, self.off | flags)

    def of(self, flags: int) -> int:
        """Flags after it."""
        return flags & ~self.off | self.on

    @property
    def recursion(self) -> bool | None:
        """What becomes of RD; `None`: it stays."""
        return bool(self.on & codes.RD) if (self.on | self.off) & codes.RD else None


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    found = [changes for line in args if (changes := _changes(line)) != (Change(), Change())]
    if not found:
        raise next(iter(args)).wrong_count()
    query, response = found[0]
    site.chain("header", lambda next_: Header(next_, query, response))


def _changes(line: Line) -> tuple[Change, Change]:
    line.end()
    changes = {"query": Change(), "response": Change()}
    for option in line.block():
        selector = option.name.lower()
        if selector not in changes:
            raise option.error(f"setting up rule: invalid selector={selector} should be query or response")
        changes[selector] = _rule(option, changes[selector])
    return changes["query"], changes["response"]


def _rule(option: Line, change: Change) -> Change:
    if not option.more:
        raise option.error("setting up rule: no flag action provided")
    action = option.text().lower()
    if not option.more:
        raise option.error("setting up rule: invalid length for flags, at least one should be provided")
    if action not in ("set", "clear"):
        raise option.error(f"setting up rule: unknown flag action={action}, should be set or clear")
    flags = 0
    for word in option.words():
        flag = word.lower()
        if flag not in _FLAGS:
            raise option.error(f"setting up rule: unknown/unsupported flag={flag}")
        flags |= _FLAGS[flag]
    return change.then(flags, on=action == "set")


class Header:
    """Changes flags on the way in and on the way out."""

    def __init__(self, next_: Handler, query: Change, response: Change) -> None:
        self._next = next_
        self._query = query
        self._response = response

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer to the changed query, changed."""
        answer = await self._next.answer(query.replace(flags=self._query.of(query.flags)))
        if answer is DROP:
            return answer
        recursion, response = self._query.recursion, self._response
        if not answer.written:
            return answer if recursion is None else answer.replace(recursion=recursion)
        if response.recursion is not None:
            recursion = response.recursion
        flags = answer.flags & ~response.off | response.on & ~codes.RD
        return answer.replace(flags=flags, recursion=answer.recursion if recursion is None else recursion)
