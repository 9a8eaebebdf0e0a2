"""ACME from the Corefile to the handshake: real sockets, and a make-believe CA that looks into the DNS over UDP."""

import asyncio
import logging
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as http
from cryptography import x509

from kdns.plugins.tls import keeper, schedule
from kdns.server.source import Source
from kdns.server.supervisor import Supervisor
from kdns.wire.message import Message, read_message
from tests.integration.running import Kdns, free_ports
from tests.kit.acme import FakeCA
from tests.kit.chain import process
from tests.kit.house import packet
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps, reply

DOMAIN = "dns.example.org"
CHALLENGE = f"_acme-challenge.{DOMAIN}"
SOA = bytes.fromhex("00 0006 0001 00000e10 0016 00 00") + bytes(16) + (3600).to_bytes(4, "big")
NXDOMAIN = 3
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])

COREFILE = """
.:{plain} {{
    bind 127.0.0.1
    {plainly}
    cache 300
    forward . 127.0.0.1:{upstream}
}}
tls://.:{tls} https://.:{https} {{
    bind 127.0.0.1
    tls {{
        acme {domains}
        email hostmaster@example.org
        ca {ca}
        storage {storage}
        ca_root {root}
        resolver 127.0.0.1:{upstream}
    }}
    whoami
}}
"""


class World:
    """A kdns that may be started several times, its CA, and the DNS of the rest of the world."""

    def __init__(self, folder: Path, ca: FakeCA, upstream: int, ports: list[int], *, plainly: str = "") -> None:
        self.ca = ca
        self.folder = folder
        self.plain, self.tls, https = ports
        names = {
            "plain": self.plain,
            "tls": self.tls,
            "https": https,
            "upstream": upstream,
            "ca": ca.url,
            "plainly": plainly,
        }
        text = COREFILE.format(**names, domains=f"{DOMAIN} *.{DOMAIN}", storage=folder / "store", root=ca.root)
        (folder / "Corefile").write_text(text)

    def server(self) -> Supervisor:
        outside = process(time.monotonic, time=time.time)
        return Supervisor(Source(str(self.folder / "Corefile")), outside, 53)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Supervisor]:
        server = self.server()
        await server.start()
        try:
            yield server
        finally:
            await server.stop(gracefully=True)

    async def ask(self, name: str, rtype: str) -> Message:
        """Ask in clear text."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.plain)
        try:
            return await exchange(reader, writer, name, rtype)
        finally:
            writer.close()

    async def connect(self, name: str = DOMAIN) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect over TLS, as a client that trusts the CA. Raises OSError if it is turned away."""
        trusted = ssl.create_default_context(cadata=self.ca.signer.pem.decode())
        return await asyncio.open_connection("127.0.0.1", self.tls, ssl=trusted, server_hostname=name)

    async def serial(self, name: str = DOMAIN) -> int:
        """The serial number of the certificate that is shown; 0 if there is none."""
        try:
            _, writer = await self.connect(name)
        except (ConnectionError, ssl.SSLError):
            return 0
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return x509.load_der_x509_certificate(der).serial_number

    async def shown(self, name: str = DOMAIN) -> int:
        """Wait for a certificate."""
        async with asyncio.timeout(10):
            while not (serial := await self.serial(name)):  # noqa: ASYNC110 - what is tried tells nobody
                await asyncio.sleep(0.02)
            return serial


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, rtype: str) -> Message:
    query = packet(name, rtype)
    writer.write(len(query).to_bytes(2, "big") + query)
    async with asyncio.timeout(10):
        size = int.from_bytes(await reader.readexactly(2), "big")
        return read_message(await reader.readexactly(size))


def nowhere(ask: Ask) -> Steps:
    """A resolver that knows where the CA is, and denies all else for an hour."""
    if ask.question.startswith(b"\x09localhost"):
        rtype = ask.question[-3]
        data = bytes([127, 0, 0, 1]) if rtype == 1 else bytes(15) + b"\1"
        record = b"\xc0\x0c\0" + bytes([rtype]) + b"\0\x01\0\0\0\0" + len(data).to_bytes(2, "big") + data
        return [ask.ident + bytes.fromhex("8180 0001 0001 0000 0000") + ask.question + record]
    head = reply(ask, flags=0x8183)
    return [head[:8] + b"\0\1" + head[10:] + SOA]


