import asyncio
from typing import Any

import pytest

from kdns.corefile import ConfigError
from kdns.plugins import loop as plugin
from kdns.wire import codes, name
from tests.kit.chain import Chain, Next, chain_of, process
from tests.kit.house import Ends, House
from tests.kit.loop import run
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, always, never, unused_port

HINFO = b"\0\x0d\0\1"


class Stops(list[int]):
    """What the process was told to stop with."""

    def __call__(self, status: int) -> None:
        self.append(status)


def block(port: int, zone: str = ".", **how: Any) -> tuple[Chain, Stops]:
    """A chain with nothing but `loop`, its own listener a port on loopback."""
    stops = Stops()
    return chain_of(f"{zone}:{port} {{\nloop\n}}\n", stop=stops, **how), stops


def probe_of(chain: Chain) -> str:
    """The name that the chain asks itself for."""
    text: str = chain.links["loop"]._search._text  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("loop .", "Wrong argument count or unexpected line ending after '.'"),
        ("loop\nloop", "this plugin can only be used once per Server Block"),
        ("loop {\n zone\n}", "unknown property 'zone'"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(f".:53 {{\n{directive}\n}}\n")
    assert message in str(raised.value)
    assert str(raised.value).startswith("plugin/loop: Corefile:")


@pytest.mark.parametrize(("zone", "suffix"), [(".", b"\0"), ("Cluster.local b.example", b"\7cluster\5local\0")])
def test_the_probe(zone: str, suffix: bytes) -> None:
    async def main() -> None:
        async with FakeUpstream() as listener:
            keys = " ".join(f"{key}:{listener.port}" for key in zone.split())
            chain = chain_of(f"{keys} {{\nloop\n}}\n")
            async with chain.running():
                await asyncio.sleep(5)
            assert len(listener.asks) == 1
            message, question = listener.asks[0].message, listener.asks[0].question
            assert listener.asks[0].proto == "udp"
            assert message[2:12] == b"\1\0\0\1\0\0\0\0\0\0"
            assert question.endswith(suffix + HINFO)
            labels = name.labels(question[: -len(suffix + HINFO)] + b"\0")
            assert len(labels) == 2
            assert all(label.isdigit() and int(label) < 2**62 for label in labels)

    run(main())


def test_the_probe_cannot_be_guessed() -> None:
    probes = {probe_of(block(1053)[0]) for _ in range(200)}
    assert len(probes) == 200
    high = sum(int(probe.split(".")[0]) >= 2**61 for probe in probes)
    assert 50 < high < 150


def test_seen_for_the_third_time_it_ends_the_process(printed: Any) -> None:
    behind = Next()
    chain, stops = block(1053, "example.org", behind=behind)
    probe = probe_of(chain)
    for _ in range(2):
        chain.ask(probe, "HINFO")
        assert stops == []
    got = chain.ask(probe.upper(), "HINFO", client=("2001:db8::7", 4711))
    assert stops == [1]
    assert (got.rcode, got.written) == (codes.SERVFAIL, False)
    assert len(behind.queries) == 2
    (line,) = printed()
    assert line == (
        f'[FATAL] plugin/loop: Loop ([2001:db8::7]:4711 -> ) detected for zone "example.org.", '
        f'see https://coredns.io/plugins/loop#troubleshooting. Query: "HINFO {probe}"'
    )
    chain.ask(probe, "HINFO")
    assert stops == [1]


def test_other_names_do_nothing(printed: Any) -> None:
    behind = Next()
    chain, stops = block(1053, behind=behind)
    probe = probe_of(chain)
    first, second, *_ = probe.split(".")
    forged = [f"{second}.{first}.", f"{int(first) ^ 1}.{second}.", f"x.{probe}", f"{second}.", "1.2.", "."]
    for _ in range(5):
        for each in forged:
            chain.ask(each, "HINFO")
        for rtype in ("A", "TXT", "ANY"):
            chain.ask(probe, rtype)
    assert stops == []
    assert len(behind.queries) == 5 * (len(forged) + 3)
    assert printed() == []


def test_after_the_first_reply_it_is_off() -> None:
    async def main() -> None:
        async with FakeUpstream() as listener:
            chain, stops = block(listener.port)
            async with chain.running():
                await asyncio.sleep(1)
                for _ in range(10):
                    await chain.asked(probe_of(chain), "HINFO")
            assert stops == []
            assert len(listener.asks) == 1

    run(main())


def test_without_a_reply_it_is_asked_again_and_counted_anew() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as listener:
            chain, stops = block(listener.port)
            async with chain.running():
                for _ in range(3):
                    for _ in range(2):
                        await chain.asked(probe_of(chain), "HINFO")
                    await asyncio.sleep(3.1)
                assert stops == []
                assert 3 <= len(listener.asks) <= 4

    run(main())


def test_what_is_found_stays_found() -> None:
    async def main() -> None:
        async with FakeUpstream(never) as listener:
            chain, stops = block(listener.port)
            async with chain.running():
                for _ in range(3):
                    await chain.asked(probe_of(chain), "HINFO")
                await asyncio.sleep(40)
                assert (await chain.asked(probe_of(chain), "HINFO")).rcode == codes.SERVFAIL
                assert stops == [1]
                assert len(listener.asks) == 1

    run(main())


def test_a_listener_that_is_not_there_yet_is_tried_each_second_at_most_thirty() -> None:
    async def main() -> None:
        port = unused_port()
        chain, stops = block(port)
        async with chain.running():
            await asyncio.sleep(29.5)
            assert chain.links["loop"]._search.on  # type: ignore[attr-defined]
            await asyncio.sleep(1)
            assert not chain.links["loop"]._search.on  # type: ignore[attr-defined]
            for _ in range(10):
                await chain.asked(probe_of(chain), "HINFO")
            assert stops == []

    run(main())


def test_a_listener_that_comes_late_is_asked() -> None:
    async def main() -> None:
        port = unused_port()
        chain, _ = block(port)
        async with chain.running():
            await asyncio.sleep(4.5)
            async with FakeUpstream(port=port) as listener:
                await asyncio.sleep(3)
                assert len(listener.asks) == 1

    run(main())


def test_the_first_address_of_bind_is_asked() -> None:
    async def main() -> None:
        async with FakeUpstream(address="127.0.0.2") as listener:
            chain = chain_of(f".:{listener.port} {{\nbind 127.0.0.2 127.0.0.3\nloop\n}}\n")
            async with chain.running():
                await asyncio.sleep(1)
            assert len(listener.asks) == 1

    run(main())


@pytest.mark.parametrize("key", ["tls://.:1053", ".:0", f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 40}:1053"])
def test_where_there_is_nothing_to_ask_nothing_is_asked(key: str) -> None:
    async def main() -> None:
        chain = chain_of(f"{key} {{\nloop\n}}\n")
        async with chain.running():
            await asyncio.sleep(0)
            assert not chain.links["loop"]._search.on  # type: ignore[attr-defined]

    run(main())


def test_other_questions_pass_at_no_cost() -> None:
    behind = Next()
    chain, _ = block(1053, behind=behind)
    assert not chain.basis_of("www.example").fleeting
    assert not chain.basis_of("www.example", "HINFO", client="192.0.2.1").private
    assert len(behind.queries) == 2


async def test_a_server_that_forwards_to_itself_stops(caplog: pytest.LogCaptureFixture) -> None:
    """The probe goes through `forward` to a resolver that hands it back to the server, and so round and round."""
    stops = Stops()
    house: House

    def hand_back(ask: Ask) -> Steps:
        house.ask_now(ask.message, Ends(client=("127.0.0.1", ask.port)))
        return []

    async with FakeUpstream(hand_back) as upstream:
        outside = process(asyncio.get_running_loop().time, stop=stops)
        house = House(f".:{upstream.port} {{\nloop\nforward . 127.0.0.1:{upstream.port}\n}}\n", outside=outside)
        await house.instance.start()
        await until(lambda: stops)
        rounds = len(upstream.asks)
        await asyncio.sleep(0.01)
        assert len(upstream.asks) <= rounds + 1
        house.instance.abandon()
    assert stops == [1]
    (fatal,) = [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"]
    assert fatal.startswith("Loop (127.0.0.1:")
    assert f' -> :{upstream.port}) detected for zone ".", see https://coredns.io/' in fatal


async def test_a_server_that_does_not_is_left_alone() -> None:
    stops = Stops()
    async with FakeUpstream(always) as upstream:
        outside = chain_of(".:53 {\nloop\n}\n").site.process._replace(stop=stops)
        async with House(
            f".:1 {{\nloop\nforward . 127.0.0.1:{upstream.port}\n}}\n", outside=outside
        ).running() as house:
            for _ in range(5):
                await house.ask("1.2", "HINFO")
    assert stops == []


def test_bounds() -> None:
    assert (plugin.SEARCH, plugin.RETRY, plugin.TIMEOUT, plugin.ENOUGH) == (30.0, 1.0, 2.0, 3)
