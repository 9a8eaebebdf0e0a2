import socket
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import Chain, chains_of, root_chain
from tests.kit.http import fetch
from tests.kit.upstream import unused_port

Printed = Callable[[], list[str]]


@dataclass
class Plugin:
    """Something that is ready when it is told to be."""

    name: str
    is_ready: bool = False
    asked: int = 0

    def ready(self) -> bool:
        self.asked += 1
        return self.is_ready


@pytest.fixture
def port() -> int:
    return unused_port()


def blocks(port: int, *modes: str) -> list[Chain]:
    return chains_of(
        "".join(f"b{i}.example {{\n ready 127.0.0.1:{port} {{\n{mode}\n}}\n}}\n" for i, mode in enumerate(modes))
    )


async def said(port: int) -> tuple[int, str]:
    found = await fetch(port, "/ready")
    return found.status, found.body


async def test_without_anyone_to_ask_it_is_ready(port: int) -> None:
    chain = root_chain(f"ready 127.0.0.1:{port}")
    async with chain.running():
        assert await said(port) == (200, "OK")
        assert (await fetch(port, "/health")).status == 404
    with pytest.raises(ConnectionRefusedError):
        await said(port)
    assert chain.links == {}


async def test_who_is_not_ready_is_named(port: int, printed: Printed) -> None:
    (chain,) = blocks(port, "")
    plugins = [Plugin("kubernetes"), Plugin("erratic"), Plugin("other", is_ready=True)]
    for plugin in plugins:
        chain.site.offer(plugin)
    async with chain.running():
        assert await said(port) == (503, "erratic,kubernetes")
        assert printed() == ['[INFO] plugin/ready: Plugins not ready: "erratic,kubernetes"']
        plugins[1].is_ready = True
        assert await said(port) == (503, "kubernetes")
        plugins[0].is_ready = True
        printed()
        assert await said(port) == (200, "OK")
        assert printed() == []


@pytest.mark.parametrize(
    ("modes", "again"),
    [
        ([""], False),
        (["monitor until-ready"], False),
        (["monitor continuously"], True),
        (["monitor until-ready", "monitor continuously"], True),
        (["monitor continuously", "monitor until-ready"], False),
        (["monitor continuously", ""], False),
    ],
)
async def test_who_was_ready_once_is_asked_again_if_wanted(modes: list[str], again: bool, port: int) -> None:
    chains = blocks(port, *modes)
    plugin = Plugin("kubernetes", is_ready=True)
    chains[0].site.offer(plugin)
    async with chains[0].running():
        assert await said(port) == (200, "OK")
        plugin.is_ready = False
        assert await said(port) == ((503, "kubernetes") if again else (200, "OK"))
        assert plugin.asked == (2 if again else 1)


async def test_all_blocks_that_have_it_count_and_no_others(port: int) -> None:
    other = unused_port()
    text = f"""
        a.example {{\n ready 127.0.0.1:{port}\n}}
        b.example {{\n ready 127.0.0.1:{port}\n}}
        c.example {{\n ready 127.0.0.1:{other}\n}}
        d.example {{\n errors\n}}
    """
    chains = chains_of(text)
    plugins = [Plugin("kubernetes") for _ in chains]
    for chain, plugin in zip(chains, plugins, strict=True):
        chain.site.offer(plugin)
    async with chains[0].running():
        for plugin in plugins[:3]:
            assert await said(port) == (503, "kubernetes")
            assert await said(other) == (503, "kubernetes")
            plugin.is_ready = True
        assert await said(port) == (200, "OK")
        assert plugins[3].asked == 0


async def test_it_closes_at_the_end_and_during_a_reload(port: int) -> None:
    (chain,) = blocks(port, "")
    plugin = Plugin("kubernetes", is_ready=True)
    chain.site.offer(plugin)
    async with chain.running():
        assert await said(port) == (200, "OK")
        await chain.fire("restart")
        with pytest.raises(ConnectionRefusedError):
            await said(port)
        plugin.is_ready = False
        await chain.fire("restart_failed")
        assert await said(port) == (503, "kubernetes"), "the list is made anew"
        await chain.fire("final_shutdown")
        with pytest.raises(ConnectionRefusedError):
            await said(port)


async def test_an_instance_that_comes_to_nothing_leaves_no_endpoint(port: int) -> None:
    (chain,) = blocks(port, "")
    with pytest.raises(RuntimeError):
        async with chain.running():
            raise RuntimeError
    with pytest.raises(ConnectionRefusedError):
        await said(port)


async def test_a_connection_that_is_open_at_the_end_hears_of_it(port: int) -> None:
    (chain,) = blocks(port, "")
    async with chain.running():
        (post,) = chain.site.offers
        post._open = False  # type: ignore[attr-defined]  # between the begin of `close` and its end
        assert await said(port) == (503, "Shutting down")


async def test_an_address_that_cannot_be_opened_is_no_matter(printed: Printed) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        async with root_chain(f"ready 127.0.0.1:{taken.getsockname()[1]}").running():
            pass
    assert printed() == []


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("ready 8181", "address 8181: missing port in address"),
        ("ready :1 :2", "Wrong argument count or unexpected line ending after ':2'"),
        ("ready {\n monitor\n}", "Wrong argument count or unexpected line ending after 'monitor'"),
        ("ready {\n monitor continuously x\n}", "Wrong argument count or unexpected line ending after 'x'"),
        ("ready {\n monitor sometimes\n}", "monitor type 'sometimes' not supported"),
        ("ready {\n lameduck 5s\n}", "unknown property 'lameduck'"),
        ("ready\nready", "this plugin can only be used once per Server Block"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/ready: Corefile:")
