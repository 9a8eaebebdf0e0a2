import asyncio
import ssl
import time
from pathlib import Path

import pytest

from kdns.plugins.tls.web import MAX_REQUESTS, Unreachable, Web, trust
from tests.kit.acme import FakeCA
from tests.kit.web import TLS


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://ca.example.org/", "insecure CA URL"),
        ("http://8.8.8.8/", "insecure CA URL"),
        ("ftp://localhost/", "insecure CA URL"),
        ("//localhost/", "insecure CA URL"),
        ("http://[/", "http://[/: "),
        ("http://localhost:1/", "http://localhost:1/: Cannot connect"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/: Cannot connect"),
        ("http://[::1]:1/", "http://[::1]:1/: Cannot connect"),
    ],
)
async def test_where_requests_go(url: str, error: str) -> None:
    web = Web(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), None, {})
    with pytest.raises(Unreachable) as raised:
        await web.fetch("GET", url, {})
    assert error in str(raised.value)
    await web.close()


async def test_what_began_encrypted_stays_so(tmp_path: Path) -> None:
    async with FakeCA(tmp_path, lambda: 0, time.time) as ca:
        web = Web(await asyncio.to_thread(trust, str(ca.root)), None, {})
        assert (await web.fetch("GET", ca.url, {})).status == 200
        with pytest.raises(Unreachable, match=r"insecure CA URL"):
            await web.fetch("GET", "http://localhost/", {})
        await web.close()
        with pytest.raises(Unreachable, match=rf"more than {MAX_REQUESTS} requests in one order$"):
            await web.fetch("GET", ca.url, {})


async def test_a_proxy_of_the_environment_is_asked(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.close()

    server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        web = Web(ssl.create_default_context(), None, {"HTTPS_PROXY": f"http://127.0.0.1:{port}"})
        with pytest.raises(Unreachable):
            await web.fetch("GET", "https://ca.example.org/directory", {})
        await web.close()
    assert seen[:1] == [b"CONNECT ca.example.org:443 HTTP/1.1\r\n"]


def test_whom_to_believe() -> None:
    assert trust("").verify_mode == ssl.CERT_REQUIRED
    mine = trust(str(TLS / "ca.crt"))
    assert len(mine.get_ca_certs()) >= 1
    assert mine.check_hostname
