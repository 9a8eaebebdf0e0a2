"""The way to a collector that is connected to, whatever the collector does."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kdns.plugins.dnstap import frames, sink
from kdns.plugins.dnstap.sink import Sink
from kdns.plugins.dnstap.target import Target
from tests.kit.until import until
from tests.kit.upstream import unused_port
from tests.plugins.dnstap.collector import Collector, listening

pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

Printed = Callable[[], list[str]]
TLS = Path(__file__).parents[2] / "kit" / "tls"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts and reports follow each other fast."""
    monkeypatch.setattr(sink, "INTERVAL", 0.02)


@asynccontextmanager
async def running(*sinks: Sink) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work) for each in sinks for work in (each.run(), each.report())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def put(sink: Sink, *payloads: bytes) -> list[bool]:
    """Whether each was taken."""
    taken = []
    for payload in payloads:
        taken.append(sink.takes())
        if taken[-1]:
            sink.put(payload)
    return taken


async def test_messages_arrive_in_order(tmp_path: Path) -> None:
    collector, sent = Collector(), [b"%d" % number for number in range(3000)]
    async with listening(collector.serve, tmp_path / "s"):
        tap = Sink(Target("unix", str(tmp_path / "s")))
        async with running(tap):
            await until(lambda: collector.connections)
            assert all(put(tap, *sent))
            await until(lambda: len(collector.payloads) == len(sent))
    assert collector.payloads == sent
    assert (collector.connections, tap.dropped) == (1, 0)


async def test_at_the_end_what_is_left_is_sent_and_we_part(tmp_path: Path) -> None:
    collector = Collector()
    async with listening(collector.serve, tmp_path / "s"):
        tap = Sink(Target("unix", str(tmp_path / "s")))
        async with running(tap):
            await until(lambda: collector.connections)
            put(tap, b"first")
            await until(lambda: collector.payloads)
            put(tap, b"last", b"very last")
        await until(lambda: collector.finished)
    assert collector.payloads == [b"first", b"last", b"very last"]


async def test_messages_wait_while_the_first_connection_is_made(tmp_path: Path) -> None:
    collector = Collector()
    async with listening(collector.serve, tmp_path / "s"):
        tap = Sink(Target("unix", str(tmp_path / "s")))
        async with running(tap):
            await asyncio.sleep(0)
            assert put(tap, b"early") == [True]
            await until(lambda: collector.payloads == [b"early"])


async def test_over_tcp_with_a_buffer_of_its_own() -> None:
    collector = Collector()
    async with listening(collector.serve) as port:
        tap = Sink(Target("tcp", f"localhost:{port}"), buffer=2)
        async with running(tap):
            await until(lambda: collector.connections)
            put(tap, b"x" * 100_000)
            await until(lambda: collector.payloads)
    assert len(collector.payloads[0]) == 100_000


def trusting(*, verifies: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=TLS / "ca.crt")
    if not verifies:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def certified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    return context


