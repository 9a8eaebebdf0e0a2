"""HTTP endpoints for probes and scrapes, and what slow, many and hostile clients can do to them: nothing."""

import asyncio
import contextlib
import logging
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tests.kit
from kdns.net import http, http_server
from kdns.net.errors import ListenError
from kdns.net.http import HttpEndpoint, RequestFailed, Response, Route, SlowRoute, get
from tests.kit.until import until
from tests.kit.upstream import unused_port

CERTIFICATES = Path(tests.kit.__path__[0]) / "tls"
both_loops = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
Make = Callable[..., Awaitable[HttpEndpoint]]


def healthy(headers: Mapping[str, str]) -> Response:
    return Response(b"OK")


def broken(headers: Mapping[str, str]) -> Response:
    raise LookupError("a bug")


def echo(headers: Mapping[str, str]) -> Response:
    return Response(headers.get("accept", "").encode(), 503, "text/x-echo", {"X-More": "1"})


ROUTES: Mapping[str, Route] = {"/health": healthy, "/broken": broken, "/echo": echo}


async def slow(parameters: Mapping[str, str]) -> Response:
    await asyncio.sleep(float(parameters["seconds"]))
    return Response(b"at last")


SLOW: Mapping[str, Route | SlowRoute] = {"/slow": SlowRoute(slow, 0.5), "/health": healthy}


@pytest.fixture
async def endpoint_at() -> AsyncIterator[Make]:
    """`await endpoint_at(host, port)` is stopped after the test."""
    made: list[HttpEndpoint] = []

    async def endpoint_at(host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None) -> HttpEndpoint:
        made.append(HttpEndpoint(host, port, ROUTES, tls=tls))
        await made[-1].start()
        return made[-1]

    yield endpoint_at
    for endpoint in made:
        await endpoint.stop(0.1)


async def talk(endpoint: HttpEndpoint, sent: bytes, address: str = "127.0.0.1") -> bytes:
    """Everything the endpoint says until it closes the connection."""
    reader, writer = await asyncio.open_connection(address, endpoint.port)
    writer.write(sent)
    try:
        return await reader.read()
    finally:
        writer.close()


def request(method: str = "GET", path: str = "/health", headers: str = "", body: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}".encode()


