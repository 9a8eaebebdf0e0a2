"""Plain questions as a listener sees them: who goes past the chain, and what becomes of those that are under way."""

import asyncio
import logging
import re

import pytest

from kdns.chain.fastpath import Plain
from kdns.plugins.cache.handler import Cache
from kdns.plugins.cache.store import Store
from kdns.plugins.forward.plain import PlainExchange
from kdns.server.service import MAX_WAITING
from kdns.wire import codes
from kdns.wire.edns import Edns, Option, opt_record
from kdns.wire.message import read_message
from tests.kit.chain import Clock, process
from tests.kit.house import Ends, House, packet
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, answer, never, unused_port

NAME = "www.example"
BARE = opt_record(1232)
ROOT_SOA = b"\0\0\6\0\1\0\0\0\x3c\0\x16\0\0" + bytes(20)
"""Of the root, with names that are the root."""


def house(port: int, more: str = "", clock: Clock | None = None) -> House:
    text = f".:53 {{\nprometheus 127.0.0.1:0\ncache\nforward . 127.0.0.1:{port}\n}}\n{more}"
    return House(text, outside=process(clock or Clock()))


@pytest.mark.parametrize(
    ("query", "plain"),
    [
        (packet(NAME), True),
        (packet(NAME, edns=Edns(1232)), True),
        (packet(NAME) + b"x", False),
        (packet(NAME) + BARE, False),
        (packet(NAME, edns=Edns(1232, codes.DO)), False),
        (packet(NAME, edns=Edns(1232, version=1)), False),
        (packet(NAME, edns=Edns(1232, 0, (Option(codes.COOKIE, b"12345678"),))), False),
        (packet(NAME, edns=Edns(1232)) + b"x", False),
        (packet(NAME, edns=Edns(1232))[:-1], False),
    ],
)
async def test_the_end_of_a_plain_question(query: bytes, plain: bool) -> None:
    async with FakeUpstream(never) as upstream:
        served = house(upstream.port)
        async with served.running():
            await asyncio.sleep(0)  # its tasks begin
            service = served.service()
            service.miss(query, Ends())
            assert any(type(each) is PlainExchange for each in service.waiting) is plain
            for each in tuple(service.waiting):
                each.abandon()


@pytest.mark.parametrize(
    ("corefile", "has"),
    [
        (".:53 {\nforward . 192.0.2.1\n}\n", True),
        (".:53 {\nerrors\nprometheus\ncache\nloadbalance\nloop\nforward . 192.0.2.1\n}\n", True),
        (".:53 {\nforward . 192.0.2.1\n}\nexample.org:53 {\nwhoami\n}\n", True),
        (".:53 {\nlog\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\nrewrite name a b\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\nforward . tls://192.0.2.1\n}\n", True),
        (".:53 {\nforward . 192.0.2.1 {\nforce_tcp\n}\n}\n", False),
        (".:53 {\nforward example.org 192.0.2.1\n}\n", False),
        (".:53 {\nloadbalance round_robin {\nprefer 192.0.2.0/24\n}\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\nhosts {\nfallthrough\n}\nforward . 192.0.2.1\n}\n", True),
        (".:53 {\nhosts {\n192.0.2.1 a\n}\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\nview v {\nexpr type() == 'A'\n}\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\ndnstap 127.0.0.1:1\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\ntsig {\nsecret a. YQ==\n}\nforward . 192.0.2.1\n}\n", False),
        (".:53 {\nwhoami\n}\n", False),
    ],
)
def test_which_configurations_have_a_fast_path(corefile: str, has: bool) -> None:
    made = House(corefile)
    assert (made.service().takes is not None) is has
    assert made.service("tcp").takes is None


async def test_blocks_go_their_own_ways() -> None:
    async with FakeUpstream() as one, FakeUpstream(lambda ask: [answer(ask, "192.0.2.2")]) as two:
        made = house(
            one.port, f"sub.example:53 {{\nforward . 127.0.0.1:{two.port}\n}}\nhere.example:53 {{\nwhoami\n}}\n"
        )
        async with made.running():
            for name, last in (("a.example", 1), ("a.sub.example", 2)):
                reply = await made.ask(name)
                assert [record.data[-1] for record in reply.answer] == [last]
            assert len((await made.ask("here.example")).additional) == 2
        assert [len(each.asks) for each in (one, two)] == [1, 1]


