"""Who is asked, how often, for how long, and what becomes of the replies."""

import asyncio
import gc
from collections.abc import Callable

import pytest

from kdns.chain.answer import Answer, refuse
from kdns.net.failures import UpstreamError
from kdns.plugins.forward.group import BUDGET, PAUSE
from kdns.wire import codes, name
from kdns.wire.edns import Edns, Option, opt_record
from tests.kit.chain import Next, root_chain
from tests.kit.loop import run
from tests.kit.query import query
from tests.kit.upstream import Ask, FakeUpstream, Steps, always, answer, never, reply, unused_port
from tests.plugins.forward.chains import LoopClock, forward, forwarding

SERVFAIL, NXDOMAIN, REFUSED = 0x8182, 0x8183, 0x8185


def says(flags: int) -> Callable[[Ask], Steps]:
    """A script that replies with these flags and no records."""
    return lambda ask: [reply(ask, flags=flags)]


def address(text: str) -> Callable[[Ask], Steps]:
    """A script that replies with an address."""
    return lambda ask: [answer(ask, text)]


def told(got: Answer) -> str:
    """The last octet of the first address of an answer, which tells who replied."""
    return str(got.answer[0].data[-1])


def test_the_reply_is_passed_on() -> None:
    def script(ask: Ask) -> Steps:
        return [answer(ask)[:2] + b"\x85\xb0" + answer(ask)[4:]]

    async def main() -> None:
        async with FakeUpstream(script) as upstream, forwarding(upstream) as chain:
            got = await chain.asked("WWW.Example", "A")
            assert got.written
            assert got.error is None
            assert got.rcode == codes.NOERROR
            assert got.flags == codes.AA | codes.RA | codes.AD
            assert [(each.owner, each.data, each.ttl) for each in got.answer] == [
                (name.from_text("WWW.Example"), b"\xc0\0\2\1", 300)
            ]
            assert upstream.asks[0].question == name.from_text("WWW.Example") + b"\0\1\0\1"

    run(main())


def test_an_answer_that_rests_on_an_upstream_is_never_kept() -> None:
    async def main() -> None:
        async with FakeUpstream() as upstream, forwarding(upstream) as chain:
            asked = query("www.example")
            await chain.top.answer(asked)
            assert asked.basis.fleeting

    run(main())


def test_options_of_the_upstream_reach_the_client_but_for_those_of_the_hop() -> None:
    options = (Option(codes.COOKIE, bytes(16)), Option(codes.EDE, b"\0\x16"), Option(codes.KEEPALIVE, b"\0\1"))

    def script(ask: Ask) -> Steps:
        plain = reply(ask)
        return [plain[:11] + b"\1" + plain[12:] + opt_record(1232, 0, options)]

    async def main() -> None:
        async with FakeUpstream(script) as upstream, forwarding(upstream) as chain:
            got = await chain.asked("www.example", edns=Edns(1232))
            assert got.options == (Option(codes.EDE, b"\0\x16"),)
            assert got.relay is not None

    run(main())


@pytest.mark.parametrize(
    ("policy", "firsts"),
    [("sequential", "111111"), ("round_robin", "231231")],
)
def test_policies(policy: str, firsts: str) -> None:
    async def main() -> None:
        scripts = [address(f"192.0.2.{n}") for n in (1, 2, 3)]
        async with (
            FakeUpstream(scripts[0]) as a,
            FakeUpstream(scripts[1]) as b,
            FakeUpstream(scripts[2]) as c,
            forwarding(a, b, c, options=f"policy {policy}") as chain,
        ):
            assert "".join([told(await chain.asked(f"{n}.example")) for n in range(6)]) == firsts

    run(main())


def test_by_default_all_upstreams_get_their_share() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, FakeUpstream() as b, FakeUpstream() as c, forwarding(a, b, c) as chain:
            for n in range(300):
                await chain.asked(f"{n}.example")
            assert all(60 < len(each.asks) < 140 for each in (a, b, c))

    run(main())


def test_one_silent_upstream_is_servfail_after_four_seconds() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with FakeUpstream(never) as upstream, forwarding(upstream, options="max_fails 0") as chain:
            began = loop.time()
            got = await chain.asked("www.example")
            assert 4.0 <= loop.time() - began <= 4.3
            assert len(upstream.asks) == 2
            assert (got.rcode, got.written) == (codes.SERVFAIL, False)
            assert got.error is not None
            assert got.error.startswith("read udp 127.0.0.1:")
            assert got.error.endswith(f"->127.0.0.1:{upstream.port}: i/o timeout")

    run(main())


