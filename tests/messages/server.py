"""The server that messages go to: kdns, or the one that KDNS_SUBJECT_COMMAND starts (see `tests/scenarios`).

cluster.local.      a Service, `web.shop`, with 10.96.12.10, and one without a cluster IP and 60 addresses, `many`
hosts.test.         `many` with 60 addresses, `LONG` and `WIDE` with one
nsid.test.          tells its name, `dns-1`
slow.test.          is answered after a while
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from kdns.net.udp import UdpListener
from tests.kit.api import FakeApi
from tests.kit.manifests import endpoints, namespace, service
from tests.messages.case import FOUND, SILENCE, Case
from tests.messages.packets import query
from tests.messages.transports import PATIENCE, Client, Transport
from tests.scenarios.subjects import subjects

MANY = 60
LONG = ".".join(["l" * 63, "o" * 63, "n" * 63, "g" * 50, "hosts.test."])
"""A name of 255 octets."""
WIDE = f"{'w' * 63}.hosts.test."

COREFILE = """\
{scheme}://cluster.local:{port} {{
    {directive}
    kubernetes {{
        endpoint {api}
    }}
}}
{scheme}://hosts.test:{port} {{
    {directive}
    hosts {folder}/hosts
}}
{scheme}://nsid.test:{port} {{
    {directive}
    nsid dns-1
    hosts {folder}/hosts
}}
{scheme}://slow.test:{port} {{
    {directive}
    erratic {{
        drop 0
        delay 1 100ms
    }}
}}
"""
SENTINEL = 0xFACE


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs, and the transport to go there by."""

    transport: Transport
    port: int

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        """A client of its own."""
        client = await self.transport.client.connect(self.port)
        try:
            yield client
        finally:
            await client.close()

    async def ask(self, packet: bytes, *, silent: bool = False) -> bytes | None:
        """The reply. Where there should be none, whether one comes before that to a question asked afterwards."""
        async with self.client() as client:
            await client.send(packet, *([query(ident=SENTINEL)] if silent else ()))
            reply = await client.receive()
            return None if silent and reply is not None and reply[:2] == SENTINEL.to_bytes(2, "big") else reply

    async def judge(self, case: Case) -> list[str]:
        """What is wrong with the reply to a case."""
        if self.transport.refuses and case.is_refused:
            case = replace(case, reply=SILENCE)
        return case.faults(await self.ask(case.query, silent=case.silent), self.transport.proto)


@asynccontextmanager
async def serving(transport: Transport, folder: Path) -> AsyncIterator[Server]:
    """The server, running, with its API server."""
    subject = subjects(os.environ)[transport.proto]()
    many = [f"10.244.1.{number}" for number in range(1, MANY + 1)]
    async with FakeApi() as api:
        api.store.load(
            [
                namespace("shop"),
                service("shop", "web", ("10.96.12.10",), {"http": 80}),
                service("shop", "many", ("None",), {"http": 80}),
                endpoints("shop", "many", dict.fromkeys(many, ""), {"http": 80}),
            ]
        )
        lines = [f"192.0.2.{number} many.hosts.test id.nsid.test" for number in range(1, MANY + 1)]
        (folder / "hosts").write_text("\n".join([*lines, f"192.0.2.99 {LONG} {WIDE}"]))
        values = {"scheme": transport.scheme, "directive": transport.directive, "port": subject.port}
        values |= {"api": api.url, "folder": folder}
        corefile = folder / "Corefile"
        corefile.write_text(COREFILE.format_map(values))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("kdns.server.ports.UdpListener", partial(UdpListener, batched=transport.batched))
            await subject.start(corefile)
        try:
            server = Server(transport, subject.port)
            await _loaded(server)
            yield server
        finally:
            await subject.stop()


async def _loaded(server: Server) -> None:
    """Wait until the cluster's objects are there."""
    found = Case("", query(), FOUND)
    async with asyncio.timeout(PATIENCE):
        while await server.judge(found):
            pass
