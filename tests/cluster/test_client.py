import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from kdns.cluster import client as module
from kdns.cluster.client import Client
from kdns.cluster.credentials import Access, CredentialsError, Endpoint
from kdns.cluster.errors import ApiError
from kdns.cluster.throttle import Throttle
from tests.kit.api import FakeApi
from tests.kit.faults import Fault
from tests.kit.until import until

TLS = Path(__file__).parents[1] / "kit" / "tls"
SERVICES = "/api/v1/services"
IMPORTS = "/apis/multicluster.x-k8s.io/v1alpha1/serviceimports"
WATCH = {"watch": "true", "resourceVersion": "1000"}


def service(name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "n"}, **more}


pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class Tokens:
    """Credentials whose token is whatever the test says, counted."""

    def __init__(self, url: str, *tokens: str | None, good_for: float = 60.0) -> None:
        self.url = url
        self.tokens = list(tokens)
        self.good_for = good_for
        self.loads = 0

    def check(self) -> None:
        pass

    async def load(self) -> Access:
        self.loads += 1
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if token is None:
            raise CredentialsError("/account/token: No such file or directory")
        return Access(self.url, authorization=f"Bearer {token}", good_for=self.good_for)


class Notes:
    def __init__(self) -> None:
        self.notes: list[tuple[object, ...]] = []

    def requested(self, code: str, method: str, host: str) -> None:
        self.notes.append(("requested", code, method, host))

    def took(self, verb: str, host: str, seconds: float) -> None:
        self.notes.append(("took", verb, host, seconds))

    def waited(self, verb: str, host: str, seconds: float) -> None:
        self.notes.append(("waited", verb, host, seconds))


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        yield api


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Client]]:
    clients: list[Client] = []

    def connect(api: FakeApi | str, **options: Any) -> Client:
        credentials = options.pop("credentials", None)
        url = api if isinstance(api, str) else api.url
        clients.append(Client(credentials or Endpoint(url, environ={}), **options))
        return clients[-1]

    yield connect
    for client in clients:
        await client.close()


Connect = Callable[..., Client]


async def listed(client: Client, path: str = SERVICES, **params: str) -> list[bytes]:
    return [document async for document in client.list(path, params)]


async def watched(client: Client, count: int, lines: list[bytes] | None = None) -> list[bytes]:
    lines = [] if lines is None else lines
    async with aclosing(client.watch(SERVICES, WATCH)) as batches:
        assert await anext(batches) == []
        async for batch in batches:
            assert batch
            lines += batch
            if len(lines) >= count:
                break
    return lines


async def failure(client: Client, path: str = SERVICES) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await listed(client, path)
    return caught.value


async def test_a_list_and_its_headers(api: FakeApi, connect: Connect) -> None:
    api.store.put(service("a") | {"metadata": {"name": "a", "namespace": "n", "labels": {"a": "c"}}})
    documents = await listed(connect(api), limit="500", labelSelector="a in (b,c),!d", resourceVersion="0")
    assert len(documents) == 1
    assert b'"name":"a"' in documents[0]
    (seen,) = api.seen
    assert seen.params == {"limit": "500", "labelSelector": "a in (b,c),!d", "resourceVersion": "0"}
    assert seen.headers["user-agent"].startswith("kdns/")
    assert seen.headers["accept-encoding"] == "identity"
    assert "authorization" not in seen.headers


async def test_a_long_list_comes_in_small_documents(api: FakeApi, connect: Connect) -> None:
    for n in range(2000):
        api.store.put(service(f"s{n}", spec={"pad": "p" * 500}))
    documents = await listed(connect(api))
    assert len(documents) > 2
    assert max(map(len, documents)) < 2 * 256 * 1024 + 200_000
    assert sum(document.count(b'"name":"s') for document in documents) == 2000


async def test_a_watch_gives_whole_lines(api: FakeApi, connect: Connect) -> None:
    for n in range(3):
        api.store.put(service(f"s{n}", spec={"pad": "p" * 200_000}))
    lines = await watched(connect(api), 3)
    assert [line[:15] for line in lines] == [b'{"type":"ADDED"'] * 3
    assert all(line.endswith(b"}}") for line in lines)


async def test_a_watch_byte_by_byte(api: FakeApi, connect: Connect) -> None:
    api.store.put(service("a"))
    api.faults.append(Fault("watch", slow=True))
    (line,) = await watched(connect(api), 1)
    assert line.startswith(b'{"type":"ADDED"')