def test_two_silent_upstreams_are_servfail_after_six_seconds() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with (
            FakeUpstream(never) as a,
            FakeUpstream(never) as b,
            forwarding(a, b, options="max_fails 0\npolicy sequential") as chain,
        ):
            began = loop.time()
            assert (await chain.asked("www.example")).rcode == codes.SERVFAIL
            assert 6.0 <= loop.time() - began <= 6.4
            assert (len(a.asks), len(b.asks)) == (2, 1)

    run(main())


def test_read_timeout() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        options = "max_fails 0\nread_timeout 500ms"
        async with FakeUpstream(never) as upstream, forwarding(upstream, options=options) as chain:
            began = loop.time()
            await chain.asked("www.example")
            assert 1.0 <= loop.time() - began <= 1.3

    run(main())


@pytest.mark.parametrize("tcp", [False, True])
def test_a_refused_connection_is_servfail_at_once(tcp: bool) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        port = unused_port()
        async with forwarding(port, options="max_fails 0" + "\nforce_tcp" * tcp) as chain:
            began = loop.time()
            got = await chain.asked("www.example")
            assert loop.time() - began < 0.1
            assert got.error is not None
            assert got.error.endswith("connection refused")
            assert got.error.startswith(f"dial tcp 127.0.0.1:{port}: " if tcp else "read udp 127.0.0.1:")

    run(main())


@pytest.mark.parametrize("tcp", [False, True])
def test_failures_are_not_left_to_the_collector(tcp: bool) -> None:
    async def main() -> None:
        async with forwarding(unused_port(), options="max_fails 0" + "\nforce_tcp" * tcp) as chain:
            for number in range(3):
                assert (await chain.asked(f"www{number}.example")).error is not None
            await asyncio.sleep(0)  # the loop lets go of what it called last
            assert [error for error in errors() if error not in before] == []

    def errors() -> list[UpstreamError]:
        return [each for each in gc.get_objects() if isinstance(each, UpstreamError)]

    gc.collect()
    before = errors()
    gc.disable()
    try:
        run(main())
    finally:
        gc.enable()


def test_the_next_upstream_is_asked_when_one_fails() -> None:
    async def main() -> None:
        options = "policy sequential"
        async with (
            FakeUpstream(address("192.0.2.2")) as good,
            forwarding(unused_port(), good, options=options) as chain,
        ):
            got = await chain.asked("www.example")
            assert told(got) == "2"
            assert got.error is None

    run(main())


def test_as_many_attempts_as_configured() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        options = "max_fails 0\nread_timeout 100ms\nmax_connect_attempts 3"
        async with FakeUpstream(never) as upstream, forwarding(upstream, options=options) as chain:
            assert (await chain.asked("www.example")).rcode == codes.SERVFAIL
            assert len(upstream.asks) == 3
            assert loop.time() < 1

    run(main())


def test_any_number_of_attempts_ends_with_the_time_and_does_not_spin() -> None:
    async def main() -> None:
        loop, port = asyncio.get_running_loop(), unused_port()
        async with forwarding(port, options="max_fails 0\nmax_connect_attempts 0") as chain:
            began = loop.time()
            assert (await chain.asked("www.example")).rcode == codes.SERVFAIL
            assert BUDGET <= loop.time() - began <= BUDGET + 2 * PAUSE
        labels = ("forward", f"127.0.0.1:{port}", "udp")
        sent = [chain.registry.value(f"coredns_proxy_conn_cache_{each}_total", *labels) for each in ("hits", "misses")]
        assert 40 < sum(sent) < 60

    run(main())


def test_an_upstream_that_comes_back_in_time_answers() -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port, options="max_connect_attempts 0\nmax_fails 0") as chain:
            asking = asyncio.ensure_future(chain.asked("www.example"))
            await asyncio.sleep(2)
            assert not asking.done()
            async with FakeUpstream(port=port):
                assert (await asking).rcode == codes.NOERROR

    run(main())


