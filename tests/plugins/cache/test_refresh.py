"""Asking anew: before the end of an entry, and after it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from kdns.chain.basis import Basis
from kdns.chain.query import Query
from kdns.plugins.cache.refresh import MAX_TASKS
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.chain import Chain, root_chain
from tests.kit.loop import run
from tests.kit.query import query
from tests.plugins.cache.upstream import (
    SOA,
    Gate,
    Seen,
    Upstream,
    denies,
    fails,
    figure,
    move,
    says,
    seen,
    seen_later,
    shown,
    times_out,
)

OLD, NEW = "www.example. 100 IN A 192.0.2.1", "www.example. 100 IN A 192.0.2.2"
OTHER = "www.example. 100 IN CNAME cdn.example."
WWW = "www.example"


def chain(options: str, *steps: Any) -> tuple[Chain, Upstream]:
    upstream = Upstream(*steps)
    return root_chain(f"cache {{\n{options}\n}}", behind=upstream), upstream


async def settled(cached: Chain) -> None:
    """Let background work come to its end."""
    await asyncio.gather(*(cached.wiring.tasks or ()))


def address(reply: Seen) -> str:
    """The last number of the address seen, or the code."""
    return reply.answer[-1].rpartition(".")[2] if reply.answer else reply.rcode


# prefetch


async def test_a_popular_entry_is_refreshed_before_its_end() -> None:
    cached, upstream = chain("prefetch 2 1m 20%", says(OLD), says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 60)
        seen(cached, WWW)
        move(cached, 19)
        assert seen(cached, WWW).ttls == {21}
        assert upstream.asked == 1
        move(cached, 1)
        assert seen(cached, WWW) == Seen("NOERROR", "aa,rd,ra", ["www.example. 20 IN A 192.0.2.1"], [], [], None)
        await settled(cached)
        assert upstream.asked == 2
        assert seen(cached, WWW).answer == ["www.example. 100 IN A 192.0.2.2"]
        assert figure(cached, "prefetch_total") == 1
        assert figure(cached, "hits_total", "success") == 4


@pytest.mark.parametrize(
    ("options", "ages", "asked"),
    [
        ("prefetch 1 1m", [89], 1),
        ("prefetch 1 1m", [90], 2),
        ("prefetch 1 1m 90%", [9], 1),
        ("prefetch 1 1m 90%", [10], 2),
        ("prefetch 3 1m", [91, 92], 1),
        ("prefetch 3 1m", [91, 92, 93], 2),
        ("prefetch 3 1m", [20, 40, 95], 2),
        ("prefetch 2 30s", [20, 95], 1),
        ("prefetch 2 30s", [20, 95, 96], 2),
        ("prefetch 0", [95, 96, 97], 1),
    ],
)
async def test_when_an_entry_is_refreshed(options: str, ages: list[int], asked: int) -> None:
    cached, upstream = chain(options, says(OLD))
    async with cached.running():
        seen(cached, WWW)
        for age in ages:
            cached.clock.now = 1000.0 + age
            seen(cached, WWW)
        await settled(cached)
        assert upstream.asked == asked


async def test_the_share_is_rounded_up() -> None:
    cached, upstream = chain("prefetch 1 1m 10%", says("www.example. 5 IN A 192.0.2.1"))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 4)
        seen(cached, WWW)
        await settled(cached)
        assert upstream.asked == 2


async def test_popularity_goes_over_to_the_new_entry() -> None:
    cached, upstream = chain("prefetch 3 1h", says(OLD))
    async with cached.running():
        for age in (0, 91, 92, 93):
            cached.clock.now = 1000.0 + age
            seen(cached, WWW)
        await settled(cached)
        assert upstream.asked == 2
        cached.clock.now = 1000.0 + 93 + 91
        seen(cached, WWW)
        await settled(cached)
        assert upstream.asked == 3


async def test_one_refresh_at_a_time() -> None:
    gate = Gate(says(NEW))
    cached, upstream = chain("prefetch 1", says(OLD), gate)
    async with cached.running():
        seen(cached, WWW)
        move(cached, 95)
        for _ in range(5):
            assert address(seen(cached, WWW)) == "1"
            await asyncio.sleep(0)
        assert upstream.asked == 2
        gate.open.set()
        await settled(cached)
        assert address(seen(cached, WWW)) == "2"
        assert figure(cached, "prefetch_total") == 1


async def test_the_background_query() -> None:
    cached, upstream = chain("prefetch 1", says(OLD))
    how: dict[str, Any] = {"edns": Edns(1232, codes.DO), "flags": codes.RD | codes.CD, "client": "192.0.2.77"}
    async with cached.running():
        seen(cached, WWW, **how)
        move(cached, 95)
        basis = Basis()
        trigger = query("WWW.example", basis=basis, **how)
        cached.answer(trigger)
        await settled(cached)
    background = upstream.queries[1]
    assert background.flags == codes.RD | codes.CD | codes.AD
    assert background.question == trigger.question
    assert (background.do, background.payload) == (True, 65535)
    assert background.transport == trigger.transport._replace(proto="tcp")
    assert background.basis is not basis
    assert background.client == ("0.0.0.0", 0)
    assert not basis.private


@pytest.mark.parametrize("step", [fails(), times_out(), denies(codes.REFUSED, soa=None)])
@pytest.mark.parametrize("options", ["prefetch 1", "prefetch 1\ndisable denial"])
async def test_a_failed_prefetch_leaves_the_entry(options: str, step: Any) -> None:
    cached, upstream = chain(options, says(OLD), step)
    async with cached.running():
        seen(cached, WWW)
        move(cached, 95)
        for _ in range(2):
            assert address(seen(cached, WWW)) == "1"
            await settled(cached)
        assert upstream.asked == 3


async def test_a_denial_found_by_prefetch_is_served_at_once() -> None:
    cached, _ = chain("prefetch 1", says(OLD), denies())
    async with cached.running():
        seen(cached, WWW)
        move(cached, 95)
        seen(cached, WWW)
        await settled(cached)
        assert seen(cached, WWW).rcode == "NXDOMAIN"


async def test_a_panic_in_the_background_ends_the_refresh() -> None:
    cached, upstream = chain("prefetch 1", says(OLD), RuntimeError("no"), says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 95)
        seen(cached, WWW)
        with pytest.raises(RuntimeError):
            await settled(cached)
        seen(cached, WWW)
        await settled(cached)
        assert upstream.asked == 3
        assert address(seen(cached, WWW)) == "2"


async def test_background_work_is_bounded() -> None:
    gate = Gate(lambda asked: says(OLD.replace(WWW, asked.text[:-1]))(asked))
    names = [f"n{n}.example" for n in range(MAX_TASKS + 3)]
    cached, upstream = chain("prefetch 1", gate)
    gate.open.set()
    async with cached.running():
        for each in names:
            seen(cached, each)
        move(cached, 95)
        gate.open.clear()
        upstream.steps = [gate]
        for each in names:
            assert seen(cached, each).ttls == {5}
        assert len(cached.wiring.tasks or ()) == MAX_TASKS
        gate.open.set()
        await settled(cached)
        for each in names:
            seen(cached, each)
        await settled(cached)
        assert figure(cached, "prefetch_total") == len(names)


# serve_stale immediate


async def test_stale_entries_are_served_at_once_and_refreshed() -> None:
    cached, upstream = chain("serve_stale", says(OLD), says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        assert seen(cached, WWW) == Seen("NOERROR", "aa,rd,ra", ["www.example. 0 IN A 192.0.2.1"], [], [], None)
        await settled(cached)
        assert seen(cached, WWW).answer == ["www.example. 100 IN A 192.0.2.2"]
        assert upstream.asked == 2
    assert figure(cached, "served_stale_total") == 1
    assert figure(cached, "prefetch_total") == 1
    assert figure(cached, "hits_total", "success") == 2
    assert figure(cached, "misses_total") == 1


@pytest.mark.parametrize(
    ("options", "age", "ttls", "stale"),
    [
        ("serve_stale 50s", 149.9, {0}, True),
        ("serve_stale 50s", 150, {100}, False),
        ("serve_stale 0", 100, {100}, False),
        ("serve_stale 1h immediate 30s", 3699, {30}, True),
        ("serve_stale 1h verify 0 30s", 3699, {30}, True),
        ("serve_stale\nkeepttl", 3699, {100}, True),
        ("serve_stale 1h immediate 30s\nkeepttl", 3699, {30}, True),
    ],
)
async def test_for_how_long_and_with_which_ttl(options: str, age: float, ttls: set[int], stale: bool) -> None:
    cached, _ = chain(options, says(OLD), times_out())
    async with cached.running():
        seen(cached, WWW)
        move(cached, age)
        basis = Basis()
        if stale:
            assert seen(cached, WWW, basis=basis).ttls == ttls
        else:
            assert cached.ask(WWW, basis=basis).rcode == codes.SERVFAIL
        assert basis.fleeting
        assert figure(cached, "served_stale_total") == stale


@pytest.mark.parametrize(
    ("step", "edns", "options"),
    [
        (says(OLD), None, None),
        (says(OLD), Edns(1232), (Option(codes.EDE, b"\0\3"),)),
        (denies(), Edns(1232), (Option(codes.EDE, b"\0\x13"),)),
        (denies(codes.NOERROR), Edns(1232), (Option(codes.EDE, b"\0\3"),)),
    ],
)
async def test_stale_answers_are_marked_for_edns_clients(step: Any, edns: Edns | None, options: Any) -> None:
    cached, _ = chain("serve_stale", step, times_out())
    async with cached.running():
        seen(cached, WWW, edns=edns)
        assert seen(cached, WWW, edns=edns).edns == edns
        move(cached, 600)
        stale = seen(cached, WWW, edns=edns).edns
        assert (stale.options if stale else None) == options


FAILURES = [fails(), fails(codes.REFUSED), fails(codes.NOTIMP), times_out(), says(NEW, flags=codes.TC)]


@pytest.mark.parametrize("mode", ["immediate", "verify"])
@pytest.mark.parametrize("policy", ["", "\nserve_stale_policy prefer_positive"])
@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("kept", [says(OLD), denies()])
async def test_failures_never_take_the_place_of_a_stale_entry(mode: str, policy: str, failure: Any, kept: Any) -> None:
    cached, upstream = chain(f"serve_stale 1h {mode}{policy}", kept, failure)
    async with cached.running():
        first = seen(cached, WWW)
        move(cached, 300)
        for n in range(3):
            again = await seen_later(cached, WWW)
            assert (again.rcode, address(again)) == (first.rcode, address(first))
            await settled(cached)
            if not policy:
                assert upstream.asked == n + 2
            move(cached, 10)


async def test_hammering_a_stale_entry_still_finds_the_new_answer() -> None:
    cached, upstream = chain("serve_stale", denies(), *[times_out()] * 3, says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 400)
        replies = []
        for _ in range(20):
            replies.append(address(seen(cached, WWW)))
            await asyncio.sleep(0)
        await settled(cached)
        assert replies[-1] == "2"
        assert upstream.asked == 5


async def test_no_attempt_too_soon_after_a_failure() -> None:
    cached, upstream = chain("serve_stale 1h immediate 0 30s", says(OLD), fails(), fails(), says(NEW))
    async with cached.running():
        seen(cached, WWW)
        for age, asked in [(100, 2), (110, 2), (129.9, 2), (130, 3), (159, 3), (160, 4)]:
            cached.clock.now = 1000.0 + age
            assert address(seen(cached, WWW)) == "1"
            await settled(cached)
            assert upstream.asked == asked
        assert address(seen(cached, WWW)) == "2"
        assert figure(cached, "served_stale_total") == 6


async def test_a_name_that_is_gone_is_gone() -> None:
    cached, _ = chain("serve_stale", says(OLD), denies())
    async with cached.running():
        seen(cached, WWW)
        move(cached, 101)
        assert address(seen(cached, WWW)) == "1"
        await settled(cached)
        for age in (0, 299, 300):
            cached.clock.now = 1101.0 + age
            assert seen(cached, WWW).rcode == "NXDOMAIN"
            await settled(cached)


async def test_a_name_that_is_gone_is_gone_where_denials_are_not_kept() -> None:
    cached, _ = chain("serve_stale\ndisable denial", says(OLD), denies())
    async with cached.running():
        seen(cached, WWW)
        move(cached, 101)
        seen(cached, WWW)
        await settled(cached)
        assert seen(cached, WWW).rcode == "NXDOMAIN"
        assert figure(cached, "misses_total") == 2


async def test_what_has_become_lasting_is_no_longer_served_stale() -> None:
    def lasting(asked: Query) -> Any:
        asked.basis.fleeting = False
        return says(NEW)(asked)

    cached, _ = chain("serve_stale", says(OLD), lasting)
    async with cached.running():
        seen(cached, WWW)
        move(cached, 101)
        assert address(seen(cached, WWW)) == "1"
        await settled(cached)
        assert seen(cached, WWW) == Seen("NOERROR", "rd,ra", [NEW], [], [], None)


# serve_stale verify


async def test_verify_asks_first() -> None:
    cached, upstream = chain("serve_stale 1h verify", says(OLD), says(NEW), times_out())
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        assert seen(cached, WWW) == Seen("NOERROR", "rd,ra", ["www.example. 100 IN A 192.0.2.2"], [], [], None)
        assert seen(cached, WWW).flags == "aa,rd,ra"
        assert upstream.asked == 2
        move(cached, 100)
        assert seen(cached, WWW) == Seen("NOERROR", "aa,rd,ra", ["www.example. 0 IN A 192.0.2.2"], [], [], None)
    assert figure(cached, "served_stale_total") == 1
    assert figure(cached, "prefetch_total") == 0
    assert figure(cached, "hits_total", "success") == 3


@pytest.mark.parametrize(
    ("step", "shown"),
    [
        (says(NEW), "2"),
        (denies(), "NXDOMAIN"),
        (denies(soa=None), "NXDOMAIN"),
        (denies(codes.NOERROR), "NOERROR"),
        (says(), "NOERROR"),
        (says(authority=["example. 900 IN NS ns.example."]), "NOERROR"),
        (says(OTHER), "cdn.example."),
        (says(NEW, rcode=codes.NXDOMAIN, authority=[SOA]), "1"),
        (says(rcode=codes.REFUSED), "1"),
        (says(rcode=codes.FORMERR), "1"),
        (fails(), "1"),
    ],
)
async def test_what_verify_sends_on(step: Any, shown: str) -> None:
    cached, _ = chain("serve_stale 1h verify", says(OLD), step)
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        reply = seen(cached, WWW)
        assert (reply.answer[-1].split()[-1] if shown.startswith("cdn") else address(reply)) == shown


async def test_a_reply_to_another_question_verifies_nothing() -> None:
    cached, _ = chain("serve_stale 1h verify", says(OLD), lambda asked: says(NEW)(asked.asking(b"\4evil\0")))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        assert address(seen(cached, WWW)) == "1"


async def test_without_a_recheck_everybody_verifies() -> None:
    gate = Gate(says(NEW))
    cached, upstream = chain("serve_stale 1h verify", says(OLD), gate)
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        waiting = [asyncio.ensure_future(seen_later(cached, WWW)) for _ in range(3)]
        await asyncio.sleep(0)
        assert upstream.asked == 4
        gate.open.set()
        assert [address(reply) for reply in await asyncio.gather(*waiting)] == ["2"] * 3


async def test_with_a_recheck_others_get_the_stale_entry() -> None:
    gate = Gate(fails())
    cached, upstream = chain("serve_stale 1h verify 0 5s 30s", says(OLD), gate, says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        first = asyncio.ensure_future(seen_later(cached, WWW))
        await asyncio.sleep(0)
        assert seen(cached, WWW).ttls == {5}
        gate.open.set()
        assert address(await first) == "1"
        move(cached, 29)
        assert address(seen(cached, WWW)) == "1"
        assert upstream.asked == 2
        move(cached, 1)
        assert address(seen(cached, WWW)) == "2"
        assert upstream.asked == 3


async def test_a_client_that_goes_away_ends_its_verification() -> None:
    gate = Gate(says(NEW))
    cached, upstream = chain("serve_stale 1h verify 0 0 30s", says(OLD), gate, says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        waiting = asyncio.ensure_future(seen_later(cached, WWW))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert address(seen(cached, WWW)) == "1"
        move(cached, 30)
        assert address(seen(cached, WWW)) == "2"
        assert upstream.asked == 3


# serve_stale verify, with a timeout


def in_time(options: str, *steps: Any) -> Callable[[Any], None]:
    """Run a story on a loop whose time passes by itself, with a chain whose entry is stale."""

    def tell(story: Any) -> None:
        async def main() -> None:
            cached, upstream = chain(options, says(OLD), *steps)
            async with cached.running():
                seen(cached, WWW)
                move(cached, 100)
                await story(cached, upstream)

        run(main())

    return tell


def test_a_verification_in_time_is_served_as_a_hit() -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        reply = await seen_later(cached, WWW)
        assert reply == Seen("NOERROR", "aa,rd,ra", ["www.example. 100 IN A 192.0.2.2"], [], [], None)
        assert asyncio.get_running_loop().time() == 0
        assert upstream.queries[1].transport.proto == "udp"
        assert upstream.queries[1].flags & codes.AD
        assert figure(cached, "served_stale_total") == 0
        assert figure(cached, "prefetch_total") == 0

    in_time("serve_stale 1h verify 100ms", says(NEW))(story)


def test_a_late_verification_is_kept_for_the_next() -> None:
    gate = Gate(says(NEW))

    async def story(cached: Chain, upstream: Upstream) -> None:
        assert address(await seen_later(cached, WWW)) == "1"
        assert asyncio.get_running_loop().time() == pytest.approx(0.1)
        assert figure(cached, "served_stale_total") == 1
        gate.open.set()
        await settled(cached)
        assert address(seen(cached, WWW)) == "2"
        assert upstream.asked == 2

    in_time("serve_stale 1h verify 100ms", gate)(story)


def test_a_verification_needs_no_task_of_the_client() -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        asked = query(WWW)
        work: Any = cached.top.answer(asked)
        future = work.send(None)
        future._asyncio_future_blocking = False
        await settled(cached)
        assert future.done()
        with pytest.raises(StopIteration) as end:
            work.send(None)
        assert address(shown(asked, end.value.value)) == "2"

    in_time("serve_stale 1h verify 100ms", says(NEW))(story)


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_verification_is_not_waited_for(failure: Any) -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        assert address(await seen_later(cached, WWW)) == "1"
        assert asyncio.get_running_loop().time() == 0
        assert upstream.asked == 2

    in_time("serve_stale 1h verify 100ms", failure)(story)


def test_the_recheck_holds_for_late_failures_too() -> None:
    gate = Gate(fails())

    async def story(cached: Chain, upstream: Upstream) -> None:
        for _ in range(2):
            assert address(await seen_later(cached, WWW)) == "1"
        gate.open.set()
        await settled(cached)
        move(cached, 29)
        assert address(await seen_later(cached, WWW)) == "1"
        assert upstream.asked == 2
        move(cached, 1)
        assert address(await seen_later(cached, WWW)) == "2"

    in_time("serve_stale 1h verify 100ms 5s 30s", gate, says(NEW))(story)


def test_a_verification_that_is_not_kept_is_served_as_it_is() -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        assert (await seen_later(cached, WWW)).flags == "rd,ra"

    in_time("serve_stale 1h verify 100ms", denies(soa=None))(story)


def test_a_panic_in_a_verification_serves_the_stale_entry() -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        assert address(await seen_later(cached, WWW)) == "1"
        assert address(await seen_later(cached, WWW)) == "2"

    in_time("serve_stale 1h verify 100ms", RuntimeError("no"), says(NEW))(story)


def test_verifications_are_bounded() -> None:
    gate = Gate(says(NEW))

    async def story(cached: Chain, upstream: Upstream) -> None:
        waiting = [asyncio.ensure_future(seen_later(cached, WWW)) for _ in range(MAX_TASKS)]
        await asyncio.sleep(0)
        assert address(seen(cached, WWW)) == "1"
        assert upstream.asked <= 1 + MAX_TASKS
        gate.open.set()
        await asyncio.gather(*waiting)
        move(cached, 100)
        assert (await seen_later(cached, WWW)).ttls == {100}

    in_time("serve_stale 1h verify 100ms", gate, *[says(NEW)] * MAX_TASKS)(story)


def test_keepttl_holds_for_verified_answers() -> None:
    async def story(cached: Chain, upstream: Upstream) -> None:
        assert (await seen_later(cached, WWW)).ttls == {100}

    in_time("serve_stale 1h verify 100ms\nkeepttl", says(NEW))(story)


# prefer_positive

POLICY = "\nserve_stale_policy prefer_positive"
EMPTY = says()
REFERRAL = says(authority=["example. 900 IN NS ns.example."])


@pytest.mark.parametrize("step", [denies(), denies(codes.NOERROR), EMPTY, REFERRAL, says(OTHER), fails()])
@pytest.mark.parametrize("mode", ["immediate", "verify"])
async def test_only_an_answer_takes_the_place_of_an_answer(step: Any, mode: str) -> None:
    cached, upstream = chain(f"serve_stale 1h {mode}{POLICY}", says(OLD), step, step, says(NEW))
    async with cached.running():
        seen(cached, WWW)
        move(cached, 100)
        replies = []
        for _ in range(4):
            replies.append(address(await seen_later(cached, WWW)))
            await settled(cached)
        assert replies == (["1", "1", "1", "2"] if mode == "immediate" else ["1", "1", "2", "2"])
        assert upstream.asked == 4


async def test_the_preference_ends_with_the_stale_time() -> None:
    cached, _ = chain(f"serve_stale 1h verify{POLICY}", says(OLD), denies())
    async with cached.running():
        seen(cached, WWW)
        move(cached, 3699)
        assert address(seen(cached, WWW)) == "1"
        move(cached, 1)
        assert address(seen(cached, WWW)) == "NXDOMAIN"


async def test_a_refused_refresh_counts_as_failed() -> None:
    cached, upstream = chain(f"serve_stale 1h immediate 0 30s{POLICY}", says(OLD), denies())
    async with cached.running():
        seen(cached, WWW)
        for age, asked in [(100, 2), (129, 2), (130, 3)]:
            cached.clock.now = 1000.0 + age
            assert address(seen(cached, WWW)) == "1"
            await settled(cached)
            assert upstream.asked == asked


async def test_denials_are_kept_where_there_is_no_answer() -> None:
    cached, upstream = chain(f"serve_stale 1h verify{POLICY}", denies())
    for _ in range(2):
        assert seen(cached, WWW).rcode == "NXDOMAIN"
    assert upstream.asked == 1


@pytest.mark.parametrize(
    "mode", ["immediate", "immediate 30s 30s", "verify", "verify 0 30s 30s", "verify 100ms", "verify 100ms 30s 30s"]
)
@pytest.mark.parametrize("policy", ["", POLICY])
def test_good_then_failing_then_denying_then_good(mode: str, policy: str) -> None:
    """Row 8 of the needs: clients are never worse off than without, and new answers arrive."""
    steps = [says(OLD), fails(), times_out(), denies(), says(NEW), says(NEW)]

    async def main() -> None:
        cached, upstream = chain(f"serve_stale 1h {mode}{policy}", *steps)
        replies = []
        async with cached.running():
            for _ in range(8):
                replies.append(address(await seen_later(cached, WWW)))
                await settled(cached)
                move(cached, 301)
        assert replies[:3] == ["1", "1", "1"]
        assert replies[-1] == "2"
        assert ("NXDOMAIN" in replies) is (not policy)
        assert upstream.asked >= 6

    run(main())
