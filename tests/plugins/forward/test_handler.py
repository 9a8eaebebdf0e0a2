"""Which queries are forwarded, how many at a time, and which share an exchange."""

import asyncio
from typing import Any

import pytest

from kdns.chain.answer import refuse
from kdns.chain.basis import Basis
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.chain import Next, root_chain
from tests.kit.house import House, packet
from tests.kit.loop import run
from tests.kit.query import query
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, always, answer, never, unused_port
from tests.plugins.forward.chains import LoopClock, forward, forwarding

NEXT = refuse(codes.REFUSED, "next")


@pytest.mark.parametrize(
    ("zone", "excepted", "asked", "forwarded"),
    [
        (".", "", "www.example", True),
        (".", "", ".", True),
        ("example.org", "", "example.org", True),
        ("example.org", "", "WWW.Example.ORG", True),
        ("example.org", "", "example.com", False),
        ("example.org", "", "notexample.org", False),
        ("example.org", "", "org", False),
        (".", "example.org", "example.com", True),
        (".", "example.org", "example.org", False),
        (".", "example.org", "www.EXAMPLE.org", False),
        (".", "example.org", "notexample.org", True),
        (".", "a.example b.example", "x.b.example", False),
        ("example.org", "a.example.org", "a.example.org", False),
        ("example.org", "a.example.org", "b.example.org", True),
        ("example.org", "example.org", "example.org", True),
        ("example.org", "example.org", "www.example.org", False),
        (".", ".", ".", True),
        (".", ".", "example.org", False),
        ("10.0.0.0/8", "", "1.2.3.10.in-addr.arpa", True),
        ("10.0.0.0/8", "", "1.2.3.11.in-addr.arpa", False),
    ],
)
def test_scope(zone: str, excepted: str, asked: str, forwarded: bool) -> None:
    async def main() -> None:
        async with FakeUpstream() as a:
            options = f"except {excepted}" if excepted else ""
            chain = root_chain(forward(a, zone=zone, options=options), clock=LoopClock(), behind=Next(NEXT))
            async with chain.running():
                got = await chain.asked(asked)
            assert (got is not NEXT) is forwarded
            assert len(a.asks) == forwarded

    run(main())


def test_several_are_asked_in_the_order_of_the_file() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, FakeUpstream() as b:
            text = f"{forward(a, zone='lab.example')}\n{forward(b, zone='example')}"
            chain = root_chain(text, clock=LoopClock(), behind=Next(NEXT))
            async with chain.running():
                await chain.asked("www.lab.example")
                await chain.asked("www.example")
                assert await chain.asked("www.other") is NEXT
            assert [ask.question[:4] for ask in (*a.asks, *b.asks)] == [b"\3www"] * 2
            assert (len(a.asks), len(b.asks)) == (1, 1)

    run(main())


def test_what_is_not_forwarded_does_not_rest_on_an_upstream() -> None:
    chain = root_chain("forward example.org 127.0.0.1", behind=Next(NEXT))
    assert not chain.basis_of("www.example.com").fleeting


def test_every_class_is_taken() -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: []) as a, forwarding(a) as chain:
            assert chain.site.listen.any_class
            asking = asyncio.ensure_future(chain.asked("version.bind", "TXT", cls=codes.CH))
            await asyncio.sleep(0.1)
            assert a.asks[0].question.endswith(b"\0\x10\0\3")
            asking.cancel()

    run(main())


def test_max_concurrent() -> None:
    async def main() -> None:
        hold = asyncio.Event()
        async with (
            FakeUpstream(lambda ask: [hold, answer(ask)]) as a,
            forwarding(a, options="max_concurrent 3") as chain,
        ):
            asking = [asyncio.ensure_future(chain.asked(f"{n}.example")) for n in range(3)]
            await asyncio.sleep(0.1)
            basis = Basis()
            got = await chain.asked("other.example", basis=basis)
            assert (got.rcode, got.written) == (codes.REFUSED, False)
            assert got.error == "concurrent queries exceeded maximum 3"
            assert basis.fleeting
            assert chain.registry.value("coredns_forward_max_concurrent_rejects_total") == 1
            hold.set()
            assert [each.rcode for each in await asyncio.gather(*asking)] == [codes.NOERROR] * 3
            assert (await chain.asked("other.example")).rcode == codes.NOERROR
            assert chain.registry.value("coredns_forward_max_concurrent_rejects_total") == 1

    run(main())


