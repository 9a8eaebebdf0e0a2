"""A listener with TSIG keys: every signed query is verified, and replies are signed where that is wanted (RFC 8945).

Signing comes after everything else, so its octets are what is sent. Nothing that was signed is kept: a signature is
good once. Listeners without keys run none of this.
"""

from collections.abc import Callable
from typing import Any

from kdns.chain.answer import Answer, refuse
from kdns.chain.query import Query
from kdns.net.exchange import Exchange
from kdns.server import reply
from kdns.server.service import Head, Service
from kdns.wire import codes
from kdns.wire.errors import WireError
from kdns.wire.reader import Question
from kdns.wire.signing import Secrets, check
from kdns.wire.tsig import find_tsig

_TRANSFERS = (codes.AXFR, codes.IXFR)
_FAILED = refuse(codes.SERVFAIL)
_NO_RECORDS: dict[str, Any] = {"answer": (), "authority": (), "additional": ()}


class SignedService(Service):
    """A service whose queries may be signed with one of `secrets`; `time` is Unix time in seconds."""

    def __init__(self, *what: Any, secrets: Secrets, time: Callable[[], float], **how: Any) -> None:
        super().__init__(*what, **how)
        self._secrets = secrets
        self._time = time
        self.encode = self._signed

    def _query(
        self, packet: bytes, question: Question, end: int, head: Head, exchange: Exchange, began: float | None
    ) -> Query:
        query = super()._query(packet, question, end, head, exchange, began)
        found = None if packet[10:12] == b"\0\0" else find_tsig(packet)
        if found is None:
            return query
        tsig, start = found
        query.basis.private = True
        signature = check(packet, tsig, start, self._secrets, int(self._time()))
        return query.replace(signature=signature)

    def _signed(self, query: Query, answer: Answer) -> bytes:
        signature = query.signature
        if signature is None:
            return reply.encode(query, answer)
        # A zone goes out signed even where no plugin looks at signatures, if the client's is good (`plugins.md`).
        if not (signature.wanted or (query.question.type in _TRANSFERS and not signature.error)):
            return reply.encode(query, answer)
        try:
            octets = reply.encode(query, answer)
        except WireError:
            octets = reply.encode(query, _FAILED)
        room = query.payload if answer.payload is None else min(query.payload, max(answer.payload, 512))
        if query.transport.proto == "udp" and len(octets) + signature.size > room:
            # Nothing but the question, and NOERROR (RFC 8945 section 5.3).
            flags = answer.flags | codes.TC
            octets = reply.encode(query, answer.replace(rcode=codes.NOERROR, flags=flags, **_NO_RECORDS))
        return signature.sign(octets, int(self._time()))