@pytest.mark.parametrize("rcode", [codes.SERVFAIL, codes.REFUSED, codes.NXDOMAIN, 11])
def test_any_reply_is_an_answer(rcode: int) -> None:
    async def main() -> None:
        async with (
            FakeUpstream(says(0x8180 | rcode)) as a,
            forwarding(a, unused_port(), options="policy sequential") as chain,
        ):
            got = await chain.asked("www.example")
            assert (got.rcode, got.written, got.error) == (rcode, True, None)
            assert len(a.asks) == 1

    run(main())


def test_failover_asks_all_and_gives_the_last_reply() -> None:
    async def main() -> None:
        options = "policy sequential\nfailover SERVFAIL REFUSED"
        async with (
            FakeUpstream(says(SERVFAIL)) as a,
            FakeUpstream(says(REFUSED)) as b,
            FakeUpstream(says(SERVFAIL)) as c,
            forwarding(a, b, c, options=options) as chain,
        ):
            assert (await chain.asked("www.example")).rcode == codes.SERVFAIL
            assert [len(each.asks) for each in (a, b, c)] == [1, 1, 1]
            c.script = says(REFUSED)
            got = await chain.asked("other.example")
            assert (got.rcode, got.written) == (codes.REFUSED, True)
            b.script = address("192.0.2.2")
            assert told(await chain.asked("third.example")) == "2"
            assert [len(each.asks) for each in (a, b, c)] == [3, 3, 2]

    run(main())


def test_failover_of_one_upstream_is_its_reply() -> None:
    async def main() -> None:
        async with FakeUpstream(says(SERVFAIL)) as a, forwarding(a, options="failover SERVFAIL") as chain:
            assert (await chain.asked("www.example")).written
            assert len(a.asks) == 1

    run(main())


def test_failover_to_none_that_answers_is_the_failure() -> None:
    async def main() -> None:
        options = "policy sequential\nfailover SERVFAIL\nread_timeout 100ms\nmax_fails 0\nmax_connect_attempts 1"
        async with (
            FakeUpstream(says(SERVFAIL)) as a,
            FakeUpstream(never) as b,
            forwarding(a, b, options=options) as chain,
        ):
            got = await chain.asked("www.example")
            assert (got.rcode, got.written) == (codes.SERVFAIL, False)
            assert got.error is not None
            assert got.error.endswith("i/o timeout")

    run(main())


@pytest.mark.parametrize(
    ("options", "script", "who"),
    [
        ("next NXDOMAIN", says(NXDOMAIN), "2"),
        ("next SERVFAIL NXDOMAIN", says(NXDOMAIN), "2"),
        ("next_on_nodata", says(0x8180), "2"),
        ("next NOERROR", address("192.0.2.1"), "2"),
        ("next_on_nodata", address("192.0.2.1"), "1"),
        ("next SERVFAIL\nnext_on_nodata", address("192.0.2.1"), "1"),
    ],
)
def test_some_replies_make_the_next_forward_answer(options: str, script: Callable[[Ask], Steps], who: str) -> None:
    async def main() -> None:
        async with FakeUpstream(script) as a, FakeUpstream(address("192.0.2.2")) as b:
            behind = Next()
            chain = root_chain(f"{forward(a, options=options)}\n{forward(b)}", clock=LoopClock(), behind=behind)
            async with chain.running():
                assert told(await chain.asked("www.example")) == who
                assert behind.queries == []

    run(main())


@pytest.mark.parametrize("options", ["next NXDOMAIN", "next SERVFAIL", "next_on_nodata"])
def test_other_replies_do_not(options: str) -> None:
    async def main() -> None:
        async with FakeUpstream(says(REFUSED)) as a, FakeUpstream() as b:
            chain = root_chain(f"{forward(a, options=options)}\n{forward(b)}", clock=LoopClock())
            async with chain.running():
                assert (await chain.asked("www.example")).rcode == codes.REFUSED
                assert b.asks == []

    run(main())


def test_no_reply_is_not_one_that_says_servfail() -> None:
    async def main() -> None:
        async with FakeUpstream() as b:
            options = "next SERVFAIL\nmax_fails 0"
            chain = root_chain(f"{forward(unused_port(), options=options)}\n{forward(b)}", clock=LoopClock())
            async with chain.running():
                assert (await chain.asked("www.example")).error is not None
                assert b.asks == []

    run(main())


