"""What a make-believe API server is told to do wrong, and to which request."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec


class Seen(NamedTuple):
    """A request that came in. `verb` is list, watch or get."""

    verb: str
    plural: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class Fault:
    """One thing to do wrong, to the next `times` requests that it fits.

    `status` answers with a `Status` object of this code. `body` answers 200 with these bytes and nothing else. `hang`
    keeps the request waiting until the server stops. The others spoil an otherwise right response: `lines` come first
    in it, `cut` breaks the connection after that many bytes, `end` ends the response after that many, `slow` sends the
    response byte by byte.
    """

    verb: str = ""
    plural: str = ""
    times: int = 1
    when: Callable[[Seen], bool] = field(default=lambda seen: True)
    status: int = 0
    reason: str = ""
    message: str = ""
    retry_after: int | None = None
    body: bytes | None = None
    lines: tuple[bytes, ...] = ()
    cut: int | None = None
    end: int | None = None
    slow: bool = False
    hang: bool = False

    def fits(self, seen: Seen) -> bool:
        if self.times <= 0 or self.verb not in ("", seen.verb) or self.plural not in ("", seen.plural):
            return False
        return self.when(seen)


REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


def status_body(code: int, message: str = "", reason: str = "", retry_after: int | None = None) -> bytes:
    """A Kubernetes `Status` of a failure."""
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message or f"fault {code}",
        "reason": reason or REASONS.get(code, ""),
        "code": code,
    }
    if retry_after is not None:
        status["details"] = {"retryAfterSeconds": retry_after}
    return msgspec.json.encode(status)


def error_line(code: int, message: str = "", reason: str = "") -> bytes:
    """A watch's ERROR event."""
    return b'{"type":"ERROR","object":%b}\n' % status_body(code, message, reason)
