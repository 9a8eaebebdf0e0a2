"""Collectors that connect to kdns, whatever they do then."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kdns.plugins.dnstap import collectors, frames
from kdns.plugins.dnstap.collectors import Collectors
from kdns.plugins.dnstap.target import Target
from tests.kit.chain import root_chain
from tests.kit.until import until
from tests.kit.upstream import unused_port
from tests.plugins.dnstap.collector import Collector

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

Printed = Callable[[], list[str]]
TLS = Path(__file__).parents[2] / "kit" / "tls"


class House:
    """Collectors that listen, and the tasks that serve them."""

    def __init__(self, target: Target, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.outlet = Collectors(target, self._spawn, tls)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Collectors]:
        await self.outlet.listen()
        try:
            yield self.outlet
        finally:
            await self.outlet.close()
            for task in tuple(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await asyncio.sleep(0)


@asynccontextmanager
async def visit(collector: Collector, path: Path | int, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Let a collector connect."""
    if isinstance(path, int):
        host = "localhost" if tls else None
        reader, writer = await asyncio.open_connection("127.0.0.1", path, ssl=tls, server_hostname=host)
    else:
        reader, writer = await asyncio.open_unix_connection(path)
    task = asyncio.create_task(collector.serve(reader, writer))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_every_collector_gets_every_message(tmp_path: Path) -> None:
    house, one, two = House(Target("unix", str(tmp_path / "s"))), Collector(), Collector()
    async with house.listening() as outlet:
        assert not outlet.takes()
        async with visit(one, tmp_path / "s"), visit(two, tmp_path / "s"):
            await until(lambda: len(outlet._writers) == 2)
            assert outlet.takes()
            for payload in (b"a", b"b"):
                outlet.put(payload)
            await until(lambda: one.payloads == two.payloads == [b"a", b"b"])
        await until(lambda: not outlet.takes())
    assert not (tmp_path / "s").exists()


async def test_who_takes_nothing_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collectors, "ROOM", 10_000)
    house, deaf, good = House(Target("unix", str(tmp_path / "s"))), Collector(["deaf"]), Collector()
    async with house.listening() as outlet, visit(deaf, tmp_path / "s"), visit(good, tmp_path / "s"):
        await until(lambda: len(outlet._writers) == 2)
        async with asyncio.timeout(10):
            while len(outlet._writers) == 2:
                outlet.put(bytes(1000))
                await asyncio.sleep(0)
        count = len(good.payloads)
        outlet.put(b"more")
        await until(lambda: good.payloads[-1] == b"more")
        assert count


@pytest.mark.parametrize(
    ("manner", "error"),
    [("mute", "read: i/o timeout"), ("rude", "decoding error"), ("alien", "content type mismatch"), ("shut", "")],
)
async def test_who_does_not_do_its_part_is_let_go(
    manner: str, error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, printed: Printed
) -> None:
    monkeypatch.setattr(frames, "TIMEOUT", 0.05)
    house, good = House(Target("unix", str(tmp_path / "s"))), Collector()
    async with house.listening() as outlet, visit(Collector([manner]), tmp_path / "s"), visit(good, tmp_path / "s"):
        await until(lambda: len(outlet._writers) == 1 and len(house.tasks) == 1)
        (line,) = printed()
        assert line.startswith("[WARNING] plugin/dnstap: Error creating encoder for dnstap client: ")
        assert error in line
        outlet.put(b"x")
        await until(lambda: good.payloads == [b"x"])


async def test_only_so_many_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collectors, "MOST", 1)
    house, first, second = House(Target("unix", str(tmp_path / "s"))), Collector(["mute"]), Collector()
    async with house.listening(), visit(first, tmp_path / "s"):
        await until(lambda: len(house.tasks) == 1)
        async with visit(second, tmp_path / "s"):
            await asyncio.sleep(0.02)
            assert len(house.tasks) == 1


async def test_they_are_told_of_the_end_and_may_come_again(tmp_path: Path) -> None:
    house, collector = House(Target("unix", str(tmp_path / "s"))), Collector()
    async with house.listening() as outlet:
        for number in (1, 2):
            async with visit(collector, tmp_path / "s"):
                await until(outlet.takes)
                outlet.put(b"%d" % number)
                await outlet.close()
                await until(lambda: collector.finished == number)  # noqa: B023
            await outlet.listen()
    assert collector.payloads == [b"1", b"2"]


async def test_over_tcp() -> None:
    port, collector = unused_port(), Collector()
    async with House(Target("tcp", f"127.0.0.1:{port}")).listening() as outlet, visit(collector, port):
        await until(outlet.takes)
        outlet.put(b"x")
        await until(lambda: collector.payloads)


@pytest.mark.parametrize(
    ("options", "client", "welcome"),
    [
        ("", False, True),
        ("ca", True, True),
        ("ca", False, False),
        ("ca skipverify", False, True),
    ],
)
async def test_over_tls(options: str, client: bool, welcome: bool) -> None:
    port, collector = unused_port(), Collector()
    ca = TLS / "ca.crt" if "ca" in options else ""
    skip = "skipverify" if "skipverify" in options else ""
    chain = root_chain(
        f"dnstap listen tls://127.0.0.1:{port} {{\n tls {TLS}/server.crt {TLS}/server.key {ca}\n {skip}\n}}"
    )
    trusting = ssl.create_default_context(cafile=TLS / "ca.crt")
    if client:
        trusting.load_cert_chain(TLS / "client.crt", TLS / "client.key")
    outlet = chain.links["dnstap"]._taps[0]._outlet  # type: ignore[attr-defined]
    async with chain.running(), visit(collector, port, trusting):
        if welcome:
            await until(outlet.takes)
        else:
            await until(lambda: collector.writers and collector.writers[0].is_closing())
            assert not outlet.takes()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("listen /no/folder/s", "listen unix /no/folder/s: "),
        ("listen tcp://192.0.2.1:6000", "listen tcp 192.0.2.1:6000: "),
        ("listen tcp://127.0.0.1", "address 127.0.0.1: missing port in address"),
        ("listen tls://127.0.0.1:1 {\n tls /no/crt /no/key\n}", "could not load TLS cert: open /no/crt: no such file"),
    ],
)
async def test_what_cannot_be_opened_is_logged(text: str, error: str, printed: Printed) -> None:
    chain = root_chain(f"dnstap {text}")
    async with chain.running():
        (line,) = [each for each in printed() if "Failed" in each]
        assert line.startswith("[ERROR] plugin/dnstap: Failed to start dnstap listener: ")
        assert error in line
        await chain.fire("restart")
        await chain.fire("restart_failed")


async def test_tls_needs_a_certificate(printed: Printed) -> None:
    chain = root_chain("dnstap listen tls://127.0.0.1:1")
    assert printed() == ["[WARNING] plugin/dnstap: TLS listener requires cert and key files"]
    async with chain.running():
        assert not chain.links["dnstap"]._taps[0]._outlet.takes()  # type: ignore[attr-defined]


async def test_another_instance_takes_the_place(tmp_path: Path) -> None:
    text = f"dnstap listen {tmp_path}/s\nwhoami"
    before, after = root_chain(text), root_chain(text)
    async with before.running():
        collector = Collector()
        async with visit(collector, tmp_path / "s"):
            await until(before.links["dnstap"]._taps[0]._outlet.takes)  # type: ignore[attr-defined]
            await before.fire("restart")
            await until(lambda: collector.finished == 1)
        async with after.running(), visit(Collector(), tmp_path / "s"):
            await until(after.links["dnstap"]._taps[0]._outlet.takes)  # type: ignore[attr-defined]