@both_loops
class TestServing:
    async def test_a_route_answers_and_tells_nothing_else(self, endpoint_at: Make) -> None:
        got = await talk(await endpoint_at(), request())
        head, _, body = got.partition(b"\r\n\r\n")
        assert body == b"OK"
        lines = head.decode().split("\r\n")
        assert lines[0] == "HTTP/1.1 200 OK"
        assert sorted(line.partition(":")[0] for line in lines[1:]) == [
            "Connection",
            "Content-Length",
            "Content-Type",
            "Date",
        ]
        assert "Content-Type: text/plain; charset=utf-8" in lines

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
    async def test_any_method_will_do(self, endpoint_at: Make, method: str) -> None:
        got = await talk(await endpoint_at(), request(method, headers="Content-Length: 3\r\n", body="abc"))
        assert got.startswith(b"HTTP/1.1 200 OK")
        assert got.endswith(b"\r\n\r\nOK")

    async def test_head_has_no_body(self, endpoint_at: Make) -> None:
        got = await talk(await endpoint_at(), request("HEAD"))
        assert got.startswith(b"HTTP/1.1 200 OK")
        assert got.endswith(b"\r\n\r\n")

    @pytest.mark.parametrize("path", ["/", "/healthz", "/health/", "/HEALTH", "//health", "/a/../health", "/%00"])
    async def test_any_other_path_is_not_found(self, endpoint_at: Make, path: str) -> None:
        got = await talk(await endpoint_at(), request(path=path))
        assert got.startswith(b"HTTP/1.1 404 Not Found")
        assert got.endswith(b"404 page not found\n")

    async def test_a_query_string_does_not_matter(self, endpoint_at: Make) -> None:
        assert (await talk(await endpoint_at(), request(path="/health?x=1"))).endswith(b"OK")

    async def test_a_route_sees_headers_and_says_what_it_wants(self, endpoint_at: Make) -> None:
        got = await talk(await endpoint_at(), request(path="/echo", headers="ACCEPT: this\r\n"))
        assert got.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nContent-Type: text/x-echo\r\n" in got
        assert b"\r\nX-More: 1\r\n" in got
        assert got.endswith(b"this")

    async def test_a_route_that_fails_is_logged_and_the_others_live(
        self, endpoint_at: Make, caplog: pytest.LogCaptureFixture
    ) -> None:
        endpoint = await endpoint_at()
        got = await talk(endpoint, request(path="/broken"))
        assert got.startswith(b"HTTP/1.1 500 ")
        assert b"a bug" not in got
        assert "a bug" in caplog.text
        assert (await talk(endpoint, request())).endswith(b"OK")

    async def test_connections_are_kept_for_the_next_request(self, endpoint_at: Make) -> None:
        endpoint = await endpoint_at()
        got = await talk(endpoint, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n" * 3 + request())
        assert got.count(b"HTTP/1.1 200 OK") == 4

    async def test_it_listens_on_all_addresses(self, endpoint_at: Make) -> None:
        endpoint = await endpoint_at("")
        assert (await talk(endpoint, request())).endswith(b"OK")
        assert (await talk(endpoint, request(), "::1")).endswith(b"OK")

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"])
    async def test_it_reaches_itself(self, endpoint_at: Make, host: str) -> None:
        endpoint = await endpoint_at(host)
        status, seconds = await get(host, endpoint.port, "/health")
        assert status == 200
        assert 0 < seconds < 3
        assert (await get(host, endpoint.port, "/nothing"))[0] == 404

    async def test_it_speaks_tls(self, endpoint_at: Make) -> None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(CERTIFICATES / "server.crt", CERTIFICATES / "server.key")
        endpoint = await endpoint_at(tls=tls)
        client = ssl.create_default_context(cafile=str(CERTIFICATES / "ca.crt"))
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port, ssl=client)
        writer.write(request())
        assert (await reader.read()).endswith(b"OK")
        writer.close()

    async def test_two_share_a_port_and_one_may_follow_the_other(self, endpoint_at: Make) -> None:
        first = await endpoint_at()
        second = await endpoint_at(port=first.port)
        await first.stop()
        assert (await talk(second, request())).endswith(b"OK")
        await second.stop()
        with pytest.raises(RequestFailed, match="connection refused"):
            await get("127.0.0.1", first.port, "/health")
        await first.start()
        assert (await get("127.0.0.1", first.port, "/health"))[0] == 200

    async def test_a_port_in_use_is_named_as_in_go(self) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            text = rf"^listen tcp 127\.0\.0\.1:{port}: bind: address already in use$"
            with pytest.raises(ListenError, match=text):
                await HttpEndpoint("127.0.0.1", port, ROUTES).start()

    async def test_a_host_that_does_not_resolve(self) -> None:
        with pytest.raises(ListenError, match=r"^listen tcp: lookup no-such-host\.invalid: no such host$"):
            await HttpEndpoint("no-such-host.invalid", 0, ROUTES).start()

    async def test_stopping_closes_idle_connections(self, endpoint_at: Make) -> None:
        endpoint = await endpoint_at()
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nOK")
        tasks = len(asyncio.all_tasks())
        await endpoint.stop()
        assert await reader.read() == b""
        writer.close()
        await until(lambda: len(asyncio.all_tasks()) < tasks)


