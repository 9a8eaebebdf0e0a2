"""NOTIFY (RFC 1996) on its way down a chain that is made for questions.

A notification looks like a question for the SOA of its zone. It enters a chain only if the block has a plugin that
takes them (`Listen.notices`), and passes those plugins by that would take it for a question: a cache must not keep it,
nor answer it with what it keeps. Chains without such a plugin are the same as if there were no NOTIFY.
"""

from collections.abc import Coroutine
from typing import Any

from kdns.chain.answer import Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.wire import codes


def is_notice(query: Query) -> bool:
    """Whether it is a NOTIFY."""
    return query.flags & codes.OPCODE == codes.NOTIFY << codes.OPCODE_SHIFT


def only_questions(handler: Handler, next_: Handler, site: Site) -> Handler:
    """The handler, passed by by notifications if its block takes any."""
    return _Bypass(handler, next_) if site.listen.notices else handler


class _Bypass:
    def __init__(self, handler: Handler, next_: Handler) -> None:
        self._handler = handler
        self._next = next_

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        return (self._next if is_notice(query) else self._handler).answer(query)