@pytest.mark.usefixtures("quick")
async def test_over_tls(printed: Printed) -> None:
    collector = Collector()
    async with listening(collector.serve, tls=certified()) as port:
        good, lax, strict = (
            Sink(Target("tls", f"{host}:{port}"), tls=context)
            for host, context in (
                ("localhost", trusting(verifies=True)),
                ("127.0.0.1", trusting(verifies=False)),
                ("localhost", ssl.create_default_context()),
            )
        )
        async with running(good, lax, strict):
            await until(lambda: collector.connections >= 2)
            put(good, b"good")
            put(lax, b"lax")
            await until(lambda: sorted(collector.payloads) == [b"good", b"lax"])
            await until(lambda: any("failed to verify certificate" in line for line in printed()))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("target", "error"),
    [
        (Target("unix", "/no/socket"), "dial unix /no/socket: connect: no such file or directory"),
        (Target("unix", "/" + "x" * 200), "dial unix"),
        (Target("tcp", "127.0.0.1:PORT"), "dial tcp 127.0.0.1:PORT: connect: connection refused"),
        (Target("tcp", "127.0.0.1"), "dial tcp: address 127.0.0.1: missing port in address"),
        (Target("tcp", "127.0.0.1:99999"), "dial tcp: address 99999: invalid port"),
        (Target("tcp", "a..b:1"), "dial tcp"),
        (Target("tcp", "nowhere.invalid:1"), "dial tcp: lookup nowhere.invalid: no such host"),
    ],
)
async def test_a_collector_that_is_not_there(target: Target, error: str, printed: Printed) -> None:
    port = str(unused_port())
    tap = Sink(target._replace(address=target.address.replace("PORT", port)))
    lines: list[str] = []

    def said(text: str) -> bool:
        lines.extend(printed())
        return any(text in line for line in lines)

    async with running(tap):
        await until(lambda: said("No connection"))
        assert lines[0].startswith("[ERROR] plugin/dnstap: No connection to dnstap endpoint: ")
        assert error.replace("PORT", port) in lines[0]
        await until(lambda: put(tap, b"x") == [False])
        await until(lambda: said("[WARNING] plugin/dnstap: Dropped dnstap messages: "))
        await asyncio.sleep(0.1)
    assert sum("No connection" in line for line in [*lines, *printed()]) == 1


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("manner", ["mute", "rude", "alien", "shut", "brief"])
async def test_a_collector_that_does_not_do_its_part(
    manner: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again, and once it does its part messages arrive."""
    monkeypatch.setattr(frames, "TIMEOUT", 0.05)
    collector = Collector([manner, manner, "good"])
    async with listening(collector.serve, tmp_path / "s"):
        tap = Sink(Target("unix", str(tmp_path / "s")))
        async with running(tap):
            async with asyncio.timeout(10):
                while not collector.payloads:
                    put(tap, b"x")
                    await asyncio.sleep(0.005)
    assert collector.connections == 3


@pytest.mark.usefixtures("quick")
async def test_a_collector_that_never_reads_costs_no_more_than_the_queue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(frames, "TIMEOUT", 0.2)
    monkeypatch.setattr(sink, "QUEUE", 50)
    collector = Collector(["deaf", "good"])
    async with listening(collector.serve, tmp_path / "s"):
        tap = Sink(Target("unix", str(tmp_path / "s")))
        async with running(tap):
            await until(lambda: collector.connections)
            for _ in range(3000):
                put(tap, bytes(1000))
                if len(tap._waiting) > 45:
                    await asyncio.sleep(0)
            assert len(tap._waiting) <= 50
            assert "Dropped dnstap messages" in caplog.text or tap.dropped
            await until(lambda: collector.connections == 2)
            await until(lambda: put(tap, b"again") == [True])
            await until(lambda: collector.payloads and collector.payloads[-1] == b"again")


async def test_the_queue_is_bounded_in_messages_and_octets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sink, "QUEUE", 2)
    monkeypatch.setattr(sink, "MAX_OCTETS", 1000)
    for times, count in ((1, 2), (3, 6)):
        tap = Sink(Target("unix", "x"), queue=times)
        tap._is_open = True
        assert put(tap, *[b"x"] * 10) == [True] * count + [False] * (10 - count)
        assert tap.dropped == 10 - count
        large = Sink(Target("unix", "x"), queue=times)
        large._is_open = True
        assert put(large, bytes(1000 * times), b"x") == [True, False]


@pytest.mark.usefixtures("quick")
async def test_a_collector_that_comes_back(tmp_path: Path, printed: Printed) -> None:
    tap, before, after = Sink(Target("unix", str(tmp_path / "s"))), Collector(), Collector()
    async with running(tap):
        await until(lambda: put(tap, b"lost") == [False])
        async with listening(before.serve, tmp_path / "s"):
            await until(lambda: before.connections)
            put(tap, b"one")
            await until(lambda: before.payloads == [b"one"])
        (tmp_path / "s").unlink(missing_ok=True)  # Python 3.13 does so itself
        async with listening(after.serve, tmp_path / "s"):
            async with asyncio.timeout(10):
                while b"two" not in after.payloads:
                    put(tap, b"two")
                    await asyncio.sleep(0.005)
        printed()
