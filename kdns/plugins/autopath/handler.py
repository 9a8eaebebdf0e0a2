"""The walk along a search path (`kubernetes.md` section 6.2)."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from kdns.chain.answer import DROP, Answer
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.zones import Zones
from kdns.metrics import Counter, Family
from kdns.wire import codes, name
from kdns.wire.record import Record

Path = Callable[[Query], tuple[bytes, ...]]


class Autopath:
    """Asks the next link for a name in every entry of the client's search path."""

    def __init__(self, next_: Handler, zones: Zones, path: Path, success: Family[Counter]) -> None:
        self._next = next_
        self._zones = zones
        self._path = path
        self._success = success

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The first reply on the path that is not NXDOMAIN, or the next link's for what is not searched for."""
        question = query.question
        path = self._path(query) if self._zones.match(question) is not None else ()
        if not path or question.folded == path[0] or not name.is_below(question.folded, path[0]):
            return self._next.answer(query)
        return self._walk(query, path)

    async def _walk(self, query: Query, path: tuple[bytes, ...]) -> Answer:
        first = answer = await self._next.answer(query)
        if _is_end(answer):
            return self._found(query, answer)
        # Later replies rest on zones and caches of their own, whose serials and ages one kept reply could not follow.
        query.basis.fleeting = True
        base = query.question.name[: -len(path[0])]
        for entry in path[1:]:
            if len(base) + len(entry) > name.MAX_NAME:
                continue
            answer = await self._next.answer(query.asking(base + entry))
            if _is_end(answer):
                return self._found(query, _restored(query, answer, base + entry))
        return first

    def _found(self, query: Query, answer: Answer) -> Answer:
        if answer.written:
            success = self._success.child(query.transport.server)
            success.add()
            query.basis.tallies.append(success.add)
        return answer


def _is_end(answer: Answer) -> bool:
    """Whether a walk ends here: at a written reply that is not NXDOMAIN, and at an error."""
    return answer is DROP or answer.error is not None or (answer.written and answer.rcode != codes.NXDOMAIN)


def _restored(query: Query, answer: Answer, asked: bytes) -> Answer:
    """A reply to `asked` as one to the client's question, with the alias that leads there."""
    if not answer.written:
        return answer
    answer = answer.with_ttl()
    sections = (answer.answer, answer.authority, answer.additional)
    records, authority, additional = ([_owned(record, asked) for record in section] for section in sections)
    return answer.replace(answer=_alias(query, records) + records, authority=authority, additional=additional)


def _owned(record: Record, owner: bytes) -> Record:
    return record if record.owner is not None else record._replace(owner=owner)


def _alias(query: Query, records: Sequence[Record]) -> list[Record]:
    for record in records:
        if record.owner is not None and record.owner.lower() != query.question.folded:
            return [Record(None, codes.CNAME, record.owner, record.ttl, query.question.cls)]
    return []
