"""The Kubernetes API of the bench: a make-believe one (tests/kit/api.py) over a generated cluster, as a program.

    python -m tests.bench.apiserver SERVICES ENDPOINTS

prints its URL as JSON, then does what each line of its input says and prints what came of it:

    {"do": "relist", "patience": 60}            forget the history and end every watch, so that the cluster is listed
                                                again; until there are as many watches as before
    {"do": "change", "rate": 200, "seconds": 5, "port": 1053}
                                                give so many Services a second another address, and ask the server on
                                                that port each millisecond until it answers with it
"""

import asyncio
import json
import socket
import sys
from typing import Any, cast

from tests.bench.figures import quantile
from tests.kit.api import FakeApi
from tests.kit.cluster import NAMESPACES, cluster, service
from tests.kit.store import Store

TICK = 0.001
PATIENCE = 5.0
"""Seconds after which a change counts as never seen."""

Report = dict[str, Any]


class Prober(asyncio.DatagramProtocol):
    """Asks for each changed Service until the answer ends with its new address."""

    def __init__(self) -> None:
        self.clock = asyncio.get_running_loop().time
        self.waiting: dict[int, tuple[bytes, bytes, float]] = {}
        self.took: list[float] = []
        self.unseen = 0
        self._idents = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def changed(self, name: str, address: str, when: float) -> None:
        """Ask for this from now on."""
        self._idents = (self._idents + 1) & 0xFFFF
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        packet = self._idents.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"
        self.waiting[self._idents] = (packet, socket.inet_aton(address), when)

    def tick(self) -> None:
        """Ask for all."""
        now = self.clock()
        for ident, (packet, _, when) in list(self.waiting.items()):
            if now - when > PATIENCE:
                del self.waiting[ident]
                self.unseen += 1
            else:
                self.transport.sendto(packet)

    def datagram_received(self, data: bytes, addr: object) -> None:
        ident = int.from_bytes(data[:2], "big")
        waiting = self.waiting.get(ident)
        if waiting is not None and data.endswith(waiting[1]):
            self.took.append(self.clock() - waiting[2])
            del self.waiting[ident]

    def error_received(self, exc: Exception) -> None:
        """A server that is gone is one that never answers."""


class Changes:
    """Gives one Service after the other a new address."""

    def __init__(self, api: FakeApi, services: int) -> None:
        self._api = api
        self._plain = [n for n in range(2, services) if n % 10 != 3 and n % 50 != 7]
        self._turn = 0

    async def run(self, rate: float, seconds: float, port: int) -> Report:
        """See the top of the module."""
        loop = asyncio.get_running_loop()
        transport, prober = await loop.create_datagram_endpoint(Prober, remote_addr=("127.0.0.1", port))
        begun, made = loop.time(), 0
        while (now := loop.time()) < begun + seconds or prober.waiting:
            if now < begun + seconds and made < (now - begun) * rate:
                made += 1
                self._one(prober)
            else:
                prober.tick()
                await asyncio.sleep(TICK)
        transport.close()
        took = sorted(prober.took)
        figures = {"p50_ms": quantile(took, 0.5) * 1e3, "p99_ms": quantile(took, 0.99) * 1e3} if took else {}
        return {"changes": made, "unseen": prober.unseen, **figures}

    def _one(self, prober: Prober) -> None:
        revision, place = divmod(self._turn, len(self._plain))
        self._turn += 1
        n = self._plain[place]
        manifest = service(n, revision + 1)
        when = prober.clock()
        self._api.store.put(manifest)
        prober.changed(f"svc-{n}.ns-{n % NAMESPACES}.svc.cluster.local", manifest["spec"]["clusterIP"], when)


async def relist(api: FakeApi, patience: float) -> Report:
    """See the top of the module."""
    clock = asyncio.get_running_loop().time
    begun, watches = clock(), len(api.watchers)
    api.withheld = 1
    api.store.put(service(0))  # unseen: the version that every client knows is now older than the history
    api.store.compact()
    api.seen.clear()
    api.end_watches()
    while len(api.watchers) < watches:
        if clock() - begun > patience:
            return {"error": f"{len(api.watchers)} of {watches} watches came back in {patience:.0f} s"}
        await asyncio.sleep(0.01)
    return {"watches": watches, "seconds": clock() - begun}


async def serve(services: int, endpoints: int) -> None:
    """Until the end of the input."""
    store = Store()
    store.load(cluster(services, endpoints))
    store.compact()
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with FakeApi(store) as api:
        changes = Changes(api, services)
        print(json.dumps({"url": api.url}), flush=True)
        while line := await lines.readline():
            match json.loads(line):
                case {"do": "relist", "patience": patience}:
                    report = await relist(api, patience)
                case {"do": "change", "rate": rate, "seconds": seconds, "port": port}:
                    report = await changes.run(rate, seconds, port)
                case other:
                    report = {"error": f"not known: {other}"}
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2])))
