"""Sockets of every transport, and what a reload changes on those that stay."""

import asyncio
import errno
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kdns.chain.site import Process
from kdns.corefile import ConfigError
from kdns.server.source import Source
from kdns.server.supervisor import Supervisor
from kdns.wire import codes
from kdns.wire.message import read_message
from tests.conftest import RequireTool
from tests.kit.chain import process
from tests.kit.desk import TcpClient, UdpClient
from tests.kit.house import packet
from tests.kit.upstream import unused_port
from tests.kit.web import Web1, Web2
from tests.net.doh_rows import DROPPED, QUERY, encoded

WHOAMI = packet("web.example", "A")
LINE = b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 53\r\n"
TLS = "tls {folder}/server.crt {folder}/server.key"


class Server:
    """A running server, and its configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: Process = process()
        self.supervisor = Supervisor(Source(str(folder / "Corefile")), self.process, 0)

    def write(self, *blocks: str) -> None:
        (self.folder / "Corefile").write_text(
            "".join([block.replace("{folder}", str(self.folder)) for block in blocks])
        )

    async def start(self, *blocks: str) -> list[str]:
        self.write(*blocks)
        return await self.supervisor.start()

    async def reload(self, *blocks: str) -> None:
        self.write(*blocks)
        await self.supervisor.reload()

    def port(self, transport: str, proto: str = "tcp") -> int:
        found = [
            listeners[0]
            for place, listeners in self.supervisor._ports._open.items()
            if (place.transport, place.proto) == (transport, proto)
        ]
        (listener,) = found
        port: int = listener._sock.getsockname()[1]
        return port


def block(key: str, *directives: str) -> str:
    return "\n".join([f"{key} {{", "bind 127.0.0.1", *directives, "}", ""])


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    server = Server(tmp_path)
    yield server
    await server.supervisor.stop(gracefully=True)


@pytest.fixture
def certified(server: Server, require_tool: RequireTool) -> Server:
    """The server has a certificate for `first`."""
    certify(server.folder, "first", require_tool("openssl"))
    return server


def certify(folder: Path, name: str, openssl: str) -> None:
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "server.key"), "-out", str(folder / "server.crt")]
    subprocess.run([openssl, *words, "-subj", f"/CN={name}", *files], check=True, capture_output=True)


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def dot(port: int) -> tuple[TcpClient, bytes]:
    """A client of DNS over TLS, and the certificate that it was shown."""
    client = TcpClient(*await asyncio.open_connection("127.0.0.1", port, ssl=trusting()))
    shown = client.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return client, shown


async def test_the_listing_and_the_sockets(certified: Server) -> None:
    listing = await certified.start(block(".:0 tls://.:0 https://example.org:0", TLS, "whoami"))
    assert listing == [".:0 on 127.0.0.1", "tls://.:0 on 127.0.0.1", "https://example.org.:0 on 127.0.0.1"]
    places = sorted((place.transport, place.proto) for place in certified.supervisor._ports._open)
    assert places == [("dns", "tcp"), ("dns", "udp"), ("https", "tcp"), ("tls", "tcp")]


@pytest.mark.parametrize("scheme", ["quic", "grpc", "https3"])
async def test_transports_that_are_absent_on_purpose(server: Server, scheme: str) -> None:
    with pytest.raises(ConfigError, match=f"Corefile:1 .* \\({scheme}://\\) is absent on purpose"):
        await server.start(block(f"{scheme}://.:0", "whoami"))


async def test_a_reload_shows_new_certificates_to_new_connections(certified: Server, require_tool: RequireTool) -> None:
    text = block("tls://.:0", TLS, "whoami")
    await certified.start(text)
    port = certified.port("tls")
    early, first = await dot(port)
    await early.ask(WHOAMI)
    await asyncio.to_thread(certify, certified.folder, "second", require_tool("openssl"))
    await certified.reload(text)
    assert certified.port("tls") == port
    late, second = await dot(port)
    assert first != second
    for client in (early, late):
        assert read_message(await client.ask(WHOAMI)).rcode == 0
        await client.close()


async def test_a_reload_with_a_broken_certificate_changes_nothing(certified: Server) -> None:
    text = block("tls://.:0", TLS, "whoami")
    await certified.start(text)
    client, first = await dot(certified.port("tls"))
    (certified.folder / "server.key").write_text("")
    with pytest.raises(ConfigError, match="could not load TLS cert"):
        await certified.reload(text)
    late, second = await dot(certified.port("tls"))
    assert first == second
    for each in (client, late):
        assert read_message(await each.ask(WHOAMI)).rcode == 0
        await each.close()


async def test_without_tls_it_is_in_clear_text(server: Server) -> None:
    await server.start(block("tls://.:0", "whoami"), block("https://.:0", "whoami"))
    client = TcpClient(*await asyncio.open_connection("127.0.0.1", server.port("tls")))
    assert read_message(await client.ask(WHOAMI)).rcode == 0
    await client.close()
    web = await Web1.connect(server.port("https"))
    assert (await web.fetch("POST", "/dns-query", WHOAMI)).status == 200
    await web.close()


async def test_another_scheme_on_the_same_port_is_another_socket(certified: Server) -> None:
    await certified.start(block("tls://.:0", TLS, "whoami"))
    await certified.reload(block("https://.:0", TLS, "whoami"))
    client = await Web2.connect(certified.port("https"), tls=trusting())
    assert (await client.fetch("POST", "/dns-query", WHOAMI)).status == 200
    await client.close()


async def test_https_in_metrics_and_log(certified: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "kdns")
    text = block("https://.:0", TLS, "log", "prometheus 127.0.0.1:0", "acl drop.example {\ndrop\n}", "whoami")
    await certified.start(text)
    client = await Web2.connect(certified.port("https"), tls=trusting())
    own = client.writer.get_extra_info("sockname")[1]
    wanted = [200, 404, 400, 500]
    for target, status in zip(
        [f"/dns-query?dns={encoded(QUERY)}", "/", "/dns-query", f"/dns-query?dns={encoded(DROPPED)}"],
        wanted,
        strict=True,
    ):
        assert (await client.fetch("GET", target)).status == status
    await certified.reload(text)
    await client.close()
    value, label = certified.process.registry.value, "https://127.0.0.1:0"
    for status in wanted:
        assert value("coredns_dns_https_responses_total", label, str(status)) == 1
    assert value("coredns_dns_requests_total", label, ".", "", "tcp", "1", "A") == 2
    lines = [message for message in caplog.messages if "web.example" in message]
    assert len(lines) == 1
    assert lines[0].startswith(f'127.0.0.1:{own} - 0 "A IN web.example. tcp 29 false 65535" NOERROR qr,aa,rd ')


async def test_proxied_clients_everywhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "kdns")
    acl = "acl {\nblock net 2001:db8::/32\n}"
    text = block(
        ".:0", "proxyproto", 'log . "{remote} {port} {local} {proto}"', "prometheus 127.0.0.1:0", acl, "whoami"
    )
    await server.start(text)
    client = TcpClient(*await asyncio.open_connection("127.0.0.1", server.port("dns")))
    client.writer.write(LINE)
    assert read_message(await client.ask(WHOAMI)).rcode == 5
    await client.close()
    own = UdpClient("127.0.0.1", server.port("dns", "udp"))
    assert read_message(await own.ask(WHOAMI)).rcode == 0
    assert [message for message in caplog.messages if message.endswith(("tcp", "udp"))] == [
        "[2001:db8::7] 4711 [2001:db8::1] tcp",
        f"127.0.0.1 {own.name[1]} 127.0.0.1 udp",
    ]
    value, label = server.process.registry.value, "dns://127.0.0.1:0"
    assert value("coredns_dns_requests_total", label, ".", "", "tcp", "2", "A") == 1
    assert value("coredns_dns_requests_total", label, ".", "", "udp", "1", "A") == 1
    own.sock.close()


async def test_a_reload_may_bring_proxies_and_take_them_away(server: Server) -> None:
    acl = "acl {\nblock net 2001:db8::/32\n}"
    plain, proxied = block(".:0", acl, "whoami"), block(".:0", acl, "proxyproto", "whoami")
    await server.start(plain)
    port, listeners = server.port("dns"), [*server.supervisor._ports._open.values()]
    for text, taken in ((proxied, True), (plain, False), (proxied, True)):
        await server.reload(text)
        assert server.port("dns") == port
        assert [*server.supervisor._ports._open.values()] == listeners
        client = TcpClient(*await asyncio.open_connection("127.0.0.1", port))
        client.writer.write(LINE if taken else b"")
        assert read_message(await client.ask(WHOAMI)).rcode == (5 if taken else 0)
        await client.close()


async def test_fewer_sockets_reset_no_connection(server: Server) -> None:
    key = f".:{unused_port()}"
    port = int(key[2:])
    for number in (8, 1, 4, 1):
        rcode = codes.REFUSED if number == 1 else codes.NOERROR
        waiting = [begin_to_connect(port) for _ in range(24)] if server.supervisor._ports._open else []
        text = block(key, f"multisocket {number}", *(["acl {\nblock\n}"] if rcode else []), "whoami")
        await (server.reload if waiting else server.start)(text)
        waiting += [begin_to_connect(port) for _ in range(24)]
        for sock in waiting:
            client = TcpClient(*await asyncio.open_connection(sock=sock))
            assert read_message(await client.ask(WHOAMI)).rcode == rcode
            await client.close()


def begin_to_connect(port: int) -> socket.socket:
    """A connection that the kernel has made, or will, whoever accepts it and when."""
    sock = socket.socket()
    sock.setblocking(False)
    assert sock.connect_ex(("127.0.0.1", port)) in (0, errno.EINPROGRESS)
    return sock