@both_loops
class TestHostileClients:
    @pytest.mark.parametrize(
        "sent",
        [
            b"",
            b"GET /hea",
            b"GET /health HTTP/1.1\r\nHost: x\r\nX: ",
            b"POST /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nabc",
            b"POST /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n",
        ],
        ids=["nothing", "half a line", "half a header", "half a body", "half a chunk", "a request, then nothing"],
    )
    async def test_patience_ends(self, endpoint_at: Make, monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
        monkeypatch.setattr(http, "TIMEOUT", 0.1)
        monkeypatch.setattr(http_server, "_LINGER", 0.1)
        endpoint = await endpoint_at()
        async with asyncio.timeout(3):
            await talk(endpoint, sent)

    async def test_who_does_not_read_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "TIMEOUT", 0.1)
        endpoint = HttpEndpoint("127.0.0.1", 0, {"/long": lambda _: Response(b"x" * 50_000_000)})
        await endpoint.start()
        _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port, limit=1000)
        writer.write(request(path="/long"))
        guard = endpoint._guard
        assert guard is not None
        await until(lambda: guard.requests_count)
        await until(lambda: not guard.open, 3)
        _, another = await asyncio.open_connection("127.0.0.1", endpoint.port, limit=1000)
        another.write(request(path="/long"))
        await until(lambda: guard.requests_count == 2)
        async with asyncio.timeout(3):
            await endpoint.stop(0.05)
        await until(lambda: not guard.open)
        writer.close()
        another.close()

    async def test_crumbs_buy_no_time(self, endpoint_at: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(http, "TIMEOUT", 0.1)
        endpoint = await endpoint_at()
        reader, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(b"GET /health HTTP/1.1\r\n")

        async def drip() -> None:
            while True:
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(3):
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        dripping.cancel()
        writer.close()

    async def test_too_many_connections_cost_the_oldest(self, endpoint_at: Make) -> None:
        endpoint = await endpoint_at()
        pairs = [await asyncio.open_connection("127.0.0.1", endpoint.port)]
        for _ in range(http_server.MAX_CONNECTIONS + 9):
            pairs.append(await asyncio.open_connection("127.0.0.1", endpoint.port))
        assert (await talk(endpoint, request())).endswith(b"OK")
        assert await pairs[0][0].read() == b""
        guard = endpoint._guard
        assert guard is not None
        await until(lambda: len(guard.open) <= http_server.MAX_CONNECTIONS)
        assert not pairs[-1][0].at_eof()
        for _, writer in pairs:
            writer.close()

    @pytest.mark.parametrize(
        "sent",
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 50 + b"\r\n\r\n",
            b"GET\r\n\r\n",
            b"GET /health HTTP/9.9\r\n\r\n",
            b"GET /health HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
            b"GET /health HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n",
            b"GET /health HTTP/1.1\r\nX: " + b"a" * 100000 + b"\r\n\r\n",
            b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n",
            b"CONNECT evil:443 HTTP/1.1\r\n\r\n",
        ],
    )
    async def test_what_is_no_request_is_refused_without_a_word_in_the_log(
        self, endpoint_at: Make, caplog: pytest.LogCaptureFixture, sent: bytes
    ) -> None:
        endpoint = await endpoint_at()
        got = b""
        with contextlib.suppress(ConnectionResetError):
            got = await talk(endpoint, sent)
        assert re.match(rb"HTTP/1\.[01] 4\d\d |$", got)
        assert b"aiohttp" not in got
        assert b"Python" not in got
        assert [record for record in caplog.records if record.levelno >= logging.INFO] == []
        assert (await talk(endpoint, request())).endswith(b"OK")


@given(st.lists(st.binary(max_size=200) | st.sampled_from([b"\r\n", b" HTTP/1.1\r\n", b"GET ", b":"]), max_size=10))
def test_no_bytes_stop_an_endpoint(parts: list[bytes]) -> None:
    async def main() -> None:
        endpoint = HttpEndpoint("127.0.0.1", 0, ROUTES)
        await endpoint.start()
        _, writer = await asyncio.open_connection("127.0.0.1", endpoint.port)
        writer.write(b"".join(parts))
        assert (await get("127.0.0.1", endpoint.port, "/health"))[0] == 200
        writer.close()
        await endpoint.stop(0)

    asyncio.run(main())


@both_loops
class TestAsking:
    async def test_nobody_listens(self) -> None:
        port = unused_port()
        text = rf'^Get "http://:{port}/health": dial tcp 127\.0\.0\.1:{port}: connect: connection refused$'
        with pytest.raises(RequestFailed, match=text):
            await get("", port, "/health")

    async def test_a_host_that_does_not_resolve(self) -> None:
        with pytest.raises(RequestFailed, match="no such host"):
            await get("no-such-host.invalid", 80, "/health")

    @pytest.mark.parametrize(
        ("said", "words"),
        [
            (b"", "EOF"),
            (b"SSH-2.0-OpenSSH\r\n", "malformed HTTP response"),
            (b"HTTP/1.1 abc\r\n", "malformed HTTP response"),
            (b"HTTP/1.1\r\n", "malformed HTTP response"),
            (b"a" * 100000, "malformed HTTP response"),
        ],
    )
    async def test_what_is_no_response(self, said: bytes, words: str) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(said)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        with pytest.raises(RequestFailed, match=words):
            await get("127.0.0.1", server.sockets[0].getsockname()[1], "/health")
        server.close()

    async def test_silence_has_an_end(self) -> None:
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(RequestFailed, match="context deadline exceeded"):
                await get("127.0.0.1", silent.getsockname()[1], "/health", limit=0.05)


def test_aiohttp_is_imported_only_when_an_endpoint_starts() -> None:
    code = "import sys, kdns.net.http, kdns.net.upstream, kdns.net.probe; print('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


@both_loops
async def test_a_slow_route_has_its_own_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", 0.1)
    endpoint = HttpEndpoint("127.0.0.1", 0, SLOW)
    await endpoint.start()
    try:
        paths = ("/slow?seconds=0.3", "/health", "/slow?seconds=60")
        first, second, late = await asyncio.gather(*[talk(endpoint, request(path=path)) for path in paths])
    finally:
        await endpoint.stop(0.1)
    assert first.endswith(b"at last")
    assert second.endswith(b"OK")
    assert late == b""
