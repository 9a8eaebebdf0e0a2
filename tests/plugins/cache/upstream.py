"""A make-believe upstream behind the cache, and what clients see of its replies.

    upstream = Upstream(says("www.example. 300 IN A 192.0.2.1"), fails())
    chain = root_chain("cache 30", behind=upstream)
    assert seen(chain, "www.example").answer == ["www.example. 30 IN A 192.0.2.1"]

Replies are packets of another library, compressed as upstreams do, and what is seen is read from the octets of a reply.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from dnslib import EDNS0, RR, DNSHeader, DNSQuestion, DNSRecord

from kdns.chain.answer import Answer, refuse, relayed
from kdns.chain.query import Query
from kdns.server.reply import encode
from kdns.wire import codes, name
from kdns.wire.edns import Edns
from kdns.wire.message import Relay, read_message
from kdns.wire.record import Record
from tests.kit.chain import Chain, Clock
from tests.kit.query import query

Step = Callable[[Query], Answer]

SOA = "example. 300 IN SOA ns.example. admin.example. 1 7200 900 1209600 86400"


def lines(*texts: str) -> list[RR]:
    return [record for text in texts for record in RR.fromZone(text)]


def packet(
    asked: str,
    rtype: int,
    *answer: str,
    rcode: int = codes.NOERROR,
    flags: int = codes.RD | codes.RA,
    authority: Sequence[str] = (),
    additional: Sequence[str] = (),
    edns: EDNS0 | None = None,
    cls: int = codes.IN,
) -> bytes:
    """A reply as an upstream sends it."""
    header = DNSHeader(id=0x4711, qr=1)
    header.bitmap = codes.QR | flags | rcode
    record = DNSRecord(header, q=DNSQuestion(asked, rtype, cls))
    record.add_answer(*lines(*answer))
    record.add_auth(*lines(*authority))
    record.add_ar(*lines(*additional), *([edns] if edns else []))
    return bytes(record.pack())


def says(*answer: str, **how: Any) -> Step:
    """A reply with these records to whatever is asked."""

    def step(asked: Query) -> Answer:
        question = asked.question
        text = name.to_text(question.name)
        return relayed(Relay(packet(text, question.type, *answer, cls=question.cls, **how)))

    return step


def denies(rcode: int = codes.NXDOMAIN, soa: str | None = SOA, **how: Any) -> Step:
    """NXDOMAIN, or NODATA with NOERROR."""
    return says(rcode=rcode, authority=[soa] if soa else [], **how)


def fails(rcode: int = codes.SERVFAIL) -> Step:
    """A failure that an upstream wrote."""
    return says(rcode=rcode)


def times_out() -> Step:
    """A failure that nobody wrote."""
    return lambda _: refuse(codes.SERVFAIL, "read udp: i/o timeout")


class Gate:
    """A reply that is held back until `open`."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.open = asyncio.Event()


class Upstream:
    """Takes the steps one by one, and the last for ever; everything it says is fleeting, as what `forward` says is."""

    def __init__(self, *steps: Step | Gate | BaseException) -> None:
        self.steps = list(steps)
        self.queries: list[Query] = []

    async def answer(self, query: Query) -> Answer:
        query.basis.fleeting = True
        self.queries.append(query)
        step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Gate):
            await step.open.wait()
            step = step.step
        return step(query)

    @property
    def asked(self) -> int:
        """How many questions came."""
        return len(self.queries)


@dataclass(frozen=True)
class Seen:
    """What a client sees."""

    rcode: str
    flags: str
    answer: list[str]
    authority: list[str]
    additional: list[str]
    edns: Edns | None

    @property
    def ttls(self) -> set[int]:
        """TTLs of all records."""
        return {int(text.split()[1]) for text in (*self.answer, *self.authority, *self.additional)}


def shown(asked: Query, answer: Answer) -> Seen:
    """What the client sees of an answer."""
    message = read_message(encode(asked, answer))

    def texts(section: tuple[Record, ...]) -> list[str]:
        return [record.to_text() for record in section]

    return Seen(
        codes.rcode_name(message.rcode),
        codes.flag_names(message.flags & ~codes.QR),
        texts(message.answer),
        texts(message.authority),
        texts(message.additional),
        message.edns,
    )


def seen(chain: Chain, asked: str, rtype: str = "A", **how: Any) -> Seen:
    """Ask, and see; the answer must not have to wait."""
    question = query(asked, rtype, **how)
    return shown(question, chain.answer(question))


async def seen_later(chain: Chain, asked: str, rtype: str = "A", **how: Any) -> Seen:
    """Ask, and see, however long it takes."""
    question = query(asked, rtype, **how)
    return shown(question, await chain.top.answer(question))


def figure(chain: Chain, metric: str, store: str | None = None, zones: str = ".", view: str = "") -> float:
    """The value of `coredns_cache_METRIC`."""
    labels = ("dns://:53", zones, view) if store is None else ("dns://:53", store, zones, view)
    return chain.registry.value(f"coredns_cache_{metric}", *labels)


def move(chain: Chain, seconds: float) -> Clock:
    """Let time pass."""
    chain.clock.advance(seconds)
    return chain.clock