async def test_a_line_cut_short_is_dropped_and_the_break_is_told(api: FakeApi, connect: Connect) -> None:
    api.store.put(service("a"))
    api.store.put(service("b"))
    api.faults.append(Fault("watch", cut=260))
    lines: list[bytes] = []
    with pytest.raises(ApiError) as caught:
        await watched(connect(api), 9, lines=lines)
    assert caught.value.reason == "Connection"
    assert len(lines) == 1


async def test_a_line_without_end_is_an_error(api: FakeApi, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE", 1 << 20)
    api.faults.append(Fault("watch", body=b"x" * (2 << 20)))
    with pytest.raises(ApiError, match="a line of more than"):
        await watched(connect(api), 1)


async def test_silence_is_an_error(api: FakeApi, connect: Connect) -> None:
    api.faults.append(Fault("list", hang=True))
    error = await failure(connect(api, silence_limit=0.05))
    assert (error.status, error.reason) == (0, "Timeout")


async def test_refused_connections(connect: Connect) -> None:
    async with FakeApi() as api:
        pass
    error = await failure(connect(api))
    assert (error.status, error.reason, error.refused) == (0, "ConnectionRefused", True)
    assert (await failure(connect(f"http://localhost:{api.port}"))).refused


@pytest.mark.parametrize(
    ("status", "reason", "refused", "expired"),
    [
        (403, "Forbidden", False, False),
        (410, "Expired", False, True),
        (429, "TooManyRequests", True, False),
        (500, "InternalError", False, False),
        (503, "ServiceUnavailable", False, False),
    ],
)
async def test_errors_of_the_server(
    api: FakeApi, connect: Connect, status: int, reason: str, refused: bool, expired: bool
) -> None:
    api.faults.append(Fault("list", status=status, message="told so"))
    error = await failure(connect(api))
    assert (error.status, error.reason, str(error)) == (status, reason, "told so")
    assert (error.refused, error.expired, error.retry_after) == (refused, expired, None)


async def test_retry_after(api: FakeApi, connect: Connect) -> None:
    api.faults += [Fault("list", status=429, retry_after=7), Fault("list", status=503, retry_after=100_000)]
    client = connect(api)
    assert (await failure(client)).retry_after == 7
    assert (await failure(client)).retry_after == 120


async def test_a_missing_resource_is_named_like_client_go_names_it(api: FakeApi, connect: Connect) -> None:
    api.missing.add("serviceimports")
    error = await failure(connect(api), IMPORTS)
    assert error.status == 404
    assert str(error) == ("the server could not find the requested resource (get serviceimports.multicluster.x-k8s.io)")


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"<html>bad\n gateway</html>", ": <html>bad gateway</html>"), (b"", ""), (b"\xff", ": \ufffd")],
)
async def test_an_error_that_is_no_status(api: FakeApi, connect: Connect, body: bytes, message: str) -> None:
    api.faults.append(Fault("list", status=502, body=body))
    assert str(await failure(connect(api))) == f"the server answered 502{message}"


async def test_a_redirect_is_not_followed(api: FakeApi, connect: Connect) -> None:
    api.faults.append(Fault("list", status=307, body=b"elsewhere"))
    assert (await failure(connect(api))).status == 307
    assert len(api.seen) == 1


async def test_a_list_that_breaks_off(api: FakeApi, connect: Connect) -> None:
    api.store.put(service("a"))
    api.faults.append(Fault("list", cut=50))
    assert (await failure(connect(api))).reason == "Connection"


async def test_a_rotated_token_is_loaded_after_401(api: FakeApi, connect: Connect) -> None:
    api.tokens = {"new"}
    credentials = Tokens(api.url, "old", "new")
    client = connect(api, credentials=credentials)
    await listed(client)
    assert [seen.headers["authorization"] for seen in api.seen] == ["Bearer old", "Bearer new"]
    await listed(client)
    assert credentials.loads == 2


async def test_many_requests_at_once_load_a_new_token_once(api: FakeApi, connect: Connect) -> None:
    credentials = Tokens(api.url, "old", "new")
    client = connect(api, credentials=credentials)
    await listed(client)
    api.tokens = {"new"}
    await asyncio.gather(*(listed(client) for _ in range(5)))
    assert credentials.loads == 2


