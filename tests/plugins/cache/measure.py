"""What one query costs the cache: CPU time and memory, apart from what stands behind it.

    python -m tests.plugins.cache.measure

The machine's speed changes from run to run: compare figures of one run, such as those with the first line.
"""

import gc
import time
import tracemalloc
from collections.abc import Sequence

from kdns.chain.answer import Answer, relayed
from kdns.chain.handler import Handler
from kdns.chain.query import Query
from kdns.plugins.cache.stores import Stores
from kdns.wire import codes, name
from kdns.wire.message import Relay
from kdns.wire.record import Record
from tests.kit.chain import root_chain
from tests.kit.query import query
from tests.plugins.cache.upstream import packet

NAMES = 9000
ROUNDS = 5


class Ready:
    """Gives answers that were made beforehand."""

    def __init__(self, answers: Sequence[Answer], *, fleeting: bool) -> None:
        self._answers = list(answers)
        self._fleeting = fleeting
        self._next = 0

    async def answer(self, query: Query) -> Answer:
        if self._fleeting:
            query.basis.fleeting = True
        self._next += 1
        return self._answers[self._next % len(self._answers)]


def nanoseconds(handler: Handler, queries: Sequence[Query]) -> float:
    """CPU time of one query."""
    gc.collect()
    gc.disable()
    start = time.thread_time_ns()
    for each in queries:
        try:
            handler.answer(each).send(None)
        except StopIteration:
            continue
    spent = time.thread_time_ns() - start
    gc.enable()
    return spent / len(queries)


def asked(pattern: str) -> list[Query]:
    return [query(pattern.format(n)) for n in range(NAMES)]


def forwarded(queries: Sequence[Query], *records: str) -> list[Answer]:
    packets = [(each, name.to_text(each.question.name)) for each in queries]
    return [
        relayed(Relay(packet(text, each.question.type, *[record.format(text) for record in records])))
        for each, text in [*packets[-1:], *packets[:-1]]
    ]


def misses(label: str, *records: str) -> None:
    queries = asked("name{}.example.com")
    answers = forwarded(queries, *records)
    best = float("inf")
    for _ in range(ROUNDS):
        alone = nanoseconds(Ready(answers, fleeting=True), queries)
        chain = root_chain("cache 30", behind=Ready(answers, fleeting=True))
        best = min(best, nanoseconds(chain.top, asked("name{}.example.com")) - alone)
    print(f"miss, {label:42} {best:7.0f} ns")


def hits() -> None:
    queries = asked("name{}.example.com")
    chain = root_chain("cache 30", behind=Ready(forwarded(queries, "{} 300 IN A 192.0.2.1"), fleeting=True))
    nanoseconds(chain.top, queries)
    print(f"{'first hit':48} {nanoseconds(chain.top, asked('name{}.example.com')):7.0f} ns")
    best = min(nanoseconds(chain.top, asked("name{}.example.com")) for _ in range(ROUNDS))
    print(f"{'later hits':48} {best:7.0f} ns")


def lasting(label: str, directive: str, answer: Answer) -> None:
    best = float("inf")
    for _ in range(ROUNDS):
        alone = nanoseconds(Ready([answer], fleeting=False), asked("web{}.shop.svc.cluster.local"))
        chain = root_chain(directive, behind=Ready([answer], fleeting=False))
        best = min(best, nanoseconds(chain.top, asked("web{}.shop.svc.cluster.local")) - alone)
    print(f"{label:48} {best:7.0f} ns")


def memory() -> None:
    queries = asked("name{}.example.com")
    answers = [Relay(packet(name.to_text(q.question.name), 1, f"{q.text} 300 IN A 192.0.2.1")).packet for q in queries]
    tracemalloc.start()
    chain = root_chain("cache 30", behind=Upon(answers))
    before = tracemalloc.get_traced_memory()[0]
    nanoseconds(chain.top, asked("name{}.example.com"))
    gc.collect()
    kept = tracemalloc.get_traced_memory()[0] - before
    nanoseconds(chain.top, asked("name{}.example.com"))
    gc.collect()
    hit = tracemalloc.get_traced_memory()[0] - before
    entries = len(chain.site.find(Stores)[0].success)
    print(f"memory of an entry {kept / entries:.0f} octets, once it was hit {hit / entries:.0f}")


class Upon:
    """Reads packets when it is asked, so that the cache alone holds on to what comes of them."""

    def __init__(self, packets: list[bytes]) -> None:
        self._packets = iter(packets)

    async def answer(self, query: Query) -> Answer:
        query.basis.fleeting = True
        return relayed(Relay(bytes(bytearray(next(self._packets)))))


def main() -> None:
    """Print the figures."""
    small = {(b"name", n): n for n in range(9)}
    start = time.thread_time_ns()
    for _ in range(100_000):
        small.get((b"name", 5))
    print(f"{'one look-up by a pair, for comparison':48} {(time.thread_time_ns() - start) / 100_000:7.0f} ns")
    misses("one address", "{} 300 IN A 192.0.2.1")
    misses("four addresses", *[f"{{}} 300 IN A 192.0.2.{n}" for n in range(4)])
    misses("an alias and an address", "{} 300 IN CNAME cdn.example.net.", "cdn.example.net. 60 IN A 192.0.2.1")
    hits()
    found = Answer(flags=codes.AA, answer=(Record(None, codes.A, b"\1\2\3\4", 30),))
    soa = Record(b"\7cluster\5local\0", codes.SOA, b"\0\0" + bytes(20), 30)
    missing = Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=(soa,))
    disabled = "cache 30 {\ndisable success cluster.local\ndisable denial cluster.local\n}"
    lasting("Service, kept by the memo", "cache 30", found)
    lasting("Service, zone disabled", disabled, found)
    lasting("no such name, kept by the memo", "cache 30", missing)
    lasting("no such name, zone disabled", disabled, missing)
    memory()


if __name__ == "__main__":
    main()
