import random
from collections import Counter

from kdns.chain.answer import Answer
from kdns.plugins.loadbalance.order import RoundRobin
from kdns.wire import codes, rdata
from kdns.wire.record import Record
from tests.kit.query import query


def addresses(count: int) -> tuple[Record, ...]:
    return tuple(Record(None, codes.A, rdata.a(f"192.0.2.{i}"), 30) for i in range(count))


def test_every_order_is_equally_likely() -> None:
    for count, orders in ((2, 2), (3, 6)):
        policy, records, seen = RoundRobin(random.Random(7)), addresses(count), Counter[object]()
        for _ in range(600 * orders):
            answer = Answer(answer=records)
            seen[tuple(answer.replace(**policy(query("x"), answer)).answer)] += 1
        assert len(seen) == orders
        assert all(480 < times < 720 for times in seen.values()), seen


def test_the_order_it_has_already_is_no_change_but_still_chance() -> None:
    policy, answer, asked = RoundRobin(random.Random(7)), Answer(answer=addresses(2)), query("x")
    changes = [policy(asked, answer) for _ in range(50)]
    assert {} in changes
    assert asked.basis.shuffled
