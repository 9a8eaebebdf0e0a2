import socket

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from kdns.cluster.errors import resource_name, response_error, transport_error

KEY = ConnectionKey("api.example", 6443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/services", "services"),
        ("/apis/discovery.k8s.io/v1/endpointslices", "endpointslices.discovery.k8s.io"),
    ],
)
def test_names_of_resources(path: str, name: str) -> None:
    assert resource_name(path) == name


@pytest.mark.parametrize(
    ("error", "message", "reason"),
    [
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known")),
            "dial tcp: lookup api.example: Name or service not known",
            "Connection",
        ),
        (
            aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "Connect call failed")),
            "dial tcp api.example:6443: connect: connection refused",
            "ConnectionRefused",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError("Multiple exceptions: [Errno 111] ('::1'), [Errno 111] (...)")),
            "dial tcp api.example:6443: connect: connection refused",
            "ConnectionRefused",
        ),
        (
            aiohttp.ClientConnectorError(KEY, OSError(113, "No route to host")),
            "dial tcp api.example:6443: connect: No route to host",
            "Connection",
        ),
        (aiohttp.ClientPayloadError("not complete"), "not complete", "Connection"),
        (aiohttp.ServerDisconnectedError(), "Server disconnected", "Connection"),
        (TimeoutError(), "timed out", "Timeout"),
        (aiohttp.SocketTimeoutError("slow"), "timed out: slow", "Timeout"),
        (ValueError("header"), "header", "Malformed"),
        (OSError(), "OSError", "Connection"),
    ],
)
def test_foreign_errors(error: Exception, message: str, reason: str) -> None:
    mapped = transport_error(error)
    assert (str(mapped), mapped.reason, mapped.status, mapped.refused) == (
        message,
        reason,
        0,
        reason == "ConnectionRefused",
    )


@pytest.mark.parametrize(
    ("header", "body", "wait"),
    [
        ("7", b"", 7),
        ("0", b"", None),
        ("-1", b"", None),
        ("soon", b"", None),
        ("9" * 30, b"", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", b"", None),
        (None, b'{"details":{"retryAfterSeconds":3}}', 3),
        (None, b'{"details":{"retryAfterSeconds":-3}}', None),
        (None, b'{"details":{"retryAfterSeconds":"x"}}', None),
        ("500", b"", 120),
    ],
)
def test_how_long_a_server_asks_to_wait(header: str | None, body: bytes, wait: float | None) -> None:
    headers = {"Retry-After": header} if header else {}
    assert response_error("/api/v1/services", 503, headers, body).retry_after == wait
