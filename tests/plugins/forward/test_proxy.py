"""Health: when it is checked, when an upstream is down, and what is done then."""

import asyncio
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.kit
from kdns.metrics import Registry
from kdns.net.failures import UpstreamError
from kdns.net.upstream import Upstream
from kdns.plugins.forward.metrics import Metrics
from kdns.plugins.forward.proxy import Check, Proxy
from kdns.wire import codes
from kdns.wire.reader import question
from tests.kit.chain import Chain, root_chain
from tests.kit.loop import run
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, always, never, reply, unused_port
from tests.plugins.forward.chains import LoopClock, forwarding

CERTIFICATES = Path(tests.kit.__path__[0]) / "tls"
ROOT_NS = b"\0\0\2\0\1"


def proxies(chain: Chain) -> tuple[Proxy, ...]:
    """The upstreams of the chain."""
    found: tuple[Proxy, ...] = chain.links["forward"]._group.proxies  # type: ignore[attr-defined]
    return found


def failures(chain: Chain, port: int) -> float:
    """Failed checks of an upstream as they are counted."""
    return chain.registry.value("coredns_proxy_healthcheck_failures_total", "forward", f"127.0.0.1:{port}")


def broken(chain: Chain) -> float:
    """Queries that found no healthy upstream."""
    return chain.registry.value("coredns_forward_healthcheck_broken_total")


def only_checks(ask: Ask) -> Steps:
    """A script that answers nothing but health checks."""
    return [reply(ask, flags=0x8185)] if ask.question == ROOT_NS else []


def test_without_failures_there_are_no_checks() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(10)
            assert len(a.asks) == 1

    run(main())


def test_a_failure_begins_a_check_and_any_reply_ends_it() -> None:
    async def main() -> None:
        async with FakeUpstream(only_checks) as a, forwarding(a) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(10)
            checks = [ask.message[2:] for ask in a.asks if ask.question == ROOT_NS]
            assert checks == [b"\1\0\0\1\0\0\0\0\0\0" + ROOT_NS] * 2  # after each of two attempts
            assert len(a.asks) == 4
            assert failures(chain, a.port) == 0
            assert not proxies(chain)[0].down

    run(main())


def test_refused_it_is_down_after_a_second() -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(0.9)
            assert failures(chain, port) == 2
            assert not proxies(chain)[0].down
            await asyncio.sleep(0.2)
            assert failures(chain, port) == 3
            assert proxies(chain)[0].down

    run(main())


def test_silent_it_is_down_after_four_seconds_of_checks() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options="max_connect_attempts 1") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(3.9)
            assert not proxies(chain)[0].down
            await asyncio.sleep(0.5)
            assert proxies(chain)[0].down

    run(main())


def test_one_check_at_a_time() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a) as chain:
            await asyncio.gather(*[chain.asked(f"{n}.example") for n in range(20)])
            since = len([ask for ask in a.asks if ask.question == ROOT_NS])
            assert since == 2  # began at 2 s, took a second, paused for half a one
            await asyncio.sleep(6)
            assert len([ask for ask in a.asks if ask.question == ROOT_NS]) == 6

    run(main())


def test_it_is_up_again_when_it_replies() -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(3)
            assert proxies(chain)[0].down
            async with FakeUpstream(port=port) as a:
                await asyncio.sleep(0.6)
                assert not proxies(chain)[0].down
                assert len(a.asks) == 1
                await asyncio.sleep(10)
                assert len(a.asks) == 1

    run(main())


def test_a_reply_begins_the_count_anew() -> None:
    async def main() -> None:
        silences = 2

        def script(ask: Ask) -> Steps:
            nonlocal silences
            if ask.question != ROOT_NS:
                return never(ask)
            silences -= 1
            return never(ask) if silences >= 0 else always(ask)

        async with FakeUpstream(script) as a, forwarding(a, options="max_connect_attempts 1") as chain:
            for _ in range(2):
                await chain.asked("www.example")
                for _ in range(50):
                    await asyncio.sleep(0.1)
                    assert not proxies(chain)[0].down
                silences = 2
            assert failures(chain, a.port) == 4

    run(main())


