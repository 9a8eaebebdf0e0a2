"""Requests for DNS over HTTPS and the statuses that CoreDNS 1.14.7 gave them, recorded with its own binary.

Every 200 had `cache-control`, `content-type: application/dns-message` and `content-length`; every other response had
`content-type: text/plain; charset=utf-8`, `x-content-type-options: nosniff`, `content-length` and one of these bodies.
"""

from base64 import urlsafe_b64encode
from typing import NamedTuple

from tests.kit.house import packet

QUERY = packet("web.example", "A", ident=0)
DROPPED = packet("drop.example", "A", ident=0)
"""What gets no reply."""
BODIES = {400: b"invalid request\n", 404: b"\n", 500: b"No response\n"}


class Row(NamedTuple):
    """A request, and the status that it got."""

    name: str
    method: str
    target: str
    status: int
    body: bytes = b""


def encoded(query: bytes) -> str:
    """A message as a URL has it."""
    return urlsafe_b64encode(query).rstrip(b"=").decode()


def _changed(at: int, octets: bytes) -> bytes:
    return QUERY[:at] + octets + QUERY[at + len(octets) :]


_P = "/dns-query"
_DNS = encoded(QUERY)
_GET = f"{_P}?dns={_DNS}"

ROWS = (
    Row("GET", "GET", _GET, 200),
    Row("POST", "POST", _P, 200, QUERY),
    Row("POST with parameters", "POST", f"{_P}?x=1", 200, QUERY),
    Row("HEAD", "HEAD", _GET, 400),
    Row("POST without body", "POST", _P, 400),
    *[Row(method, method, _P, 400, QUERY) for method in ("PUT", "PATCH")],
    *[Row(method, method, _P, 400) for method in ("OPTIONS", "DELETE")],
    # Paths
    Row("root", "GET", "/", 404),
    Row("root by POST", "POST", "/", 404, QUERY),
    Row("root by HEAD", "HEAD", "/", 404),
    Row("path with a slash", "GET", f"{_P}/?dns={_DNS}", 404),
    Row("path with two slashes", "GET", f"/{_GET}", 404),
    Row("path in capitals", "GET", f"/DNS-QUERY?dns={_DNS}", 404),
    Row("path escaped", "GET", f"/%64ns-query?dns={_DNS}", 200),
    Row("path below", "GET", f"{_P}/x?dns={_DNS}", 404),
    # Parameters
    Row("no parameters", "GET", _P, 400),
    Row("empty parameters", "GET", f"{_P}?", 400),
    Row("empty message", "GET", f"{_P}?dns=", 400),
    Row("name in capitals", "GET", f"{_P}?DNS={_DNS}", 400),
    Row("name escaped", "GET", f"{_P}?%64ns={_DNS}", 200),
    Row("two messages", "GET", f"{_GET}&dns={_DNS}", 400),
    Row("other parameters", "GET", f"{_P}?a=b&dns={_DNS}&c", 200),
    Row("semicolon before", "GET", f"{_P}?a;b&dns={_DNS}", 200),
    Row("semicolon behind", "GET", f"{_GET};a", 400),
    Row("broken escape elsewhere", "GET", f"{_P}?x=%zz&dns={_DNS}", 200),
    Row("broken escape", "GET", f"{_GET}%zz", 400),
    # Base64
    Row("padding", "GET", f"{_GET}=", 400),
    Row("no base64", "GET", f"{_P}?dns=*!", 400),
    Row("base64 for files", "GET", f"{_P}?dns=%2F%2F8", 400),
    Row("plus", "GET", f"{_P}?dns=+{_DNS}", 400),
    Row("line feed", "GET", f"{_GET}%0A", 200),
    Row("escaped letters", "GET", f"{_P}?dns=%41{_DNS[1:]}", 200),
    Row("bits left over", "GET", _GET[:-1] + chr(ord(_GET[-1]) + 1), 200),
    # Messages
    Row("message too short", "POST", _P, 400, QUERY[:11]),
    Row("message cut", "POST", _P, 400, QUERY[:-1]),
    Row("octets behind", "POST", _P, 200, QUERY + b"xx"),
    Row("a reply", "POST", _P, 400, _changed(2, b"\x81")),
    Row("opcode 5", "POST", _P, 400, _changed(2, b"\x29")),
    Row("NOTIFY", "POST", _P, 200, _changed(2, b"\x21")),
    Row("no question", "POST", _P, 400, _changed(4, b"\0\0")),
    Row("two questions", "POST", _P, 400, _changed(4, b"\0\2") + QUERY[12:]),
    Row("two answers", "POST", _P, 400, _changed(6, b"\0\2")),
    Row("an answer that is not there", "POST", _P, 400, _changed(6, b"\0\1")),  # CoreDNS: 200, it looks no further
    Row("no reply", "GET", f"{_P}?dns={encoded(DROPPED)}", 500),
    # Sizes
    Row("body of 64 KiB", "POST", _P, 200, QUERY.ljust(65536, b"\0")),
    Row("body of more", "POST", _P, 400, QUERY.ljust(65537, b"\0")),
    Row("URL with 64 KiB", "GET", f"{_P}?dns={encoded(QUERY.ljust(65536, bytes(1)))}", 200),
    Row("URL with more", "GET", f"{_P}?dns={encoded(QUERY.ljust(65540, bytes(1)))}", 400),
)
