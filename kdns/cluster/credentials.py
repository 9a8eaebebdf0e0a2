"""Everything that names a cluster: where its API server is, and how kdns proves who it is.

Three ways (the pod's own account, a kubeconfig file, a plain endpoint) give one value, `Access`: all that a request
needs. Nothing in an `Access` ever changes; where a token rotates, `load` is asked for a new one, after `good_for`
seconds or when the server says 401. Files are read and plugins run in a thread, so the event loop never waits for them.

Kubeconfig authentication (`kdns.cluster.kubeconfig`) is the `kubernetes` package's, which is imported only when a
kubeconfig is used: it costs 20 MB and 0.3 s, and the pod's own account is two files and two variables.

Rules: every error is a `CredentialsError` that names the file; nothing is written to disk, except by the `kubernetes`
package for certificates that a kubeconfig holds inline; the TLS context stays the same object until a file's content
changes, so connections are kept.
"""

import asyncio
import math
import os
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from urllib.parse import urlsplit

from kdns.cluster.proxy import environment_proxy

ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where the kubelet puts the pod's account."""

RELOAD: Final = 60.0
"""Seconds after which files are read again; the kubelet swaps a token when 80 % of its life has passed."""

MAX_FILE: Final = 8 << 20
"""Bytes of the longest file that is read."""


class CredentialsError(Exception):
    """A file, variable or plugin that should give access to a cluster does not; the message names it."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a request to the API server needs. `url` has no slash at its end; `good_for` is in seconds."""

    url: str
    authorization: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    proxy: str | None = None
    good_for: float = math.inf


class Credentials(Protocol):
    """One way to reach a cluster."""

    def check(self) -> None:
        """Read what can be read at setup; blocking, in milliseconds. Raises `CredentialsError`."""

    async def load(self) -> Access:
        """Read everything anew, in a thread. Raises `CredentialsError`."""


class TlsFiles(NamedTuple):
    """Paths of PEM files; without `ca` the system's authorities count."""

    cert: str | None = None
    key: str | None = None
    ca: str | None = None
    verify: bool = True


class InCluster:
    """The account that the kubelet mounts into a pod (kubernetes.md section 4.3)."""

    def __init__(self, environ: Mapping[str, str] = os.environ, account: str = ACCOUNT) -> None:
        self._environ = environ
        self._token = f"{account}/token"
        self._contexts = TlsContexts()
        self._tls = TlsFiles(ca=f"{account}/ca.crt")

    def check(self) -> None:
        """See `Credentials.check`."""
        self._read()

    async def load(self) -> Access:
        """See `Credentials.load`."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Access:
        host, port = (self._environ.get(f"KUBERNETES_SERVICE_{name}") for name in ("HOST", "PORT"))
        if not host or not port:
            raise CredentialsError(
                "unable to load in-cluster configuration, "
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
            )
        url = server_url(f"https://{f'[{host}]' if ':' in host else host}:{port}")
        token = read_file(self._token).decode("ascii", "replace").strip()
        if not token:
            raise CredentialsError(f"{self._token}: the token file is empty")
        return Access(
            url,
            authorization=f"Bearer {token}",
            tls=self._contexts.of(self._tls),
            proxy=environment_proxy(url, self._environ),
            good_for=RELOAD,
        )


class Endpoint:
    """An API server by its URL, or host:port, with client certificates or with none (kubernetes.md section 3.1)."""

    def __init__(
        self, url: str, tls: tuple[str, str, str] | None = None, environ: Mapping[str, str] = os.environ
    ) -> None:
        self._url = server_url(url, "http" if tls is None else "https")
        self._tls = TlsFiles(*tls) if tls else None
        self._environ = environ
        self._contexts = TlsContexts()

    def check(self) -> None:
        """See `Credentials.check`. The files of `tls` are read for an http URL too (kubernetes.md section 3.1)."""
        self._read()

    async def load(self) -> Access:
        """See `Credentials.load`."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Access:
        tls = self._contexts.of(self._tls) if self._tls or self._url.startswith("https") else None
        proxy = environment_proxy(self._url, self._environ)
        return Access(self._url, tls=tls, proxy=proxy, good_for=RELOAD if self._tls else math.inf)


def server_url(text: str, scheme: str = "http") -> str:
    """`text` as a base URL without a slash at its end; `scheme` is for a bare host or host:port (client-go's rule)."""
    url = text if "://" in text else f"{scheme}://{text}"
    with suppress(ValueError):
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and parts.netloc[-1] != ":"
        plain = url.isprintable() and not set(url) & set(" ?#\\") and (url is text or parts.path in ("", "/"))
        if named and plain:
            return url.rstrip("/")
    raise CredentialsError(f'host must be a URL or a host:port pair: "{text}"')


def read_file(path: str) -> bytes:
    """The content of a file of at most `MAX_FILE` bytes. Raises `CredentialsError` with its name."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        raise CredentialsError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if len(content) > MAX_FILE:
        raise CredentialsError(f"{path}: longer than {MAX_FILE} bytes")
    return content


class TlsContexts:
    """The TLS context for some files, made anew only when the content of one has changed."""

    def __init__(self) -> None:
        self._content: tuple[object, ...] | None = None
        self._context: ssl.SSLContext | None = None

    def of(self, files: TlsFiles | None) -> ssl.SSLContext:
        """The context for `files`; None means the system's authorities. Raises `CredentialsError`."""
        files = files or TlsFiles()
        content = (*(read_file(path) if path else None for path in files[:3]), files.verify)
        if self._context is None or content != self._content:
            self._context, self._content = _context(files), content
        return self._context


def _context(files: TlsFiles) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=files.ca)
    except (ssl.SSLError, OSError) as error:
        raise CredentialsError(f"{files.ca}: not a PEM file of certificates: {error}") from error
    # Authorities made by older tools lack extensions that RFC 5280 asks for; Go does not insist, Python 3.13 does.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not files.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if files.cert:
        try:
            context.load_cert_chain(files.cert, files.key, password="")  # else OpenSSL asks the terminal
        except (ssl.SSLError, OSError) as error:
            raise CredentialsError(f"{files.cert}, {files.key}: not a certificate with its key: {error}") from error
    return context