def test_there_is_no_next_forward_behind_the_last() -> None:
    async def main() -> None:
        async with FakeUpstream(says(NXDOMAIN)) as a:
            behind = Next(refuse(codes.REFUSED))
            chain = root_chain(forward(a, options="next NXDOMAIN\nnext_on_nodata"), clock=LoopClock(), behind=behind)
            async with chain.running():
                assert (await chain.asked("www.example")).rcode == codes.NXDOMAIN
                assert behind.queries == []

    run(main())


@pytest.mark.parametrize(
    ("options", "client", "upstream"),
    [
        ("", "udp", "udp"),
        ("", "tcp", "tcp"),
        ("force_tcp", "udp", "tcp"),
        ("prefer_udp", "tcp", "udp"),
        ("force_tcp\nprefer_udp", "udp", "tcp"),
    ],
)
def test_the_protocol(options: str, client: str, upstream: str) -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a, options=options) as chain:
            await chain.asked("www.example", proto=client)
            assert [ask.proto for ask in a.asks] == [upstream]

    run(main())


def cut_short_over_udp(ask: Ask) -> Steps:
    """A reply that only a stream can hold."""
    return [reply(ask, flags=0x8380) if ask.proto == "udp" else answer(ask)]


@pytest.mark.parametrize(
    ("options", "protos", "is_cut"),
    [("", ["udp"], True), ("prefer_udp", ["udp", "tcp"], False), ("prefer_udp\nforce_tcp", ["tcp"], False)],
)
def test_a_reply_that_is_cut_short(options: str, protos: list[str], is_cut: bool) -> None:
    async def main() -> None:
        async with FakeUpstream(cut_short_over_udp) as a, forwarding(a, options=options) as chain:
            got = await chain.asked("www.example")
            assert bool(got.flags & codes.TC) is is_cut
            assert bool(got.answer) is not is_cut
            assert [ask.proto for ask in a.asks] == protos

    run(main())


def malformed(ask: Ask) -> Steps:
    """A reply with a record that the message does not hold."""
    return [answer(ask)[:-3]]


def test_a_datagram_that_cannot_be_read_is_one_cut_short() -> None:
    async def main() -> None:
        async with FakeUpstream(malformed) as a, forwarding(a) as chain:
            got = await chain.asked("www.example")
            assert got.flags & codes.TC
            assert (got.rcode, len(got.answer), got.written) == (codes.NOERROR, 0, True)

    run(main())


def test_with_prefer_udp_it_is_asked_for_over_tcp() -> None:
    async def main() -> None:
        def script(ask: Ask) -> Steps:
            return malformed(ask) if ask.proto == "udp" else always(ask)

        async with FakeUpstream(script) as a, forwarding(a, options="prefer_udp") as chain:
            assert told(await chain.asked("www.example")) == "1"

    run(main())


def test_a_stream_that_cannot_be_read_is_a_failure() -> None:
    async def main() -> None:
        options = "policy sequential\nforce_tcp"
        async with FakeUpstream(malformed) as a, FakeUpstream() as b, forwarding(a, b, options=options) as chain:
            assert told(await chain.asked("www.example")) == "1"
            b.script = malformed
            got = await chain.asked("other.example")
            assert (got.rcode, got.written) == (codes.SERVFAIL, False)
            assert got.error == f"read tcp 127.0.0.1:{b.port}: record data cut short"

    run(main())


@pytest.mark.parametrize(
    "garbage",
    [
        lambda ask: b"junk",
        lambda ask: reply(ask, ident=bytes([ask.ident[0] ^ 1, ask.ident[1]])),
        lambda ask: reply(ask, asked=b"\5other\7example\0\0\1\0\1"),
        lambda ask: reply(ask, asked=ask.question[:-4] + b"\0\x1c\0\1"),
        lambda ask: reply(ask, asked=ask.question[:-4] + b"\0\1\0\3"),
        lambda ask: reply(ask, asked=b""),
        lambda ask: ask.message,
    ],
)
def test_the_true_reply_wins_over_what_is_none(garbage: Callable[[Ask], bytes]) -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: [garbage(ask), garbage(ask), answer(ask)]) as a, forwarding(a) as chain:
            assert told(await chain.asked("www.example")) == "1"
            assert len(a.asks) == 1

    run(main())


