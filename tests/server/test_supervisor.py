"""Instances follow each other on sockets that stay (`corefile.md` sections 11-13); test_process.py sees it whole."""

import asyncio
import logging
from pathlib import Path

import pytest

from kdns.chain.site import Process
from kdns.corefile import ConfigError
from kdns.net.errors import ListenError
from kdns.net.stream import StreamListener
from kdns.server.build import build, read
from kdns.server.instance import Instance
from kdns.server.ports import Ports
from kdns.server.source import Input, Source, SourceError
from kdns.server.supervisor import Supervisor
from tests.kit.api import FakeApi
from tests.kit.chain import Next, process
from tests.kit.faults import Fault
from tests.kit.house import Ends, House, packet
from tests.kit.mount import mount
from tests.kit.until import until


def supervisor(folder: Path, text: str, outside: Process | None = None) -> Supervisor:
    (folder / "Corefile").write_text(text)
    return Supervisor(Source(str(folder / "Corefile")), outside or process(), 0)


BLOCK = ".:0 {\nbind 127.0.0.1\nwhoami\n}\n"


async def test_a_start_tells_what_is_served_and_a_stop_may_be_repeated(tmp_path: Path) -> None:
    server = supervisor(tmp_path, BLOCK)
    assert await server.start() == [".:0 on 127.0.0.1"]
    await asyncio.gather(server.stop(gracefully=True), server.stop(gracefully=False))
    await server.reload()


async def test_the_digest_takes_any_word_and_no_broken_file(tmp_path: Path) -> None:
    server = supervisor(tmp_path, BLOCK)
    digest = await server.digest()
    (tmp_path / "Corefile").write_text(BLOCK.replace("whoami", "nosuch"))
    assert await server.digest() != digest
    (tmp_path / "Corefile").write_text(".:0 {")
    with pytest.raises(ConfigError):
        await server.digest()
    (tmp_path / "Corefile").unlink()
    with pytest.raises(SourceError, match="no such file"):
        await server.digest()


async def test_a_config_map_beside_the_corefile_is_reloaded_and_the_last_good_one_kept(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(BLOCK)
    folder = tmp_path / "cm"
    mount(folder, {"stubDomains": '{"a.example": ["192.0.2.1"]}'})
    server = Supervisor(Source(str(tmp_path / "Corefile"), str(folder)), process(), 0)
    assert await server.start() == [".:0 on 127.0.0.1", "a.example.:0 on 127.0.0.1"]
    digest = await server.digest()
    mount(folder, {"stubDomains": '{"a.example": ["192.0.2.1"],\n}'})
    for attempt in (server.digest, server.reload):
        with pytest.raises(ConfigError, match=f"{folder}/stubDomains:2 .* stubDomains, line 2, column 1: "):
            await attempt()
    assert server._instance is not None
    assert [site.zones for site in server._instance.sites] == [(".",), ("a.example.",)]
    mount(folder, {"stubDomains": '{"b.example": ["192.0.2.1"]}'})
    assert await server.digest() != digest
    await server.reload()
    assert [site.zones for site in server._instance.sites] == [(".",), ("b.example.",)]
    await server.stop(gracefully=True)


async def test_a_start_with_a_bad_config_map_tells_why(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(BLOCK)
    source = Source(str(tmp_path / "Corefile"), mount(tmp_path / "cm", {"upstreamNameservers": '["dns"]'}))
    with pytest.raises(ConfigError, match="upstreamNameservers, line 1, column 2: 'dns' is not an IP address"):
        await Supervisor(source, process(), 0).start()


async def test_a_stop_does_not_wait_for_a_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = asyncio.Event()

    async def hang(_: Instance) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(Instance, "start", hang)
    server = supervisor(tmp_path, BLOCK)
    starting = asyncio.create_task(server.start())
    await begun.wait()
    await server.stop(gracefully=True)
    assert not starting.done()
    starting.cancel()
    await asyncio.wait((starting,))


async def test_other_zones_are_served_before_the_first_load(tmp_path: Path) -> None:
    async with FakeApi() as api:
        api.faults.append(Fault(hang=True, times=100))
        server = supervisor(tmp_path, f".:0 {{\nkubernetes a {{\nendpoint {api.url}\nstartup_timeout 10m\n}}\n}}\n")
        await asyncio.wait_for(server.start(), 5)
        await until(lambda: api.seen)
        await server.stop(gracefully=True)


async def test_a_reload_that_fails_keeps_the_instance_and_its_figures(tmp_path: Path) -> None:
    outside = process()
    server = supervisor(tmp_path, BLOCK, outside)
    await server.start()
    hooks = len(outside.registry._scraped)
    for text, error in (
        (BLOCK.replace("whoami", "health nonsense"), ConfigError),
        (BLOCK.replace("whoami", "nosuch"), ConfigError),
        (BLOCK.replace("127.0.0.1", "192.0.2.9"), ListenError),
    ):
        (tmp_path / "Corefile").write_text(text)
        with pytest.raises(error):
            await server.reload()
        assert len(outside.registry._scraped) == hooks
    await server.stop(gracefully=True)
    assert outside.registry._scraped == []


async def test_the_time_outs_of_a_block_reach_its_connections_also_at_a_reload() -> None:
    def made(idle: float) -> House:
        house = House(BLOCK)
        listen = house.instance.sites[0].listen
        listen.first_read, listen.idle, listen.write, listen.max_queries = 1.0, idle, 2.0, 7
        return house

    ports = Ports()
    for idle in (5.0, 6.0):
        ports.serve(made(idle).instance)
        ((limits),) = [
            each.limits for group in ports._open.values() for each in group if isinstance(each, StreamListener)
        ]
        assert (limits.first_read, limits.idle, limits.write, limits.max_queries) == (1.0, idle, 2.0, 7)
    ports.close()


@pytest.mark.parametrize(("word", "shown"), [("", False), ("errors {\nstacktrace\n}", True), ("debug", True)])
async def test_an_unforeseen_failure_is_counted_and_shows_its_stack_where_it_is_wanted(
    word: str, shown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    house = House(f".:53 {{\n{word}\nwhoami\n}}\n")

    class Broken(Next):
        async def answer(self, query: object) -> object:  # type: ignore[override]
            raise ZeroDivisionError

    instance = house.instance
    (listener,) = instance.listeners
    instance._dispatches[listener]._only = Broken()  # type: ignore[assignment]
    with caplog.at_level(logging.ERROR, "kdns"):
        reply = house.ask_now(packet("example.org"), Ends())
    assert reply is not None
    assert reply[3] & 15 == 2
    (record,) = caplog.records
    assert record.getMessage() == 'Recovered from panic in server: "dns://:53" ZeroDivisionError()'
    assert bool(record.exc_info) is shown
    registry = house.process.registry
    assert registry.value("coredns_panics_total") == 1
    assert registry.value("coredns_dns_responses_total", "dns://:53", "dropped", "", "SERVFAIL", "") == 1


def test_a_build_that_fails_leaves_nothing_behind() -> None:
    outside = process()
    corefile = read(Input(BLOCK.replace("whoami", "cache nonsense {\nfoo\n}"), "Corefile"), outside)
    with pytest.raises(ConfigError):
        build(corefile, outside, 53)
    assert outside.registry._scraped == []