@asynccontextmanager
async def world(folder: Path, **how: Any) -> AsyncIterator[World]:
    ports = free_ports(3)
    async with FakeUpstream(nowhere) as upstream, FakeCA(folder, lambda: ports[0], lambda: time.time() - 60) as ca:
        yield World(folder, ca, upstream.port, ports, **how)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for minutes waits for a moment."""
    monkeypatch.setattr(schedule, "FIRST", 0.1)
    monkeypatch.setattr(keeper, "LOOK", 0.05)
    monkeypatch.setattr(keeper, "ASK", 0.1)


async def test_certificates_are_obtained_while_kdns_serves(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with world(tmp_path) as at:
        arrived = asyncio.Event()
        at.ca.waits = "order", arrived
        async with at.running():
            assert (await at.ask(CHALLENGE, "TXT")).rcode == NXDOMAIN  # which `cache` would keep
            assert await at.serial() == 0
            assert (await at.ask("www.example.org", "A")).rcode == NXDOMAIN
            arrived.set()
            assert await at.shown() != await at.shown(f"a.{DOMAIN}")
            assert await at.serial(f"b.a.{DOMAIN}") == 0
            reader, writer = await at.connect()
            assert len((await exchange(reader, writer, "x.example", "A")).additional) == 2
            writer.close()
            assert (await at.ask(CHALLENGE, "TXT")).rcode == NXDOMAIN
        assert sorted(at.ca.orders) == [f"*.{DOMAIN}", DOMAIN]
        assert all(at.ca.seen)
        assert sum(f"certificate for {domain} obtained" in " ".join(caplog.messages) for domain in at.ca.orders) == 2
        assert list((tmp_path / "store" / "locks").iterdir()) == []


async def test_a_restart_and_a_reload_order_nothing(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        async with at.running():
            serials = [await at.shown(), await at.shown(f"a.{DOMAIN}")]
        at.ca.requests.clear()
        async with at.running() as server:
            assert [await at.serial(), await at.serial(f"a.{DOMAIN}")] == serials
            await server.reload()
            assert [await at.serial(), await at.serial(f"a.{DOMAIN}")] == serials
        assert at.ca.requests == []


@pytest.mark.usefixtures("soon")
async def test_a_ca_that_is_down_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path) as at:
        at.ca.fault = lambda step: http.Response(status=503)
        async with at.running():
            await until(lambda: len(caplog.messages) >= 4)
            assert await at.serial() == 0
            assert (await at.ask("www.example.org", "A")).rcode == NXDOMAIN
            at.ca.fault = lambda step: None
            await at.shown()
    assert "/directory: HTTP status 503; there is none yet; next try in 0 s" in caplog.messages[0]


@pytest.mark.usefixtures("soon")
async def test_renewal_while_connections_go_on(tmp_path: Path) -> None:
    async with world(tmp_path) as at, at.running():
        first = await at.shown()
        reader, writer = await at.connect()
        at.ca.window = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
        async with asyncio.timeout(10):
            while await at.serial() == first:
                assert (await exchange(reader, writer, "x.example", "A")).rcode == 0
        assert (await exchange(reader, writer, "x.example", "A")).rcode == 0
        writer.close()


@pytest.mark.usefixtures("soon")
async def test_a_ca_that_is_down_later_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with world(tmp_path) as at, at.running():
        first = await at.shown()
        at.ca.window = ("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z")
        at.ca.fault = lambda step: http.Response(status=503) if step == "order" else None
        await until(lambda: any("the one shown ends" in line for line in caplog.messages))
        assert await at.serial() == first


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="further processes are for Linux")
async def test_all_processes_of_a_server_show_what_one_proves(tmp_path: Path) -> None:
    async with world(tmp_path, plainly="multisocket 3") as at:
        at.ca.clients = 24
        at.ca.looks_after = asyncio.Event()
        with Kdns("-conf", "Corefile", cwd=tmp_path) as kdns:
            children = Path(f"/proc/{kdns.process.pid}/task/{kdns.process.pid}/children")
            await until(lambda: len(children.read_text().split()) == 2)
            at.ca.looks_after.set()
            await at.shown()
            await at.shown(f"a.{DOMAIN}")
            await asyncio.to_thread(kdns.end, signal.SIGTERM)
        assert len(at.ca.orders) == 2
        assert len(at.ca.seen) == 48


async def test_an_end_waits_for_no_ca(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        at.ca.waits = "order", asyncio.Event()
        server = at.server()
        await server.start()
        await until(lambda: "order" in at.ca.requests)
        async with asyncio.timeout(3):
            await server.stop(gracefully=True)
        at.ca.waits[1].set()
        assert list((tmp_path / "store" / "locks").iterdir()) == []
