"""The link of the chain that answers AXFR and IXFR (`kubernetes.md` section 6.3)."""

import logging
from collections.abc import Coroutine, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from kdns.chain.answer import Answer, Records, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.roles import Transfer, Transferer
from kdns.plugins.transfer.stanza import Stanza
from kdns.wire import codes, name
from kdns.wire.reader import read_question, read_records
from kdns.wire.record import Record

log = logging.getLogger("kdns.transfer")

MAX_MESSAGE = 63000
"""Octets of records, without compression, in one message of a transfer."""

_TRANSFERS = (codes.AXFR, codes.IXFR)
_FIXED = 10
"""Octets of a record between its owner and its data."""
_SOA_NUMBERS = 20
"""Octets of the numbers at the end of an SOA, the serial first."""
_REFUSED = refuse(codes.REFUSED)
_FORBIDDEN = Answer(rcode=codes.REFUSED)
_NO_SERIAL = refuse(codes.SERVFAIL)
_NOT_LOADED = refuse(codes.SERVFAIL, "no SOA")


class Transfers:
    """Sends the zones that `transferers` have."""

    def __init__(self, next_: Handler, stanzas: Sequence[Stanza], transferers: Sequence[Transferer]) -> None:
        self._next = next_
        self._stanzas = stanzas
        self._transferers = transferers

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """A zone, or the next handler's answer to questions for anything else."""
        if query.question.type not in _TRANSFERS or query.question.cls != codes.IN:
            return self._next.answer(query)
        return self._transfer(query)

    async def _transfer(self, query: Query) -> Answer:
        query.basis.fleeting = True
        if query.transport.proto != "tcp":
            return _REFUSED
        stanza = Stanza.longest(self._stanzas, lambda stanza: stanza.zones.match(query.question))
        if stanza is None:
            return await self._next.answer(query)
        if not stanza.allows(query):
            return _FORBIDDEN
        serial = None
        if query.question.type == codes.IXFR:
            serial = _serial_of(query.packet)
            if serial is None:
                return _NO_SERIAL
        found = self._find(query.question.folded)
        if found is None:
            return await self._next.answer(query)
        soa = found.soa
        if soa is None:
            return _NOT_LOADED
        ours = int.from_bytes(soa.data[-_SOA_NUMBERS:][:4], "big")
        to = f'zone "{name.to_text(query.question.name)}" to {query.client[0]} for {ours} SOA serial'
        if serial and serial == ours:
            log.info("Outgoing noop, incremental transfer for up to date %s", to)
            return Answer(flags=codes.AA, answer=(soa,))
        messages = _messages(soa, found.records)
        first = next(messages)
        if len(first) > 1 and first[-1] is soa:
            log.info("Outgoing transfer of %d records of %s", len(first), to)
            return Answer(flags=codes.AA, answer=first)
        return Answer(flags=codes.AA, answer=first, more=_told(messages, len(first), to))

    def _find(self, zone: bytes) -> Transfer | None:
        found = (transferer.transfer(zone) for transferer in self._transferers)
        return next((transfer for transfer in found if transfer is not None), None)


def _serial_of(packet: bytes) -> int | None:
    """Serial of the SOA in the authority section, if that is all there is in it (RFC 1995 section 3)."""
    _, end = read_question(packet)
    authority = [raw for raw in read_records(packet, end) if raw.section == 1]
    if len(authority) != 1 or authority[0].type != codes.SOA or authority[0].end - authority[0].data < _SOA_NUMBERS:
        return None
    at = authority[0].end - _SOA_NUMBERS
    return int.from_bytes(packet[at : at + 4], "big")


def _messages(soa: Record, zone: Iterable[Records]) -> Iterator[Records]:
    """The records of a zone between its two SOAs, as many in a message as have room."""
    batch: list[Record] = []
    room = MAX_MESSAGE
    records: Iterable[Record] = chain((soa,), chain.from_iterable(zone), (soa,))
    for record in records:
        size = len(record.owner or b"") + _FIXED + len(record.data)
        if batch and size > room:
            yield batch
            batch, room = [], MAX_MESSAGE
        batch.append(record)
        room -= size
    yield batch


def _told(messages: Iterator[Records], records: int, to: str) -> Iterator[Records]:
    """The messages behind one of so many records, and a line once the client has taken the last."""
    for message in messages:
        records += len(message)
        yield message
    log.info("Outgoing transfer of %d records of %s", records, to)
