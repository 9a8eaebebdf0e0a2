"""A kubeconfig file as credentials: `kubeconfig FILE [CONTEXT]` (kubernetes.md section 3.1).

The file is read and its context looked up here, so that errors carry its name; what a user entry means (tokens,
certificates, exec plugins, OIDC, GCP, basic) is the `kubernetes` package's knowledge, imported when it is first needed.

The parsed document is kept as long as the file's content stays the same: OIDC hands out a new refresh token with each
use, and the package notes it in the document. The file itself is never written.
"""

import asyncio
import logging
import math
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from kdns.cluster.credentials import RELOAD, Access, CredentialsError, TlsContexts, TlsFiles, read_file, server_url
from kdns.cluster.proxy import environment_proxy

PLUGIN_LIMIT: Final = 60.0
"""Seconds that an exec plugin or an OIDC issuer may take."""

_PACKAGE_LOG: Final = logging.getLogger("kubernetes.aio.config.kube_config")

Entry = dict[str, Any]


class Kubeconfig:
    """The cluster and user of one context of a kubeconfig file; without `context` its current one."""

    def __init__(self, file: str, context: str | None = None, environ: Mapping[str, str] = os.environ) -> None:
        self._file = file
        self._context = context
        self._environ = environ
        self._content: bytes | None = None
        self._document: Entry = {}
        self._contexts = TlsContexts()

    def check(self) -> None:
        """See `Credentials.check`: the file is a kubeconfig and its context, cluster and user are there."""
        self._select(self._read())

    async def load(self) -> Access:
        """See `Credentials.load`."""
        return await asyncio.to_thread(self._load)

    def _load(self) -> Access:
        document = self._read()
        context, user = self._select(document)
        # The package reads files inside coroutines: it gets a loop of its own, in this thread.
        configuration, expiry = asyncio.run(self._authenticate(document, context, user))
        try:
            return self._access(configuration, _good_for(user, expiry))
        except CredentialsError as error:
            raise self._error(str(error)) from error

    async def _authenticate(self, document: Entry, context: str, user: Entry) -> tuple[Any, datetime | None]:
        import aiohttp
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config import ConfigException
        from kubernetes.aio.config.kube_config import KubeConfigLoader

        complaints = _Complaints()
        _PACKAGE_LOG.addHandler(complaints)
        configuration = Configuration()
        try:
            loader = KubeConfigLoader(document, active_context=context, config_base_path=self._base())
            async with _children_end():
                await asyncio.wait_for(loader.load_and_set(configuration), PLUGIN_LIMIT)
        except TimeoutError as error:
            raise self._error(f"no credentials within {PLUGIN_LIMIT:.0f} s") from error
        except (
            ConfigException,
            aiohttp.ClientError,
            OSError,
            ValueError,
            TypeError,
            LookupError,
            AttributeError,
        ) as error:
            raise self._error(str(error) or type(error).__name__) from error
        finally:
            _PACKAGE_LOG.removeHandler(complaints)
        if "exec" in user and "token" not in vars(loader) and not configuration.cert_file:
            raise self._error(f"exec plugin: {complaints.last or 'no credentials'}")
        return configuration, getattr(loader, "exec_plugin_expiry", None)

    def _access(self, configuration: Any, good_for: float) -> Access:
        url = server_url(configuration.host)
        files = TlsFiles(
            configuration.cert_file, configuration.key_file, configuration.ssl_ca_cert, configuration.verify_ssl
        )
        token = configuration.api_key.get("BearerToken")
        return Access(
            url,
            authorization=token.strip() if token else None,
            tls=self._contexts.of(files) if url.startswith("https") else None,
            server_name=configuration.tls_server_name,
            proxy=configuration.proxy or environment_proxy(url, self._environ),
            good_for=good_for,
        )

    def _read(self) -> Entry:
        import yaml

        content = read_file(self._file)
        if content == self._content:
            return self._document
        try:
            document = yaml.load(content, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        except (yaml.YAMLError, ValueError) as error:
            raise self._error(" ".join(str(error).split())) from error
        if not isinstance(document, dict):
            raise self._error("not a kubeconfig: no mapping at its top")
        self._document, self._content = document, content
        return document

    def _select(self, document: Entry) -> tuple[str, Entry]:
        """The context's name and its user, with what the package trips over put right in the document."""
        name = self._context or document.get("current-context")
        if not name:
            raise self._error("no context given and no current-context in it")
        context = self._entry(document, "contexts", name, "context")
        cluster = self._entry(document, "clusters", context.get("cluster"), "cluster")
        if not cluster.get("server"):
            raise self._error(f'cluster "{context.get("cluster")}" has no server')
        if not context.get("user"):
            # A context without a user is an anonymous one.
            context["user"] = "anonymous"
            document.setdefault("users", []).append({"name": "anonymous", "user": {}})
        user = self._entry(document, "users", context["user"], "user")
        plugin = user.get("exec")
        if isinstance(plugin, dict) and "/" in (command := str(plugin.get("command", ""))):
            # A command with a slash is relative to the file (client-go), where the package takes the working directory.
            plugin["command"] = os.path.join(self._base(), command)
        return name, user

    def _base(self) -> str:
        return os.path.dirname(os.path.abspath(self._file))

    def _entry(self, document: Entry, section: str, name: object, field: str) -> Entry:
        entries = document.get(section) or []
        if isinstance(entries, list):
            for entry in entries:
                if isinstance(entry, dict) and entry.get("name") == name:
                    if entry.get(field) is None:
                        entry[field] = {}
                    if isinstance(entry[field], dict):
                        found: Entry = entry[field]
                        return found
        raise self._error(f'{field} "{name}" does not exist')

    def _error(self, reason: str) -> CredentialsError:
        return CredentialsError(f"kubeconfig {self._file}: {reason}")


def _good_for(user: Entry, expiry: datetime | None) -> float:
    """Seconds until credentials are to be loaded again: those of a plugin live as long as it says, or until a 401."""
    if "exec" not in user:
        return RELOAD
    if expiry is None:
        return math.inf
    left = (expiry - datetime.now(UTC)).total_seconds()
    return max(10.0, left - min(300.0, left / 5))


@asynccontextmanager
async def _children_end() -> AsyncIterator[None]:
    """Kill what was started inside and still runs: the package leaves a plugin running that it no longer waits for."""
    loop = asyncio.get_running_loop()
    start = loop.subprocess_exec
    transports: list[asyncio.SubprocessTransport] = []

    async def subprocess_exec(*args: Any, **options: Any) -> Any:
        started = await start(*args, **options)
        transports.append(started[0])
        return started

    loop.subprocess_exec = subprocess_exec  # type: ignore[method-assign]
    try:
        yield
    finally:
        for transport in transports:
            while transport.get_returncode() is None:
                transport.kill()
                await asyncio.sleep(0.01)
            transport.close()


class _Complaints(logging.Handler):
    """Holds the package's last log line: a plugin's failure is logged there, not raised."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.ERROR:
            self.last = record.getMessage()