def test_clients_that_share_an_exchange_count_each() -> None:
    async def main() -> None:
        hold = asyncio.Event()
        async with (
            FakeUpstream(lambda ask: [hold, answer(ask)]) as a,
            forwarding(a, options="max_concurrent 2") as chain,
        ):
            asking = [asyncio.ensure_future(chain.asked("www.example")) for _ in range(3)]
            await asyncio.sleep(0.1)
            hold.set()
            rcodes = [each.rcode for each in await asyncio.gather(*asking)]
            assert rcodes == [codes.NOERROR, codes.NOERROR, codes.REFUSED]

    run(main())


def test_a_query_that_is_given_up_does_not_count() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options="max_concurrent 1") as chain:
            for _ in range(5):
                work = chain.top.answer(query("www.example"))
                work.send(None)
                work.close()
            a.script = always
            assert (await chain.asked("www.example")).rcode == codes.NOERROR

    run(main())


def test_identical_questions_are_asked_once() -> None:
    async def main() -> None:
        hold = asyncio.Event()
        async with FakeUpstream(lambda ask: [hold, answer(ask)]) as a, forwarding(a) as chain:
            bases = [Basis() for _ in range(50)]
            asking = [
                asyncio.ensure_future(
                    chain.asked("www.example", basis=basis, client=f"192.0.2.{n}", ident=bytes((n, n)))
                )
                for n, basis in enumerate(bases)
            ]
            await asyncio.sleep(0.1)
            assert len(a.asks) == 1
            hold.set()
            got = await asyncio.gather(*asking)
            assert {each.answer[0].data for each in got} == {b"\xc0\0\2\1"}
            assert all(basis.fleeting and not basis.private for basis in bases)
            await chain.asked("www.example")
            assert len(a.asks) == 2

    run(main())


@pytest.mark.parametrize(
    "other",
    [
        {"name": "WWW.example"},
        {"name": "other.example"},
        {"rtype": "AAAA"},
        {"cls": codes.CH},
        {"proto": "tcp"},
        {"flags": codes.RD | codes.CD},
        {"flags": codes.RD | codes.AD},
        {"flags": 0},
        {"edns": Edns(1232)},
        {"edns": Edns(1232, codes.DO)},
        {"edns": Edns(1232, 0, (Option(8, b"\0\1\x18\0\xc0\0\2"),))},
    ],
)
def test_different_questions_are_not(other: dict[str, Any]) -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: [0.1, answer(ask)]) as a, forwarding(a) as chain:
            asked = {"name": "www.example", "rtype": "A"}
            await asyncio.gather(chain.asked(**asked), chain.asked(**(asked | other)), return_exceptions=True)
            assert len(a.asks) >= 2

    run(main())


def test_two_directives_do_not_share() -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: [0.1, answer(ask)]) as a:
            text = f"{forward(a, zone='example', options='next NOERROR')}\n{forward(a)}"
            chain = root_chain(text, clock=LoopClock())
            async with chain.running():
                got = await asyncio.gather(chain.asked("www.example"), chain.asked("www.example"))
            assert [each.rcode for each in got] == [codes.NOERROR] * 2
            assert len(a.asks) == 2  # once by each directive

    run(main())


def test_all_who_share_are_told_of_a_failure() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options="max_fails 0") as chain:
            got = await asyncio.gather(*[chain.asked("www.example") for _ in range(5)])
            assert {each.rcode for each in got} == {codes.SERVFAIL}
            assert all(each.error is not None and each.error.endswith("i/o timeout") for each in got)
            assert len(a.asks) == 2

    run(main())


def test_a_client_that_asks_again_later_has_it_sent_again() -> None:
    async def main() -> None:
        lost = True

        def script(ask: Ask) -> Steps:
            nonlocal lost
            steps, lost = ([] if lost else [answer(ask)]), False
            return steps

        async with FakeUpstream(script) as a, forwarding(a) as chain:
            first = asyncio.ensure_future(chain.asked("www.example"))
            await asyncio.sleep(0.4)
            second = asyncio.ensure_future(chain.asked("www.example"))
            await asyncio.sleep(0.05)
            assert len(a.asks) == 1
            await asyncio.sleep(0.1)
            began = asyncio.get_running_loop().time()
            assert (await chain.asked("www.example")).rcode == codes.NOERROR
            assert asyncio.get_running_loop().time() - began < 0.1
            await asyncio.gather(first, second)

    run(main())


