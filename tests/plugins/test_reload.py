import asyncio
import random
from collections.abc import Callable

import pytest

from kdns.corefile import ConfigError
from kdns.net.errors import ListenError
from kdns.plugins.reload import Watch, effective
from tests.kit.chain import Chain, chain_of, chains_of, root_chain
from tests.kit.loop import run

Printed = Callable[[], list[str]]


class Configuration:
    """A configuration on disk, and whether it can be put in force."""

    def __init__(self) -> None:
        self.digest_now: str | Exception = "a1"
        self.failure: Exception | None = None
        self.reloads = 0
        self.readings = 0
        self.takes = 0.0

    async def digest(self) -> str:
        self.readings += 1
        if isinstance(self.digest_now, Exception):
            raise self.digest_now
        return self.digest_now

    async def reload(self) -> None:
        self.reloads += 1
        await asyncio.sleep(self.takes)
        if self.failure is not None:
            raise self.failure


def mistake(text: str = "Unknown directive 'x'") -> ConfigError:
    return ConfigError("Corefile", 3, 1, text)


def watching(directive: str, configuration: Configuration, printed: Printed) -> Chain:
    printed()
    return root_chain(directive, reloader=configuration)


def info(chain: Chain) -> list[str]:
    text = chain.registry.render().decode()
    return [line for line in text.splitlines() if line.startswith("coredns_reload_version_info{")]


def test_an_unchanged_configuration_is_only_read(printed: Printed) -> None:
    configuration = Configuration()
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(35)
            assert printed() == ["[INFO] plugin/reload: Running configuration SHA512 = a1"]
            assert (configuration.readings, configuration.reloads) == (4, 0)
            assert info(chain) == []
            assert "coredns_reload_failed_total 0.0" in chain.registry.render().decode()

    run(scenario())


def test_a_change_is_put_in_force_once_and_the_watch_ends(printed: Printed) -> None:
    configuration = Configuration()
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(15)
            configuration.digest_now = "b2"
            await asyncio.sleep(100)
            assert configuration.reloads == 1
            assert configuration.readings == 3
            assert info(chain) == ['coredns_reload_version_info{hash="sha512",value="b2"} 1.0']
            assert chain.registry.value("coredns_reload_failed_total") == 0

    run(scenario())


@pytest.mark.parametrize(
    "failure", [mistake(), ListenError("listen tcp :53: bind: permission denied"), FileNotFoundError(2, "gone")]
)
def test_a_change_that_fails_is_tried_once(failure: Exception, printed: Printed) -> None:
    configuration = Configuration()
    configuration.failure = failure
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1)
            printed()
            configuration.digest_now = "b2"
            await asyncio.sleep(40)
            assert configuration.reloads == 1
            said = (
                "[ERROR] plugin/reload: Corefile changed but reload failed: starting with listener file descriptors: "
            )
            assert printed() == [f"{said}{failure}"]
            assert chain.registry.value("coredns_reload_failed_total") == 1
            assert info(chain) == ['coredns_reload_version_info{hash="sha512",value="b2"} 1.0']
            configuration.digest_now, configuration.failure = "c3", None
            await asyncio.sleep(40)
            assert configuration.reloads == 2
            assert info(chain) == ['coredns_reload_version_info{hash="sha512",value="c3"} 1.0']
            assert chain.registry.value("coredns_reload_failed_total") == 1

    run(scenario())


def test_what_cannot_be_parsed_is_warned_of_at_every_reading(printed: Printed) -> None:
    configuration = Configuration()
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1)
            printed()
            configuration.digest_now = mistake()
            await asyncio.sleep(20)
            warning = "[WARNING] plugin/reload: Corefile parse failed: Corefile:3 - Error during parsing: "
            assert printed() == [f"{warning}Unknown directive 'x'"] * 2
            configuration.digest_now = FileNotFoundError(2, "no such file")
            await asyncio.sleep(20)
            assert printed() == []
            configuration.digest_now = "a1"
            await asyncio.sleep(20)
            assert configuration.reloads == 0

    run(scenario())


def test_a_configuration_that_is_unreadable_at_the_start_is_read_later(printed: Printed) -> None:
    configuration = Configuration()
    configuration.digest_now = FileNotFoundError(2, "no such file")
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1)
            configuration.digest_now = "b2"
            await asyncio.sleep(10)
            assert configuration.reloads == 1

    run(scenario())
    assert printed() == []


def test_the_end_of_the_instance_does_not_end_the_attempt(printed: Printed) -> None:
    configuration = Configuration()
    configuration.takes = 5.0
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1)
            configuration.digest_now = "b2"
            await asyncio.sleep(10)
            assert configuration.reloads == 1
            assert info(chain) == []
        await asyncio.sleep(5)
        assert info(chain) == ['coredns_reload_version_info{hash="sha512",value="b2"} 1.0']

    run(scenario())


def test_nothing_is_reloaded_once_shutdown_has_begun(printed: Printed) -> None:
    configuration = Configuration()
    chain = watching("reload 10s 0s", configuration, printed)

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1)
            await chain.fire("shutdown")
            configuration.digest_now = "b2"
            await asyncio.sleep(20)
            assert configuration.reloads == 0

    run(scenario())


def test_of_several_blocks_the_last_one_watches(printed: Printed) -> None:
    configuration = Configuration()
    text = "a.example {\n reload 10s 0s\n}\nb.example {\n reload 100s 0s\n}\nc.example {\n errors\n}"
    chain = chains_of(text, reloader=configuration)[0]

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(99)
            assert configuration.readings == 1
            await asyncio.sleep(2)
            assert configuration.readings == 2

    run(scenario())


def test_without_anyone_to_reload_nothing_is_watched() -> None:
    async def scenario() -> None:
        chain = root_chain("reload")
        async with chain.running():
            assert chain.wiring.tasks == set()

    run(scenario())


@pytest.mark.parametrize(
    ("interval", "jitter", "low", "high"),
    [(30.0, 15.0, 22.5, 37.5), (30.0, 0.0, 30.0, 30.0), (10.0, 300.0, 7.5, 12.5), (2.0, 1.0, 1.5, 2.5)],
)
def test_jitter(interval: float, jitter: float, low: float, high: float) -> None:
    chance = random.Random(5)
    drawn = [effective(interval, jitter, chance) for _ in range(500)]
    assert low <= min(drawn) <= low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) <= max(drawn) <= high


def test_defaults() -> None:
    (watch,) = root_chain("reload").site.find(Watch)
    assert 22.5 <= watch.interval <= 37.5
    assert root_chain("reload").links == {}


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("reload 1s 2s 3s", "Wrong argument count or unexpected line ending after '3s'"),
        ("reload often", 'time: invalid duration "often"'),
        ("reload 10", 'time: missing unit in duration "10"'),
        ("reload 10s soon", 'time: invalid duration "soon"'),
        ("reload 1s", "interval value must be greater or equal to 2s"),
        ("reload -5s", "interval value must be greater or equal to 2s"),
        ("reload 10s 500ms", "jitter value must be 0 or greater or equal to 1s"),
        ("reload 10s -1s", "jitter value must be 0 or greater or equal to 1s"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(f". {{\n{directive}\n}}")
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/reload: Corefile:2 - ")
