"""erratic: a server that misbehaves, to try clients and proxies on.

::

    erratic {
        drop [N]
        truncate [N]
        delay [N [DURATION]]
        large
    }

A questions are answered with 192.0.2.53, AAAA with 2001:db8::53, both with TTL 0, AXFR with a zone of a few records,
and all others with SERVFAIL. Queries are counted from 0:

    drop      no reply to query n where n is a multiple of N; 2 without any option, 0 beside `delay` or `truncate`
    truncate  TC in the reply where n has none of the bits of N; default 2 if given. An AXFR loses its last record
    delay     the reply waits for DURATION, default 100ms, where n is a multiple of N; default 2 if given
    large     A answers have thirty records

An N of 0 switches an option off, and `drop` without N is the same as no `drop`. It is ready, for the plugin `ready`,
while the count is 3 or 4.

Errors: 'illegal amount value given "X"', numbers and durations that are none, "unknown property 'X'". Metrics: none.

Example::

    .:1053 {
        erratic {
            drop 3
            delay 5 20ms
        }
    }
"""

import asyncio
from dataclasses import dataclass

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.chain.site import Site
from kdns.corefile import Arguments, Line
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.record import Record

_MAX = 2**31 - 1
_WRONG = 'strconv.ParseInt: parsing "{word}": invalid syntax'
_OUTSIDE = 'strconv.ParseInt: parsing "{word}": value out of range'

_LARGE = 30
_ADDRESSES = {codes.A: rdata.a("192.0.2.53"), codes.AAAA: rdata.aaaa("2001:db8::53")}
_FAILED = refuse(codes.SERVFAIL)


@dataclass(slots=True)
class Options:
    """How often it does what, 0 for never; `duration` of the delay in seconds."""

    drop: int | None = None
    truncate: int = 0
    delay: int = 0
    duration: float = 0.1
    large: bool = False

    @property
    def dropping(self) -> int:
        """`drop`, or what stands for it where it was not said."""
        if self.drop is not None:
            return self.drop
        return 0 if self.delay or self.truncate else 2


def setup(args: Arguments, site: Site) -> None:
    """Read the directive. Raises `ConfigError`."""
    options = Options()
    for line in args:
        line.end()
        for option in line.block():
            _read(option, options)
    erratic = Erratic(options)
    site.offer(erratic)
    site.chain("erratic", erratic.instead_of)


def _read(option: Line, options: Options) -> None:
    match option.name:
        case "drop":
            if option.more:
                options.drop = _amount(option)
        case "truncate":
            options.truncate = _amount(option) if option.more else 2
        case "delay":
            options.delay, options.duration = _amount(option) if option.more else 2, 0.1
            if option.more:
                options.duration = option.duration()
        case "large":
            options.large = True
        case _:
            raise option.unknown_property()
    option.end()


def _amount(option: Line) -> int:
    amount = option.integer(-_MAX - 1, _MAX, wrong=_WRONG, outside=_OUTSIDE)
    if amount < 0:
        raise option.error(f'illegal amount value given "{option.token.text}"')
    return amount


class Erratic:
    """Answers, most of the time."""

    name = "erratic"

    def __init__(self, options: Options) -> None:
        self._drop = options.dropping
        self._options = options
        self._count = 0

    def instead_of(self, next_: Handler) -> "Erratic":
        """It stands at the end of the chain: nobody behind it is ever asked."""
        return self

    def ready(self) -> bool:
        """For two queries, so that a probe sees it come and go."""
        return 3 <= self._count < 5

    async def answer(self, query: Query) -> Answer:
        """An answer by turns whole, late, cut short or lost."""
        query.basis.fleeting = True
        turn, options = self._count, self._options
        self._count += 1
        if self._drop and turn % self._drop == 0:
            return DROP
        if options.delay and turn % options.delay == 0:
            await asyncio.sleep(options.duration)
        # CoreDNS compares bits where it counts out the others.
        cut = options.truncate > 0 and turn & options.truncate == 0
        if query.question.type == codes.AXFR:
            return _transfer(query.question.name, cut=cut)
        data = _ADDRESSES.get(query.question.type)
        if data is None:
            return _FAILED
        record = Record(None, query.question.type, data, 0)
        times = _LARGE if options.large and record.type == codes.A else 1
        return Answer(flags=codes.AA | codes.TC if cut else codes.AA, answer=(record,) * times)


def _transfer(zone: bytes, *, cut: bool) -> Answer:
    """A small zone in one message; without its last record it never ends (RFC 5936 section 2.2)."""
    try:
        a, b = (name.from_labels([label], zone) for label in (b"a", b"b"))
    except WireError:
        return _FAILED
    mname, rname = name.from_text("sns.dns.icann.org"), name.from_text("noc.dns.icann.org")
    soa = Record(None, codes.SOA, rdata.soa(mname, rname, 2018050825, 7200, 3600, 1209600, 3600), 0)
    records = (
        soa,
        Record(None, codes.NS, b, 0),
        Record(None, codes.NS, a, 0),
        Record(a, codes.AAAA, rdata.aaaa("2001:bd8::53"), 0),
        Record(b, codes.AAAA, rdata.aaaa("2001:500::54"), 0),
    )
    return Answer(flags=codes.AA, answer=records if cut else (*records, soa))
