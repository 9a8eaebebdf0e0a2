"""The server that is fuzzed: every way a query can go, in one configuration.

Twice, with kept replies and without. With clocks that stand still and an order of records that is not chance, a kept
reply has to be the octets of a fresh one, so a key of the memo that two different queries share shows at once.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.fuzz.shape import fault
from tests.kit.house import House

COREFILE = """
cluster.local in-addr.arpa ip6.arpa {{
    errors
    kubernetes {{
        manifests {manifests}
        pods verified
        {kubernetes}
    }}
    {cache}
}}
hosts {{
    hosts {{
        192.0.2.1 host.hosts
        {many}
    }}
    {cache}
}}
up {{
    {forward}
    {cache}
}}
. {{
    {root}
}}
"""
OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.1, ports: [{name: http, port: 80, protocol: TCP}]}
---
apiVersion: v1
kind: Service
metadata: {name: ext, namespace: shop}
spec: {type: ExternalName, externalName: a.up}
---
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: None, ports: [{name: http, port: 80, protocol: TCP}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: db-1, namespace: shop, labels: {kubernetes.io/service-name: db}}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints:
- {addresses: [10.1.0.1], hostname: db-0}
MORE
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: shop}
status: {podIP: 10.1.0.1}
"""
MANY = 120
"""Addresses of `many.hosts` and endpoints of `db`: more than a datagram of 512 octets holds."""


class Subject:
    """Asks, judges, and keeps what it found: each finding is a packet and what is wrong with its reply."""

    def __init__(self, kept: House, fresh: House | None) -> None:
        self._kept = kept
        self._fresh = fresh
        houses = (kept,) if fresh is None else (kept, fresh)
        self._panics = [house.process.registry.counter("coredns_panics_total", "").child() for house in houses]
        self.asked = self.hits = 0
        self.findings: list[tuple[bytes, str]] = []

    async def ask(self, packet: bytes, proto: str = "udp", patience: float = 10.0) -> bytes | None:
        """Ask for a reply, and compare it with one that was made anew."""
        self.asked += 1
        panics = self.panics
        hit = self._kept.service(proto).hit(packet)
        if hit is None:
            reply = await self._kept.ask_raw(packet, proto=proto, patience=patience)
        else:
            self.hits += 1
            reply = hit
        wrong = fault(packet, reply, proto)
        if not wrong and self._fresh is not None:
            fresh = await self._fresh.ask_raw(packet, proto=proto, patience=patience)
            wrong = "" if fresh == reply else f"{'kept' if hit else 'made'} {reply!r}, fresh {fresh!r}"
        if not wrong and self.panics > panics:
            wrong = "an exception in the chain"
        if wrong:
            self.findings.append((packet, wrong))
        return reply

    def forget_fresh(self) -> None:
        """Compare no longer: the order of records is chance."""
        self._fresh = None

    @property
    def panics(self) -> float:
        """Exceptions that a query met, as the server counts them."""
        return sum(counter.value for counter in self._panics)


@asynccontextmanager
async def subject(
    folder: Path, *, forward: str = "whoami", root: str = "whoami", cache: str = "", kubernetes: str = ""
) -> AsyncIterator[Subject]:
    """The server, running. Where there is `forward` to an upstream there is no second server to compare with."""
    more = "\n".join(f"- {{addresses: [10.1.{n // 200 + 1}.{n % 200 + 1}]}}" for n in range(MANY))
    (folder / "objects.yaml").write_text(OBJECTS.replace("MORE", more))
    many = "\n".join(f"192.0.2.{n} many.hosts" for n in range(1, MANY + 1))
    corefile = COREFILE.format(
        manifests=folder, many=many, forward=forward, root=root, cache=cache, kubernetes=kubernetes
    )
    alone = forward != "whoami"
    async with AsyncExitStack() as stack:
        kept = await stack.enter_async_context(House(corefile).running())
        fresh = None if alone else await stack.enter_async_context(House(corefile, memo=False).running())
        yield Subject(kept, fresh)
