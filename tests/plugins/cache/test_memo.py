"""The cache and the server's memo together: replies are the same whether the memo keeps them or not."""

import random
from dataclasses import dataclass, field

import pytest

from kdns.chain.answer import Answer, relayed
from kdns.chain.basis import Basis
from kdns.chain.memo import Memo
from kdns.chain.query import Query
from kdns.plugins.cache.stores import Stores
from kdns.server.reply import encode
from kdns.wire import codes, name
from kdns.wire.edns import Edns
from kdns.wire.message import Relay, read_message
from tests.kit.chain import root_chain
from tests.kit.house import packet as query_packet
from tests.kit.query import query
from tests.plugins.cache.upstream import SOA, figure, packet

STEPS = 1200
ANNOUNCED = ("a", "b", "c", "gone")
"""First labels of names whose changes are announced; those of others are not."""


@dataclass
class Truth:
    """What is so at the moment: a version of every name, which is the last number of its address."""

    versions: dict[str, int] = field(default_factory=dict)

    def version(self, label: str) -> int:
        return self.versions.get(label, 1)

    async def answer(self, query: Query) -> Answer:
        query.basis.fleeting = True
        text = name.to_text(query.question.folded)
        label = text.partition(".")[0]
        if label in ANNOUNCED:
            query.basis.reads.append(("name", label))
        version = self.version(label)
        if version % 4 == 0:
            return relayed(Relay(packet(text, query.question.type, rcode=codes.NXDOMAIN, authority=[SOA])))
        ttl = 7 + version % 3 * 10
        return relayed(Relay(packet(text, query.question.type, f"{text} {ttl} IN A 192.0.2.{version}")))


class Server:
    """A cache with a memo in front of it, used or not."""

    def __init__(self, directive: str, truth: Truth, *, memo: bool) -> None:
        self.chain = root_chain(directive, behind=truth)
        self.memo = Memo(self.chain.clock)
        self.hits = 0
        self._keeps = memo

    def ask(self, text: str, ident: int, edns: Edns | None) -> bytes:
        octets = query_packet(text, ident=ident, edns=edns)
        reply = self.memo.hit(octets) if self._keeps else None
        if reply is not None:
            self.hits += 1
            return reply
        asked = query(text, ident=octets[:2], edns=edns, basis=Basis(self.memo.epoch))
        answer = self.chain.answer(asked)
        reply = encode(asked, answer)
        self.memo.keep(octets, asked, reply, answer.rcode)
        return reply

    def forget(self, label: str) -> None:
        self.memo.forget([("name", label)])
        self.chain.site.find(Stores)[0].forget([("name", label)])


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    "directive",
    [
        "cache 30",
        "cache {\nkeepttl\n}",
        "cache {\nsuccess 10 12\ndenial 10 9\n}",
        "cache {\ndisable denial\n}",
        "cache {\ndisable success b.example\nprefetch 0\n}",
        "cache d.example",
    ],
)
def test_replies_are_the_same_with_the_memo_and_without(directive: str, seed: int) -> None:
    chance, truth = random.Random(seed), Truth()
    kept, fresh = Server(directive, truth, memo=True), Server(directive, truth, memo=False)
    for _ in range(STEPS):
        label = chance.choice([*ANNOUNCED, "d", "e", "f"])
        if chance.random() < 0.03:
            truth.versions[label] = truth.version(label) % 9 + 1
            if label in ANNOUNCED:
                kept.forget(label)
                fresh.forget(label)
        passed = chance.uniform(0.001, 0.4)
        kept.chain.clock.advance(passed)
        fresh.chain.clock.advance(passed)
        ident, edns = chance.randrange(65536), chance.choice([None, Edns(1232)])
        reply = kept.ask(f"{label}.example", ident, edns)
        assert reply == fresh.ask(f"{label}.example", ident, edns)
        if label in ANNOUNCED:
            version, message = truth.version(label), read_message(reply)
            assert [record.data[-1] for record in message.answer] == ([] if version % 4 == 0 else [version])
    assert kept.hits > STEPS / 4 or directive == "cache d.example"
    kept.memo.tell()
    zones = "d.example." if directive == "cache d.example" else "."
    for metric, store in [
        ("requests_total", None),
        ("misses_total", None),
        ("hits_total", "success"),
        ("hits_total", "denial"),
    ]:
        assert figure(kept.chain, metric, store, zones) == figure(fresh.chain, metric, store, zones)