def test_sockets_and_replies_are_counted() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a, options="force_tcp") as chain:
            for n in range(3):
                await chain.asked(f"{n}.example")
            a.script = says(NXDOMAIN)
            await chain.asked("www.example")
            to = f"127.0.0.1:{a.port}"
            lines = chain.registry.render().decode()
            for line in (
                f'coredns_proxy_conn_cache_hits_total{{proto="tcp",proxy_name="forward",to="{to}"}} 3.0',
                f'coredns_proxy_conn_cache_misses_total{{proto="tcp",proxy_name="forward",to="{to}"}} 1.0',
                f'coredns_proxy_request_duration_seconds_count{{proxy_name="forward",rcode="NOERROR",to="{to}"}} 3.0',
                f'coredns_proxy_request_duration_seconds_count{{proxy_name="forward",rcode="NXDOMAIN",to="{to}"}} 1.0',
                "coredns_forward_healthcheck_broken_total 0.0",
                "coredns_forward_max_concurrent_rejects_total 0.0",
            ):
                assert line in lines
            assert 'le="0.00025",proxy_name="forward"' in lines
            assert 'le="8.192",proxy_name="forward"' in lines

    run(main())


def test_how_long_a_reply_took_is_measured() -> None:
    async def main() -> None:
        async with FakeUpstream(lambda ask: [0.3, answer(ask)]) as a, forwarding(a) as chain:
            await chain.asked("www.example")
            to = f"127.0.0.1:{a.port}"
            series = chain.registry.render().decode()
            labels = f'proxy_name="forward",rcode="NOERROR",to="{to}"'
            assert f'_bucket{{le="0.256",{labels}}} 0.0' in series
            assert f'_bucket{{le="0.512",{labels}}} 1.0' in series

    run(main())


@pytest.mark.parametrize(("rcode", "label"), [(codes.BADVERS, "BADSIG"), (0x123, "291"), (23, "BADCOOKIE")])
def test_extended_codes(rcode: int, label: str) -> None:
    def script(ask: Ask) -> Steps:
        plain = reply(ask, flags=0x8180 | rcode & 15)
        return [plain[:11] + b"\1" + plain[12:] + opt_record(1232, rcode=rcode)]

    async def main() -> None:
        async with FakeUpstream(script) as a, forwarding(a) as chain:
            assert (await chain.asked("www.example", edns=Edns(1232))).rcode == rcode
            assert f'rcode="{label}"' in chain.registry.render().decode()

    run(main())


def test_an_upstream_with_an_ipv6_address() -> None:
    async def main() -> None:
        async with FakeUpstream(address="::1") as a:
            chain = root_chain(f"forward . [::1]:{a.port} {{\nforce_tcp\n}}", clock=LoopClock())
            async with chain.running():
                assert told(await chain.asked("www.example")) == "1"
                labels = ("forward", f"[::1]:{a.port}", "tcp")
                assert chain.registry.value("coredns_proxy_conn_cache_misses_total", *labels) == 1

    run(main())


def test_source_address() -> None:
    async def main() -> None:
        options = "source_address 127.0.0.9\nread_timeout 100ms"
        async with FakeUpstream(never) as a, forwarding(a, options=options) as chain:
            got = await chain.asked("www.example")
            assert got.error is not None
            assert got.error.startswith("read udp 127.0.0.9:")

    run(main())


@pytest.mark.parametrize(
    ("options", "pauses", "dialled"),
    [
        ("", [1, 1, 1, 1], 1),
        ("", [1, 11, 1], 2),
        ("expire 3s", [1, 4, 1], 2),
        ("expire 0s", [1, 1], 3),
        ("expire 2s\nmax_age 3s", [1, 1, 1.5, 1], 2),
    ],
)
def test_connections_are_used_again_for_a_while(options: str, pauses: list[float], dialled: int) -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a, options=f"force_tcp\n{options}") as chain:
            for pause in [*pauses, 0]:
                await chain.asked("www.example")
                await asyncio.sleep(pause)
            assert a.dialled == dialled

    run(main())


def test_surplus_connections_are_closed() -> None:
    async def main() -> None:
        hold = asyncio.Event()
        options = "force_tcp\nmax_idle_conns 1"
        async with FakeUpstream(lambda ask: [hold, answer(ask)]) as a, forwarding(a, options=options) as chain:
            asking = [asyncio.ensure_future(chain.asked(f"{n}.example")) for n in range(3)]
            await asyncio.sleep(0.1)
            assert len(a.streams) == 3
            hold.set()
            await asyncio.gather(*asking)
            await asyncio.sleep(0.2)
            assert len(a.streams) == 1

    run(main())
