"""The link of the chain: rules on the way in, and in reverse order on the way out."""

from collections.abc import Sequence

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.plugins.rewrite.directive import Line
from kdns.plugins.rewrite.edns import SUBNET, Optioned
from kdns.plugins.rewrite.request import IllegalName, Rewriting
from kdns.plugins.rewrite.response import Reply
from kdns.wire import codes
from kdns.wire.edns import Option
from kdns.wire.errors import WireError

_NOT_OURS = frozenset((codes.EXPIRE, codes.PADDING, SUBNET))
"""Options that the server echoes itself, and the one that is for upstreams only."""


class Rewrite:
    """Asks the next link what the rules make of a query, and makes its answer one to the query as it came."""

    def __init__(self, next_: Handler, lines: Sequence[Line]) -> None:
        self._next = next_
        self._lines = tuple(lines)
        # Codes of `edns0` rules count as supported: the client's own options with them are echoed too.
        rules = [line.rule for line in lines if isinstance(line.rule, Optioned)]
        self._echoed = frozenset(rule.code for rule in rules) - _NOT_OURS

    async def answer(self, query: Query) -> Answer:
        """The next handler's answer, changed; the question stays the client's own."""
        rewriting = Rewriting(query)
        try:
            stopped = self._apply(rewriting)
        except IllegalName as error:
            return self._with_options(query, refuse(codes.SERVFAIL, str(error)), rewriting.shown)
        asked = rewriting.query
        answer = await self._next.answer(asked)
        if answer is DROP:
            return answer
        if not answer.written:
            if not stopped and not rewriting.changes:
                return answer
            answer = answer.replace(written=True)
        # The reply of an upstream has options of its own: what was said to upstreams is not told to clients.
        shown = rewriting.shown if answer.relay is None else ()
        reply = Reply(answer, asked, extended=query.edns is not None)
        try:
            if asked.question.name != query.question.name or any(change.names for change in rewriting.changes):
                reply.own()
            for change in reversed(rewriting.changes):
                await change.apply(reply)
        except WireError as error:
            return refuse(codes.SERVFAIL, f"invalid name after rewrite: {error}")
        return self._with_options(query, reply.done(), shown)

    def _apply(self, rewriting: Rewriting) -> bool:
        """Try the rules in order; whether one stopped that."""
        return any(line.rule.apply(rewriting) and line.stops for line in self._lines)

    def _with_options(self, query: Query, answer: Answer, shown: tuple[Option, ...]) -> Answer:
        """The answer with the options that the client is to see; one without EDNS sees no others."""
        if not shown or not self._echoed:
            return answer
        others = answer.options if query.edns is not None else ()
        known = {option.code for option in others}
        own = tuple(option for option in shown if option.code in self._echoed and option.code not in known)
        if not own:
            return answer
        # Shared octets would go out without them.
        return answer.replace(options=(*others, *own), shared=None)