@pytest.mark.parametrize("by_hand", [True, False])
def test_when_who_asked_goes_away_another_asks(by_hand: bool) -> None:
    async def main() -> None:
        hold = asyncio.Event()
        async with FakeUpstream(lambda ask: [hold, answer(ask)]) as a, forwarding(a) as chain:
            if by_hand:
                work = chain.top.answer(query("www.example"))
                work.send(None)
            else:
                task = asyncio.ensure_future(chain.asked("www.example"))
            await asyncio.sleep(0)
            others = [asyncio.ensure_future(chain.asked("www.example")) for _ in range(3)]
            await asyncio.sleep(0.01)
            assert len(a.asks) == 1
            if by_hand:
                work.close()
            else:
                task.cancel()
            await asyncio.sleep(0.01)
            assert len(a.asks) == 2
            hold.set()
            assert [each.rcode for each in await asyncio.gather(*others)] == [codes.NOERROR] * 3

    run(main())


def test_hinfo_is_asked_each_time_for_the_sake_of_loops() -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: [0.1, answer(ask)]) as a, forwarding(a) as chain:
            await asyncio.gather(chain.asked("1.2.example", "HINFO"), chain.asked("1.2.example", "HINFO"))
            assert len(a.asks) == 2

    run(main())


def test_options_that_no_message_can_hold_are_not_sent() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a) as chain:
            got = await chain.asked("www.example", edns=Edns(1232, 0, (Option(65001, bytes(65535)),)), proto="tcp")
            assert (got.rcode, got.written) == (codes.FORMERR, False)
            assert a.asks == []

    run(main())


@pytest.mark.parametrize("edns", [None, Edns(1232)])
@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
async def test_through_the_whole_server(edns: Edns | None) -> None:
    async with FakeUpstream() as a:
        house = House(f".:53 {{\n errors\n {forward(a)}\n}}\n")
        async with house.running():
            got = await house.ask("WwW.Example", edns=edns)
            assert (got.rcode, got.flags & codes.RA, got.id) == (codes.NOERROR, codes.RA, 0x1234)
            assert got.question is not None
            assert got.question.name == b"\3WwW\7Example\0"
            assert [each.data for each in got.answer] == [b"\xc0\0\2\1"]
            assert (got.edns is None) is (edns is None)


@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
async def test_clients_that_share_have_their_own_reply() -> None:
    hold = asyncio.Event()
    async with FakeUpstream(lambda ask: [hold, answer(ask)]) as a:
        house = House(f".:53 {{\n {forward(a)}\n}}\n")
        async with house.running():
            asking = [
                asyncio.ensure_future(house.ask_raw(packet("www.example", ident=n), client=f"192.0.2.{n}"))
                for n in range(1, 9)
            ]
            await until(lambda: len(house.service().waiting) == 8)
            hold.set()
            replies = await asyncio.gather(*asking)
            assert [int.from_bytes((each or b"")[:2], "big") for each in replies] == list(range(1, 9))
            assert len(a.asks) == 1


@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
async def test_an_instance_that_is_abandoned_leaves_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async with FakeUpstream(never) as a:
        house = House(f".:53 {{\n {forward(a)}\n}}\n")
        await house.instance.start()
        asking = [asyncio.ensure_future(house.ask_raw(packet(each), patience=0.2)) for each in ("a.b", "a.b", "c.d")]
        await until(lambda: len(house.service().waiting) == 3)
        house.instance.abandon()
        assert await asyncio.gather(*asking) == [None] * 3
        assert caplog.records == []
        assert house.process.registry.value("coredns_panics_total") == 0


def test_a_port_that_cannot_be_reached_is_an_answer_too() -> None:
    async def main() -> None:
        async with forwarding(unused_port()) as chain:
            assert (await chain.asked("www.example")).rcode == codes.SERVFAIL

    run(main())
