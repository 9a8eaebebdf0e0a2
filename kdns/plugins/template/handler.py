"""The link of the chain: the first directive that a query matches answers it."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.corefile.expression import Fault
from kdns.plugins.template.data import Data, Matched, presentation
from kdns.plugins.template.metrics import Counts
from kdns.plugins.template.options import SECTIONS, Options
from kdns.plugins.template.text import TemplateError
from kdns.plugins.template.text.value import Table
from kdns.wire import codes
from kdns.wire.record import Record
from kdns.wire.zonetext import ZoneError

Lookup = Callable[[Query, bytes, int], Awaitable[Answer | None]]

_NO_MATCH = refuse(codes.SERVFAIL)
_ADDRESSES = (codes.A, codes.AAAA)
_MAX_PLAIN_RCODE = 15


class Templates:
    """Answers queries that match, and passes on those in no zone of its directives."""

    def __init__(self, next_: Handler, directives: Sequence[Options], lookup: Lookup, counts: Counts) -> None:
        self._next = next_
        self._directives = tuple(directives)
        self._lookup = lookup
        self._counts = counts

    def answer(self, query: Query) -> Coroutine[Any, Any, Answer]:
        """The answer of the first directive that matches, SERVFAIL if one forbids to look further, or the next's."""
        question = query.question
        name = ""
        for options in self._directives:
            zone = options.zones.match(question)
            if zone is None or not _concerns(options, question.cls, question.type):
                continue
            name = name or presentation(question.folded)
            matched = _matched(options, query, options.zones.text(zone), name)
            if matched is not None:
                try:
                    variables = options.conditions.hold(query, matched)
                except Fault:
                    return _given(_NO_MATCH)
                if variables is not None:
                    return self._made(query, options, matched, variables)
            if options.passes.match(question) is None:
                return _given(_NO_MATCH)
        return self._next.answer(query)

    async def _made(self, query: Query, options: Options, matched: Matched, variables: Table) -> Answer:
        self._counts.match(query, matched)
        if options.rcode == codes.SERVFAIL:
            return _NO_MATCH
        if options.rcode > _MAX_PLAIN_RCODE and query.edns is None and options.error is None:
            # It takes an OPT record (RFC 6891 section 6.1.3); CoreDNS cannot write it either, and sends nothing.
            return refuse(codes.SERVFAIL, f"rcode {codes.rcode_name(options.rcode)} needs EDNS")
        data = Data(query, matched, variables)
        sections: dict[str, list[Record]] = {section: [] for section in SECTIONS}
        flags = codes.AA
        for maker in options.makers:
            try:
                record = maker.make(data)
            except TemplateError as error:
                self._counts.template_failure(query, matched, maker)
                return refuse(codes.SERVFAIL, str(error))
            except ZoneError as error:
                self._counts.record_failure(query, matched, maker)
                return refuse(codes.SERVFAIL, str(error))
            section = sections[maker.section]
            section.append(record)
            if maker.section == "answer" and self._leads_on(query, record, section):
                found = await self._lookup(query, record.data, query.question.type)
                if found is not None and found is not DROP:
                    flags = codes.AA | found.flags & codes.TC
                    section += [_owned(each, record.data) for each in found.answer]
        return Answer(
            rcode=options.rcode,
            flags=flags,
            answer=tuple(sections["answer"]),
            authority=tuple(sections["authority"]),
            additional=tuple(sections["additional"]),
            options=() if options.error is None else (options.error,),
            do=options.error is not None,
        )

    def _leads_on(self, query: Query, record: Record, section: Sequence[Record]) -> bool:
        """Whether a record is an alias whose target is asked for.

        Behind an alias only the first one counts, as an owner has one (RFC 1034 section 3.6.2): lookups inside lookups
        would multiply.
        """
        if record.type != codes.CNAME or query.question.type not in _ADDRESSES:
            return False
        return not query.depth or len(section) == 1


def _concerns(options: Options, cls: int, rtype: int) -> bool:
    """Whether class and type are those of a directive; ANY on either side is every one."""
    if cls != options.cls and codes.ANY_CLASS not in (cls, options.cls):
        return False
    return rtype == options.type or codes.ANY in (rtype, options.type)


def _matched(options: Options, query: Query, zone: str, name: str) -> Matched | None:
    """How the name matches the first regular expression that finds something in it."""
    for regexp in options.regexps:
        groups = regexp.groups(name)
        if groups is not None:
            cls, rtype = query.question.cls, query.question.type
            cls = options.cls if cls == codes.ANY_CLASS else cls
            rtype = options.type if rtype == codes.ANY else rtype
            return Matched(zone, name, codes.CLASSES.get(cls, ""), codes.TYPES.get(rtype, ""), regexp, groups)
    return None


def _owned(record: Record, owner: bytes) -> Record:
    return record if record.owner is not None else record._replace(owner=owner)


async def _given(answer: Answer) -> Answer:
    return answer