async def test_401_for_the_new_token_too(api: FakeApi, connect: Connect) -> None:
    api.tokens = {"none"}
    error = await failure(connect(api, credentials=Tokens(api.url, "old", "new")))
    assert (error.status, len(api.seen)) == (401, 2)


async def test_credentials_are_loaded_again_when_they_have_aged(api: FakeApi, connect: Connect) -> None:
    now = [0.0]
    credentials = Tokens(api.url, "one", "two", good_for=60)
    client = connect(api, credentials=credentials, clock=lambda: now[0])
    for now[0] in (0.0, 59.0, 60.0, 100.0):
        await listed(client)
    assert [seen.headers["authorization"] for seen in api.seen] == [
        "Bearer one",
        "Bearer one",
        "Bearer two",
        "Bearer two",
    ]


async def test_old_credentials_do_where_new_ones_cannot_be_read(
    api: FakeApi, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = connect(api, credentials=Tokens(api.url, "one", None, good_for=0))
    await listed(client)
    await listed(client)
    assert caplog.messages == ["Going on with the old credentials: /account/token: No such file or directory"]


async def test_no_credentials_at_all(api: FakeApi, connect: Connect) -> None:
    error = await failure(connect(api, credentials=Tokens(api.url, None)))
    assert (error.reason, str(error)) == ("Credentials", "/account/token: No such file or directory")
    api.tokens = {"other"}
    assert (await failure(connect(api, credentials=Tokens(api.url, "one", None)))).reason == "Credentials"


async def test_lists_are_throttled_and_watches_are_not(api: FakeApi, connect: Connect) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    client = connect(api, throttle=Throttle(2.0, 1, clock=lambda: 0.0, sleep=sleep))
    api.store.put(service("a"))
    for _ in range(3):
        await watched(client, 1)
    assert slept == []
    for _ in range(3):
        await listed(client)
    assert slept == [0.5, 1.0]


async def test_requests_in_flight_are_limited_until_their_headers_come(api: FakeApi, connect: Connect) -> None:
    client = connect(api, max_inflight=1)
    api.store.put(service("a"))
    async with aclosing(client.watch(SERVICES, WATCH)) as open_watch:
        await anext(open_watch)
        await listed(client)
    api.faults.append(Fault("list", hang=True))
    first = asyncio.create_task(listed(client))
    await until(lambda: len(api.requests("list")) == 2)
    second = asyncio.create_task(listed(client))
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(api.requests("list")) == 2
    first.cancel()
    await second
    assert len(api.requests("list")) == 3


async def test_what_the_observer_is_told(api: FakeApi, connect: Connect) -> None:
    notes = Notes()
    client = connect(api, observer=notes, clock=iter(range(100)).__next__)
    host = api.url.removeprefix("http://")
    await listed(client)
    assert notes.notes == [
        ("waited", "GET", host, 0.0),
        ("requested", "200", "GET", host),
        ("took", "GET", host, pytest.approx(1, abs=3)),
    ]
    notes.notes.clear()
    api.store.put(service("a"))
    await watched(client, 1)
    api.faults.append(Fault("watch", status=500))
    with pytest.raises(ApiError):
        await watched(client, 1)
    assert notes.notes == [("requested", "200", "GET", host), ("requested", "500", "GET", host)]
    await api.stop()
    notes.notes.clear()
    await failure(client)
    assert notes.notes[1] == ("requested", "<error>", "GET", host)


async def test_tls_with_a_client_certificate(connect: Connect) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(TLS / "ca.crt"))
    context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    api = FakeApi()
    await api.start(ssl_context=context)
    files = (str(TLS / "client.crt"), str(TLS / "client.key"), str(TLS / "ca.crt"))
    client = connect(api, credentials=Endpoint(api.url, files, {}))
    api.store.put(service("a"))
    assert len(await listed(client)) == 1
    assert len(await watched(client, 1)) == 1
    await client.close()
    stranger = connect(api, credentials=Endpoint(api.url, (*files[:2], str(TLS / "stranger.crt")), {}))
    error = await failure(stranger)
    assert error.reason == "Connection"
    assert "CERTIFICATE_VERIFY_FAILED" in str(error)
    await api.stop()


async def test_an_address_that_cannot_be_requested(connect: Connect) -> None:
    assert (await failure(connect("http://127.0.0.1:1/%zz\u0000", credentials=Tokens("http://[", "t")))).reason
    assert (await failure(connect("http://h", credentials=Tokens("http://127.0.0.1:1", "line\nbreak")))).reason
