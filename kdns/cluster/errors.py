"""What can go wrong between kdns and an API server, as one error, and the mapping of foreign errors to it.

Reason words and messages are those of the Kubernetes `Status` object, or what client-go says where none was sent; they
end up in log lines that operators search for (kubernetes.md section 4.3).
"""

import errno
from collections.abc import Mapping
from typing import Final

import aiohttp
import msgspec

MAX_WAIT: Final = 120.0
"""Seconds of the longest Retry-After that is honoured."""

_EXPIRED: Final = frozenset({"Expired", "Gone"})


class ApiError(Exception):
    """A request to the API server that failed.

    `status` is the HTTP status, or 0 if there was no response; `reason` is a word of the Kubernetes API ("Forbidden",
    "Expired", ...) or one of "ConnectionRefused", "Connection", "Timeout", "Credentials", "Malformed"; `retry_after` is
    in seconds, at most `MAX_WAIT`, or None where the server did not ask to wait.
    """

    def __init__(self, message: str, *, status: int = 0, reason: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.retry_after = retry_after

    @property
    def refused(self) -> bool:
        """The server is away or busy: the same request is worth repeating."""
        return self.status == 429 or self.reason == "ConnectionRefused"

    @property
    def expired(self) -> bool:
        """The version or the page that was asked for is no longer there."""
        return self.status == 410 or self.reason in _EXPIRED


class _Details(msgspec.Struct):
    retry_after: float = msgspec.field(default=0, name="retryAfterSeconds")


class _Status(msgspec.Struct):
    message: str = ""
    reason: str = ""
    details: _Details | None = None


_status: Final = msgspec.json.Decoder(_Status)


def response_error(path: str, status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error in a response that is not 200; `body` is its first bytes, a `Status` or anything else."""
    try:
        told = _status.decode(body)
    except msgspec.MsgspecError:
        told = _Status()
    message = told.message
    if not message and status == 404:
        message = f"the server could not find the requested resource (get {resource_name(path)})"
    if not message:
        text = " ".join(body.decode("utf-8", "replace").split())[:200]
        message = f"the server answered {status}: {text}" if text else f"the server answered {status}"
    wait = _seconds(headers.get("Retry-After")) or (told.details.retry_after if told.details else 0.0)
    return ApiError(message, status=status, reason=told.reason, retry_after=min(wait, MAX_WAIT) if wait > 0 else None)


def resource_name(path: str) -> str:
    """`services`, or `endpointslices.discovery.k8s.io`: how messages name the resource behind an API path."""
    parts = path.strip("/").split("/")
    return f"{parts[-1]}.{parts[1]}" if parts[0] == "apis" else parts[-1]


def transport_error(error: Exception) -> ApiError:
    """The error for what aiohttp, TLS or the system raised."""
    text = str(error) or type(error).__name__
    if isinstance(error, TimeoutError):
        return ApiError(f"timed out: {error}" if str(error) else "timed out", reason="Timeout")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return ApiError(f"dial tcp: lookup {error.host}: {error.os_error.strerror or text}", reason="Connection")
    if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error, aiohttp.ClientSSLError):
        return _dial_error(f"{error.host}:{error.port}", error.os_error)
    if isinstance(error, aiohttp.ClientError | OSError):
        return ApiError(text, reason="Connection")
    return ApiError(text, reason="Malformed")


def _dial_error(place: str, error: OSError) -> ApiError:
    # Where a host has several addresses, only the text tells that all of them refused.
    if error.errno == errno.ECONNREFUSED or f"[Errno {errno.ECONNREFUSED}]" in str(error):
        return ApiError(f"dial tcp {place}: connect: connection refused", reason="ConnectionRefused")
    return ApiError(f"dial tcp {place}: connect: {error.strerror or error}", reason="Connection")


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0.0