async def test_a_failed_part_is_a_failed_query(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeUpstream() as upstream:
        made = house(upstream.port)
        async with made.running():
            shortcut = made.service().takes.__self__  # type: ignore[union-attr]

            def broken(plain: Plain) -> None:
                raise ZeroDivisionError

            shortcut._replied = (broken,)
            with caplog.at_level(logging.ERROR, "kdns"):
                reply = await made.ask(NAME)
        assert reply.rcode == codes.SERVFAIL
        assert "ZeroDivisionError" in caplog.text
        assert made.process.registry.value("coredns_panics_total") == 1


async def test_a_query_that_is_given_back_has_taken_all_its_time() -> None:
    clock = Clock()

    def script(ask: Ask) -> Steps:
        clock.advance(0.6)  # longer than a question takes others along
        return [ask.ident + b"\x81\x83\0\1\0\0\0\0\0\0" + ask.question]

    async with FakeUpstream(script) as upstream:
        made = house(upstream.port, clock=clock)
        async with made.running():
            assert (await made.ask(NAME)).rcode == codes.NXDOMAIN
            text = made.process.registry.render().decode()
    sums = re.findall(r"^coredns_dns_request_duration_seconds_sum.* (.*)", text, re.MULTILINE)
    assert [float(each) for each in sums] == [pytest.approx(0.6)]
    assert len(upstream.asks) == 1


def denied(ask: Ask) -> Steps:
    """There is no such name, says the root."""
    return [ask.ident + b"\x81\x83\0\1\0\0\0\1\0\0" + ask.question + ROOT_SOA]


async def test_a_denial_is_asked_about_again_where_it_is_no_answer() -> None:
    async with FakeUpstream(denied) as one, FakeUpstream() as two:
        ports = f"127.0.0.1:{one.port} 127.0.0.1:{two.port}"
        made = House(f".:53 {{\nforward . {ports} {{\npolicy sequential\nfailover NXDOMAIN\n}}\n}}\n")
        async with made.running():
            assert made.service().takes is not None
            assert (await made.ask(NAME)).rcode == codes.NOERROR
    assert [len(each.asks) for each in (one, two)] == [1, 1]


async def test_a_denial_is_kept_by_the_memo_at_its_second_sight() -> None:
    async with FakeUpstream(denied) as upstream:
        made = house(upstream.port)
        async with made.running():
            for sight in (1, 2):
                assert (await made.ask(NAME)).authority[0].ttl == 60
                assert (made.service().hit(packet(NAME)) is not None) is (sight == 2)


async def test_an_upstream_that_fails_is_followed_by_the_next() -> None:
    async with FakeUpstream() as upstream:
        text = f".:53 {{\nforward . 127.0.0.1:{unused_port()} 127.0.0.1:{upstream.port} {{\npolicy sequential\n}}\n}}\n"
        made = House(text)
        async with made.running():
            assert (await made.ask(NAME)).rcode == codes.NOERROR
    assert len(upstream.asks) == 1


async def test_what_is_under_way_at_the_end_is_let_go() -> None:
    async with FakeUpstream(never) as upstream:
        made = house(upstream.port)
        ends = Ends()
        async with made.running():
            assert made.ask_now(packet(NAME), ends) is None
            await until(lambda: upstream.asks)
            (plain,) = made.service().waiting
            plain.abandon()
            assert plain not in made.service().waiting
        assert ends.replies == []


async def test_passengers_of_an_abandoned_exchange_ask_anew() -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as upstream:
        made = house(upstream.port)
        first, second = Ends(), Ends()
        async with made.running():
            made.ask_now(packet(NAME), first)
            made.ask_now(packet(NAME), second)
            await until(lambda: upstream.asks)
            (plain,) = [each for each in made.service().waiting if isinstance(each, PlainExchange)]
            plain.abandon()
            hold.set()
            await until(lambda: not made.service().waiting)
    assert [len(ends.replies) for ends in (first, second)] == [0, 1]


async def test_no_more_wait_than_may() -> None:
    async with FakeUpstream(never) as upstream:
        made = house(upstream.port)
        async with made.running():
            service = made.service()
            some = [made.ask_now(packet(f"{number}.example"), Ends()) for number in range(2)]
            assert some == [None, None]
            many = {object() for _ in range(MAX_WAITING)}
            service.waiting |= many  # type: ignore[arg-type]
            assert made.ask_now(packet("one.more.example"), Ends()) is None
            service.waiting -= many
            await until(lambda: len(upstream.asks) >= 2)
            assert len(service.waiting) == 2
            for each in tuple(service.waiting):
                each.abandon()


async def test_cached_as_by_the_chain() -> None:
    clock = Clock()
    async with FakeUpstream(lambda ask: [answer(ask, ttl=20)]) as upstream:
        made = house(upstream.port, clock=clock)
        async with made.running():
            first = await made.ask(NAME)
            clock.advance(5)
            second = await made.ask(NAME)
            again = read_message(made.service().hit(packet(NAME)) or b"")
    assert [message.answer[0].ttl for message in (first, second, again)] == [20, 15, 15]
    assert len(upstream.asks) == 1


async def test_what_hosts_may_know_one_day_is_forgotten_when_it_learns() -> None:
    hold, clock = asyncio.Event(), Clock()
    hold.set()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as upstream:
        text = f".:53 {{\ncache\nhosts {{\nfallthrough\n}}\nforward . 127.0.0.1:{upstream.port}\n}}\n"
        made = House(text, outside=process(clock))
        async with made.running():
            assert made.service().takes is not None
            shortcut = made.service().takes.__self__  # type: ignore[union-attr]
            key, *_ = shortcut.reads
            clock.advance(1)
            for asks in (1, 1):
                await made.ask(NAME)
                assert len(upstream.asks) == asks
            made.instance.forget([key])
            await made.ask(NAME)
            assert len(upstream.asks) == 1 + 1
            clock.advance(1)
            hold.clear()
            ends = Ends()
            made.ask_now(packet("other.example"), ends)
            await until(lambda: len(upstream.asks) == 3)
            made.instance.forget([key])
            hold.set()
            await ends.arrived.wait()
            await made.ask("other.example")
            assert len(upstream.asks) == 4


def of_this_round(served: House) -> list[PlainExchange]:
    """The plain questions under way, in the order in which they were asked."""
    plains = [each for each in served.service().waiting if isinstance(each, PlainExchange)]
    return sorted(plains, key=lambda plain: plain.began)


def with_address(plain: PlainExchange, last: int) -> bytes:
    size = {codes.A: 4, codes.AAAA: 16}[plain.asked.type]
    record = b"\xc0\x0c" + plain.asked.wire[-4:] + b"\0\0\0\x3c\0" + bytes((size,)) + bytes(size - 1) + bytes((last,))
    return plain.message[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + plain.asked.wire + record


def stores_of(served: House) -> list[Store]:
    """Those of all caches."""
    found: dict[int, Store] = {}
    for block in served.service()._dispatch.blocks:
        handler: object = block.chain
        while not isinstance(handler, Cache):
            handler = handler._next  # type: ignore[attr-defined]
        found |= {id(store): store for store in (handler._stores.success, handler._stores.denial)}
    return list(found.values())


async def test_of_two_replies_to_a_question_the_last_is_kept() -> None:
    clock = Clock()
    async with FakeUpstream(never) as upstream:
        served = house(upstream.port, clock=clock)
        async with served.running():
            for name in ("other.example", NAME, NAME):
                served.ask_now(packet(name), Ends())
                clock.advance(0.6)
            other, denied_first, last = of_this_round(served)
            other.finish(with_address(other, 1))
            denied_first.finish(b"\0\0\x81\x83\0\1\0\0\0\1\0\0" + denied_first.asked.wire + ROOT_SOA)
            last.finish(with_address(last, 2))
            await until(lambda: not served.service().waiting)
            kept = read_message(served.ask_now(packet(NAME), Ends()) or b"")
    assert [record.data[-1] for record in kept.answer] == [2]


async def test_replies_of_one_round_are_each_their_own() -> None:
    names = ("a.example", "bb.sub.example", "ccc.example", "dddd.sub.example")
    questions = [(name, rtype) for rtype in ("A", "AAAA") for name in names]
    async with FakeUpstream(never) as one, FakeUpstream(never) as two:
        ups = f"127.0.0.1:{one.port} 127.0.0.1:{two.port}"
        forward = f"forward . {ups} {{\npolicy round_robin\nmax_concurrent 8\n}}"
        blocks = f"{{\nprometheus 127.0.0.1:0\ncache\n{forward}\n}}\n"
        served = House("sub.example:53 .:53 " + blocks)
        async with served.running():
            ends = [Ends() for _ in questions]
            for number, (name, rtype) in enumerate(questions):
                family = served.service("udp", 1 + number // 2 % 2)
                assert family.miss(packet(name, rtype), ends[number]) is None
            waiting = [each for family in (1, 2) for each in served.service("udp", family).waiting]
            plains = [each for each in waiting if isinstance(each, PlainExchange)]
            for plain in plains:
                plain.finish(with_address(plain, len(plain.asked.name)))
            await until(lambda: all(each.replies for each in ends))
            assert not any(served.service("udp", family).waiting for family in (1, 2))
            for _ in range(2):  # as they came, and as they are kept
                for (name, rtype), end in zip(questions, ends, strict=True):
                    reply = read_message(
                        end.replies.pop() if end.replies else served.ask_now(packet(name, rtype), end) or b""
                    )
                    assert [record.data[-1] for record in reply.answer] == [len(name) + 2], name
            assert {each._forward._running.queries for each in plains} == {0}
            kept = [entry for store in stores_of(served) for entry in store.entries.values()]
            assert len(kept) == len(questions)
            assert all(entry.weight == entry.weigh() for entry in kept)
            text = served.process.registry.render().decode()
    counted = re.findall(r"^coredns_proxy_request_duration_seconds_count.* (.*)", text, re.MULTILINE)
    assert [float(each) for each in counted] == [4, 4]
    for zone, below in (("sub.example.", True), (".", False)):
        octets = 4 * sum(len(packet(name)) for name in names if ("sub" in name) is below)
        found = re.findall(rf'^coredns_dns_request_size_bytes_sum.*zone="{zone}"}} (.*)', text, re.MULTILINE)
        assert sum(float(each) for each in found) == octets
