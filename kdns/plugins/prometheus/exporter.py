"""The endpoint that all metrics of the process are read at."""

import asyncio
import logging
import ssl
from collections.abc import Mapping

from kdns.metrics import Registry
from kdns.net.errors import ListenError
from kdns.net.http import HttpEndpoint, Response, SlowRoute
from kdns.plugins.prometheus import process
from kdns.plugins.prometheus.web import WebConfigError, context

log = logging.getLogger("kdns")

PATH = "/metrics"

GATHER = 2.0
"""Seconds that the other processes of the server may take to tell their figures, and some more."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"


class Exporter:
    """The address of one block; blocks with the same one leave it to the first of them."""

    def __init__(self, host: str, port: int, web_config: str, registry: Registry) -> None:
        self.place = (host, port)
        self._web_config = web_config
        self._registry = registry
        self._endpoint: HttpEndpoint | None = None
        self._closed = asyncio.Event()

    async def open(self) -> None:
        """Listen; what keeps it from that is logged, and no more (`plugins.md`, prometheus)."""
        tls: ssl.SSLContext | None = None
        if self._web_config:
            try:
                tls = await asyncio.to_thread(context, self._web_config)
            except WebConfigError as error:
                log.error("Failed to start HTTPS metrics server: %s: %s", self._web_config, error)
                return
        endpoint = HttpEndpoint(*self.place, {PATH: SlowRoute(self._respond, GATHER)}, tls=tls)
        try:
            await endpoint.start()
        except ListenError as error:
            log.error("Failed to start metrics handler: %s", error)
            return
        self._endpoint = endpoint
        self._closed.clear()

    async def close(self) -> None:
        """Listen no more."""
        endpoint, self._endpoint = self._endpoint, None
        if endpoint is not None:
            await endpoint.stop()
        self._closed.set()

    async def hold(self) -> None:
        """Wait for `close`; close when the instance ends some other way, as by a failed start."""
        try:
            await self._closed.wait()
        finally:
            await self.close()

    async def _respond(self, parameters: Mapping[str, str]) -> Response:
        await self._registry.gather()
        return Response(self._registry.render(process.read()), content_type=CONTENT_TYPE)