@pytest.mark.parametrize(("max_fails", "down_after"), [(1, 2), (5, 6)])
def test_max_fails(max_fails: int, down_after: int) -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port, options=f"max_fails {max_fails}") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(0.5 * (down_after - 1) - 0.1)
            assert not proxies(chain)[0].down
            await asyncio.sleep(0.2)
            assert proxies(chain)[0].down

    run(main())


def test_max_fails_0_means_no_checks() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options="max_fails 0") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(10)
            assert len(a.asks) == 2
            assert not proxies(chain)[0].down

    run(main())


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("health_check 1s no_rec", b"\0\0\0\1\0\0\0\0\0\0\0\0\2\0\1"),
        ("health_check 1s domain Example.org", b"\1\0\0\1\0\0\0\0\0\0\7example\3org\0\0\2\0\1"),
        ("health_check 1s no_rec domain a.", b"\0\0\0\1\0\0\0\0\0\0\1a\0\0\2\0\1"),
    ],
)
def test_what_a_check_asks(option: str, message: bytes) -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options=f"{option}\nmax_connect_attempts 1") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(0.5)
            assert [ask.message[2:] for ask in a.asks[1:]] == [message]

    run(main())


@pytest.mark.parametrize(("interval", "checks"), [("0s", 200), ("200ms", 11), ("5s", 1)])
def test_the_interval_and_its_bound(interval: str, checks: int) -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port, options=f"health_check {interval}") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(2.1)
            assert checks - 1 <= failures(chain, port) <= checks * 1.1

    run(main())


@pytest.mark.parametrize("options", ["force_tcp", ""])
def test_a_check_goes_the_way_of_the_queries(options: str) -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, forwarding(a, options=f"{options}\nmax_connect_attempts 1") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(0.5)
            assert [ask.proto for ask in a.asks] == ["tcp" if options else "udp"] * 2

    run(main())


def test_who_is_down_is_not_asked() -> None:
    async def main() -> None:
        dead = unused_port()
        async with FakeUpstream() as a, forwarding(dead, a, options="policy sequential") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(2)
            assert [proxy.down for proxy in proxies(chain)] == [True, False]
            before = chain.registry.value(
                "coredns_proxy_conn_cache_misses_total", "forward", f"127.0.0.1:{dead}", "udp"
            )
            for n in range(5):
                assert (await chain.asked(f"{n}.example")).rcode == codes.NOERROR
            after = chain.registry.value("coredns_proxy_conn_cache_misses_total", "forward", f"127.0.0.1:{dead}", "udp")
            assert before == after
            assert broken(chain) == 0

    run(main())


def test_when_all_are_down_one_is_asked_once() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a, FakeUpstream(never) as b, forwarding(a, b) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(10)
            assert all(proxy.down for proxy in proxies(chain))
            began = asyncio.get_running_loop().time()
            got = await chain.asked("other.example")
            asked = [ask.question for ask in [*a.asks, *b.asks]]
            assert asked.count(b"\5other\7example\0\0\1\0\1") == 1
            assert 2.0 <= asyncio.get_running_loop().time() - began <= 2.2
            assert got.rcode == codes.SERVFAIL
            assert broken(chain) == 1

    run(main())


def test_checks_may_be_what_is_broken() -> None:
    async def main() -> None:
        def script(ask: Ask) -> Steps:
            return never(ask) if ask.question == ROOT_NS or not works else always(ask)

        works = False
        async with FakeUpstream(script) as a, forwarding(a) as chain:
            await chain.asked("www.example")
            await asyncio.sleep(10)
            works = True
            assert proxies(chain)[0].down
            assert (await chain.asked("www.example")).rcode == codes.NOERROR
            assert broken(chain) == 1

    run(main())


def test_fail_fast_when_all_are_down() -> None:
    async def main() -> None:
        port = unused_port()
        async with forwarding(port, options="failfast_all_unhealthy_upstreams") as chain:
            await chain.asked("www.example")
            await asyncio.sleep(2)
            got = await chain.asked("www.example")
            assert (got.rcode, got.written, got.error) == (codes.SERVFAIL, False, "no healthy proxies")
            assert broken(chain) == 1

    run(main())


def test_checks_end_with_the_instance() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as a:
            async with forwarding(a) as chain:
                await chain.asked("www.example")
            count = len(a.asks)
            await asyncio.sleep(10)
            assert len(a.asks) == count

    run(main())


