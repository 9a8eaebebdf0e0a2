"""HTTPS to a CA, within bounds: octets of a reply, seconds of a request, requests of an order, and where they go.

The library `acme` brings an HTTP client without such bounds, so it is not used: see `session`.
"""

import asyncio
import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

import aiohttp
from requests.structures import CaseInsensitiveDict

from kdns.cluster.proxy import environment_proxy
from kdns.net.failures import reason
from kdns.plugins.tls.resolver import resolver

TIMEOUT: Final = 30.0
"""Seconds for a request, with its connection and whole reply."""
MAX_REPLY: Final = 1 << 19
"""Octets of a reply."""
MAX_REQUESTS: Final = 200
"""Requests of one order."""
MAX_REDIRECTS: Final = 3
_REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))


def trust(ca_root: str) -> ssl.SSLContext:
    """A client's context that believes the CAs of the system, and those in a file if one is named; blocks.

    Raises ValueError, with CoreDNS's texts.
    """
    made = ssl.create_default_context()
    if ca_root:
        try:
            with open(ca_root, "rb"):
                pass
            made.load_verify_locations(ca_root)
        except ssl.SSLError as error:
            raise ValueError(f'ACME CA root "{ca_root}" contains no certificates') from error
        except OSError as error:
            raise ValueError(f'reading ACME CA root "{ca_root}": open {ca_root}: {reason(error)}') from error
    return made


class Unreachable(Exception):
    """The CA cannot be asked, or answers without end; the text has the URL."""


class Reply(NamedTuple):
    """A response; fields of its header are found in any letter case."""

    url: str
    status: int
    headers: CaseInsensitiveDict[str]
    body: bytes


class Web:
    """Requests of one order. `trust` has the CAs to believe, `server` is asked for addresses instead of the system."""

    def __init__(self, trust: ssl.SSLContext, server: tuple[str, int] | None, environ: Mapping[str, str]) -> None:
        self._trust = trust
        self._server = server
        self._environ = environ
        self._left = MAX_REQUESTS
        self._session: aiohttp.ClientSession | None = None
        self._secure = False

    async def fetch(self, method: str, url: str, headers: Mapping[str, str], body: str | None = None) -> Reply:
        """A response, behind redirects if nothing is posted. Raises Unreachable."""
        for _ in range(MAX_REDIRECTS + 1):
            reply = await self._fetch(method, url, headers, body)
            target = reply.headers.get("Location", "")
            if method == "POST" or reply.status not in _REDIRECTS or not target:
                return reply
            url = urljoin(url, target)
        raise Unreachable(f"{url}: more than {MAX_REDIRECTS} redirects")

    async def _fetch(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> Reply:
        self._left -= 1
        if self._left < 0:
            raise Unreachable(f"{url}: more than {MAX_REQUESTS} requests in one order")
        try:
            self._check(url)
            async with (
                asyncio.timeout(TIMEOUT),
                self._opened().request(
                    method,
                    url,
                    data=body,
                    headers={**headers, "Accept-Encoding": "identity"},
                    allow_redirects=False,
                    proxy=environment_proxy(url, self._environ),
                ) as response,
            ):
                return Reply(url, response.status, _joined(response), await _bounded(response))
        except TimeoutError as error:
            raise Unreachable(f"{url}: no reply within {TIMEOUT:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unreachable(f"{url}: {error}") from error

    def _check(self, url: str) -> None:
        """What began encrypted stays so: a directory can name any URL. In clear text only near by, as in CoreDNS."""
        parts = urlsplit(url)
        if parts.scheme != "https" and (self._secure or parts.scheme != "http" or not _is_internal(parts.hostname)):
            raise Unreachable(f"{url}: insecure CA URL (HTTPS required for non-internal CA)")
        self._secure = parts.scheme == "https"

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(ssl=self._trust, resolver=resolver(self._server), use_dns_cache=False)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    async def close(self) -> None:
        """Let go of the connections; no request comes after it."""
        self._left = 0
        if self._session is not None:
            await self._session.close()


def _is_internal(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_private
    except ValueError:
        return f".{host}".endswith((".localhost", ".local", ".internal", ".home.arpa"))


def _joined(response: aiohttp.ClientResponse) -> CaseInsensitiveDict[str]:
    """Header fields, those that come several times as one (RFC 9110 section 5.3)."""
    fields = response.headers
    return CaseInsensitiveDict({name: ", ".join(fields.getall(name)) for name in fields})


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MAX_REPLY:
            raise Unreachable(f"{response.url}: a reply of more than {MAX_REPLY} octets")
    return bytes(body)
