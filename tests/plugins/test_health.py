import asyncio
from collections.abc import Callable, Iterator

import pytest

from kdns.corefile import ConfigError
from kdns.net.errors import ListenError
from kdns.net.http import RequestFailed
from kdns.plugins import health
from tests.kit.chain import Chain, chains_of, root_chain
from tests.kit.http import fetch
from tests.kit.loop import run
from tests.kit.until import until
from tests.kit.upstream import unused_port

Printed = Callable[[], list[str]]


@pytest.fixture
def port() -> int:
    return unused_port()


def answers(monkeypatch: pytest.MonkeyPatch, *outcomes: float | str) -> None:
    """Let requests to itself take these times, or fail for these reasons; the last outcome is for ever."""
    left: Iterator[float | str] = iter(outcomes)
    last = outcomes[-1]

    async def get(host: str, port: int, path: str, *, limit: float) -> tuple[int, float]:
        assert (path, limit) == ("/health", 3.0)
        outcome = next(left, last)
        if isinstance(outcome, str):
            raise RequestFailed(outcome)
        return 200, outcome

    monkeypatch.setattr(health, "get", get)


async def test_it_says_ok_whatever_is_asked(port: int) -> None:
    chain = root_chain(f"health 127.0.0.1:{port}")
    async with chain.running():
        for method in ("GET", "POST", "PUT"):
            found = await fetch(port, "/health", method)
            assert (found.status, found.body) == (200, "OK")
            assert found.headers["content-type"] == "text/plain; charset=utf-8"
        assert (await fetch(port, "/")).status == 404
    with pytest.raises(ConnectionRefusedError):
        await fetch(port, "/health")
    assert chain.links == {}


async def test_it_asks_itself(port: int, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    monkeypatch.setattr(health, "PERIOD", 0.001)
    chain = root_chain(f"health 127.0.0.1:{port}")
    duration = chain.registry.histogram("coredns_health_request_duration_seconds", "", ()).child()
    async with chain.running():
        await until(lambda: sum(duration.counts) >= 3)
    assert chain.registry.value("coredns_health_request_failures_total") == 0
    assert tuple(duration.bounds) == (0.00025, 0.0025, 0.025, 0.25, 2.5)
    assert not [line for line in printed() if "failed" in line]


def test_trouble_with_itself_is_told(port: int, monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    url = f"http://127.0.0.1:{port}/health"
    answers(monkeypatch, 0.5, f'Get "{url}": context deadline exceeded', 1.25, 0.001)
    chain = root_chain(f"health 127.0.0.1:{port}")

    async def scenario() -> None:
        async with chain.running():
            await asyncio.sleep(1.5)
            assert printed() == []
            await asyncio.sleep(1)
            said = f'[WARNING] plugin/health: Local health request to "{url}" failed: '
            assert printed() == [f'{said}Get "{url}": context deadline exceeded']
            await asyncio.sleep(1)
            assert printed() == [
                f'[WARNING] plugin/health: Local health request to "{url}" took more than 1s: 1.25s',
            ]
            await asyncio.sleep(10)
            assert printed() == []

    run(scenario())
    assert chain.registry.value("coredns_health_request_failures_total") == 1
    duration = chain.registry.histogram("coredns_health_request_duration_seconds", "", ()).child()
    assert sum(duration.counts) == 13


def test_lameduck_keeps_it_open_while_the_process_ends(
    port: int, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    answers(monkeypatch, 0.0)
    chain = root_chain(f"health 127.0.0.1:{port} {{\n lameduck 1m30s\n}}")
    duration = chain.registry.histogram("coredns_health_request_duration_seconds", "", ()).child()

    async def scenario() -> float:
        async with chain.running():
            await chain.fire("shutdown")
            begun = asyncio.get_running_loop().time()
            await chain.fire("final_shutdown")
            assert 88 <= sum(duration.counts) <= 91
            return asyncio.get_running_loop().time() - begun

    assert run(scenario()) == pytest.approx(90)
    assert printed()[0] == "[INFO] plugin/health: Going into lameduck mode for 1m30s"


def test_without_lameduck_it_ends_at_once(port: int, printed: Printed) -> None:
    async def scenario(chain: Chain) -> float:
        async with chain.running():
            await chain.fire("final_shutdown")
            return asyncio.get_running_loop().time()

    for block in ("", "lameduck 0s", "lameduck -5s"):
        assert run(scenario(root_chain(f"health 127.0.0.1:{port} {{\n{block}\n}}"))) == 0
    assert printed() == []


async def test_a_reload_closes_it_and_a_failed_one_opens_it_again(port: int) -> None:
    chain = root_chain(f"health 127.0.0.1:{port}")
    async with chain.running():
        await chain.fire("restart")
        with pytest.raises(ConnectionRefusedError):
            await fetch(port, "/health")
        await chain.fire("restart_failed")
        assert (await fetch(port, "/health")).body == "OK"


async def test_an_instance_that_comes_to_nothing_leaves_no_endpoint(port: int) -> None:
    chain = root_chain(f"health 127.0.0.1:{port}")
    with pytest.raises(ListenError):
        async with chain.running():
            raise ListenError("another plugin's trouble")
    with pytest.raises(ConnectionRefusedError):
        await fetch(port, "/health")


async def test_two_blocks_may_share_an_address(port: int) -> None:
    text = f"a.example {{\n health 127.0.0.1:{port}\n}}\nb.example {{\n health 127.0.0.1:{port}\n}}"
    async with chains_of(text)[0].running():
        assert (await fetch(port, "/health")).body == "OK"


async def test_an_address_that_cannot_be_opened_is_fatal() -> None:
    with pytest.raises(ListenError, match=r"^listen tcp 192\.0\.2\.1:8080: bind: cannot assign requested address$"):
        await root_chain("health 192.0.2.1:8080").fire("startup")


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("health 8080", "address 8080: missing port in address"),
        ("health :1 :2 :3", "Wrong argument count or unexpected line ending after ':3'"),
        ("health {\n lameduck\n}", "Wrong argument count or unexpected line ending after 'lameduck'"),
        ("health {\n lameduck 1s 2s\n}", "Wrong argument count or unexpected line ending after '2s'"),
        (
            "health {\n lameduck 5\n}",
            "unable to parse lameduck duration value: '5' : time: missing unit in duration \"5\"",
        ),
        ("health {\n delay 5s\n}", "unknown property 'delay'"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/health: Corefile:")
