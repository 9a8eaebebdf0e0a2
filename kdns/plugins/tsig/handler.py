"""The link of the chain that demands signatures, judges them, and has replies signed."""

import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from kdns.chain.answer import DROP, Answer
from kdns.chain.classify import SERVER_WRITES
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.wire import codes
from kdns.wire.signing import Signature

log = logging.getLogger("kdns")

_REFUSED = Answer(rcode=codes.REFUSED)
_NOTAUTH = Answer(rcode=codes.NOTAUTH)
_REASONS = {codes.BADKEY: "no secrets defined", codes.BADTIME: "bad time", codes.BADSIG: "bad signature"}


@dataclass(frozen=True, slots=True)
class Required:
    """Numbers of types or opcodes that must be signed."""

    numbers: frozenset[int] = frozenset()
    everything: bool = False

    def __contains__(self, number: int) -> bool:
        return self.everything or number in self.numbers


class TsigServer:
    """Lets signed queries pass, and unsigned ones where no signature is required."""

    def __init__(self, next_: Handler, zones: Zones, types: Required, opcodes: Required) -> None:
        self._next = next_
        self._zones = zones
        self._types = types
        self._opcodes = opcodes

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The next handler's answer, signed if the query was, or a refusal."""
        signature = query.signature
        if signature is None and not self._requires(query):
            return self._next.answer(query)
        if self._zones.match(query.question) is None:
            return self._next.answer(query)
        if query.depth:
            return self._inner(query, signature)
        return self._refuse(query) if signature is None else self._signed(query, signature)

    def _requires(self, query: Query) -> bool:
        return query.question.type in self._types or query.flags >> codes.OPCODE_SHIFT & 15 in self._opcodes

    def _inner(self, query: Query, signature: Signature | None) -> Coroutine[Any, Any, Answer]:
        """A lookup in the course of another query is as good as that one's signature; the reply is not for a client."""
        if signature is not None and not signature.error:
            return self._next.answer(query)
        return self._refuse(query) if self._requires(query) else self._next.answer(query)

    async def _refuse(self, query: Query) -> Answer:
        log.debug("rejecting '%s' request without TSIG", codes.type_name(query.question.type))
        return _REFUSED

    async def _signed(self, query: Query, signature: Signature) -> Answer:
        signature.wanted = True
        if signature.error:
            rtype = codes.type_name(query.question.type)
            log.debug("TSIG validation failed: %s dns: %s", rtype, _REASONS[signature.error])
            return _NOTAUTH
        answer = await self._next.answer(query)
        if answer is DROP:
            return DROP
        if answer.error is not None:
            log.error("request handler returned an error: %s", answer.error)
        if not answer.written and answer.rcode in SERVER_WRITES:
            # What others leave to the server is a reply of this plugin, or it would go out without a signature.
            return Answer(rcode=answer.rcode)
        return answer