def test_a_draining_instance_answers_but_checks_no_more() -> None:
    async def main() -> None:
        async with FakeUpstream() as a, forwarding(a, options="max_connect_attempts 1") as chain:
            await chain.fire("shutdown")
            assert (await chain.asked("www.example")).rcode == codes.NOERROR
            a.script = never
            await chain.asked("other.example")
            await asyncio.sleep(10)
            assert len(a.asks) == 2

    run(main())


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("", f"tls {CERTIFICATES}/ca.crt", None),
        ("%localhost", f"tls {CERTIFICATES}/ca.crt", None),
        ("", f"tls {CERTIFICATES}/ca.crt\ntls_servername api.kit", None),
        ("", f"tls {CERTIFICATES}/client.crt {CERTIFICATES}/client.key {CERTIFICATES}/ca.crt", None),
        ("%other.test", f"tls {CERTIFICATES}/ca.crt", "tls: failed to verify certificate: "),
        ("", f"tls {CERTIFICATES}/ca.crt\ntls_servername other.test", "tls: failed to verify certificate: "),
        ("", f"tls {CERTIFICATES}/stranger.crt", "tls: failed to verify certificate: "),
        ("", "", "tls: failed to verify certificate: "),
    ],
)
@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
async def test_tls(name: str, options: str, error: str | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    async with FakeUpstream(tls=context, udp=False) as a:
        directive = f"forward . tls://127.0.0.1{name}:{a.port} {{\n{options}\n}}"
        chain = root_chain(directive, clock=LoopClock())
        async with chain.running():
            got = await chain.asked("www.example")
        if error is None:
            assert (got.rcode, got.error) == (codes.NOERROR, None)
            proto = ("forward", f"127.0.0.1:{a.port}", "tcp-tls")
            assert chain.registry.value("coredns_proxy_conn_cache_misses_total", *proto) == 1
        else:
            assert got.rcode == codes.SERVFAIL
            assert got.error is not None
            assert got.error.startswith(f"dial tcp 127.0.0.1:{a.port}: {error}")
            assert a.asks == []


async def test_a_reply_over_tls_that_is_cut_short_is_not_asked_for_again() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    async with FakeUpstream(lambda ask: [reply(ask, flags=0x8380)], tls=context, udp=False) as a:
        options = f"tls {CERTIFICATES}/ca.crt\nprefer_udp"
        chain = root_chain(f"forward . tls://127.0.0.1:{a.port} {{\n{options}\n}}", clock=LoopClock())
        async with chain.running():
            assert (await chain.asked("www.example")).flags & codes.TC
        assert len(a.asks) == 1


async def test_a_check_finds_what_a_query_over_tls_finds() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
    async with FakeUpstream(tls=context, udp=False) as a:
        options = f"tls {CERTIFICATES}/ca.crt\ntls_servername other.test\nhealth_check 0s"
        chain = root_chain(f"forward . tls://127.0.0.1:{a.port} {{\n{options}\n}}", clock=LoopClock())
        async with chain.running():
            await chain.asked("www.example")
            await until(lambda: proxies(chain)[0].down)
        assert a.asks == []


@given(tail=st.binary(max_size=60), counts=st.binary(min_size=6, max_size=6), flags=st.binary(min_size=2, max_size=2))
def test_no_reply_is_too_hostile_to_be_read(tail: bytes, counts: bytes, flags: bytes) -> None:
    """Whatever stands behind a question that matches, it is a message, or the attempt has failed."""
    registry = Registry()
    proxy = Proxy(Upstream("127.0.0.1"), 2.0, Check(b"\0", True, False, 0.5, 2), Metrics(registry).of("127.0.0.1:53"))
    packet = b"\0\0" + flags + b"\0\1" + counts + b"\1a\0\0\1\0\1" + tail
    asked = question(b"\1a\0", codes.A)
    relay = proxy.read(packet, asked, 0.001, False)
    assert relay.question.wire == b"\1a\0\0\1\0\1"
    try:
        proxy.read(packet, asked, 0.001, True)
    except UpstreamError:
        assert relay.flags & codes.TC
        assert not relay.records
