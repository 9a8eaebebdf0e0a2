"""A small world for the laws of the memo: the real service, chain and index, random histories, and two ways to ask.

Every query is asked of the service that keeps replies and of one that makes each reply anew; where the first had a
kept reply, the two have to be the same octets. Changes come through the real mirror; aliases lead to an upstream that
answers when the history says so; three clients ask, one name answers with the client's own address.
"""

import asyncio
import random
from collections.abc import Collection

from kdns.chain.answer import Answer
from kdns.chain.basis import Key
from kdns.chain.handler import let_deny
from kdns.chain.memo import Memo
from kdns.chain.query import Query, Transport
from kdns.chain.site import Hooks, Site
from kdns.cluster import kinds
from kdns.cluster.index import Index
from kdns.cluster.mirror import Mirror
from kdns.cluster.values import Change, Endpoint, EndpointSlice, Gone, Namespace, Port, Put, Service
from kdns.metrics import Counter
from kdns.plugins.kubernetes.handler import Kubernetes
from kdns.plugins.kubernetes.options import Options
from kdns.server.dispatch import Block, Dispatch
from kdns.server.service import Service as Server
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from kdns.wire.message import read_message
from kdns.wire.record import Record
from tests.kit.chain import Wiring, process
from tests.kit.house import Ends, packet

NAMESPACES = ("shop", "payments")
SERVICES = ("web", "db", "ext")
CLIENTS = ("10.244.0.1", "10.244.0.2", "10.244.0.3")
NAMES = [
    *(f"{service}.{namespace}.svc.cluster.local." for service in SERVICES for namespace in NAMESPACES),
    *(f"{namespace}.svc.cluster.local." for namespace in NAMESPACES),
    "1-0-0-10.web.shop.svc.cluster.local.",
    "pod-0.db.shop.svc.cluster.local.",
    "_http._tcp.web.shop.svc.cluster.local.",
    "1.0.96.10.in-addr.arpa.",
    "1.0.0.10.in-addr.arpa.",
    "me.example.",
    "outside.example.",
]
MISSING = [
    *(f"{label}.shop.svc.cluster.local." for label in ("foo", "Bar", "baz")),
    *(f"{label}.{missing}.cluster.local." for label in ("foo", "bar") for missing in ("new.shop.svc", "com.shop.svc")),
    *(f"{label}.example.com.payments.svc.cluster.local." for label in ("www", "ftp", "dns")),
    *(f"{label}.svc.cluster.local." for label in ("foods", "bikes")),
    *(f"{label}.cluster.local." for label in ("foo", "svc", "pod", "dns", "bar")),
    *(f"{label}.dns.cluster.local." for label in ("ns", "fs")),
    *(f"{label}.shop.pod.cluster.local." for label in ("10-0-0-1", "10-0-0-2", "ten-0-01")),
]
"""Names that are missing at most times, in groups of siblings of one length; some of them are special."""
TYPES = ("A", "SRV", "PTR", "CNAME")


class Outside:
    """What stands behind the cluster: one name that tells clients apart, others that are answered when it is said."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[None]] = []

    async def answer(self, query: Query) -> Answer:
        if query.text == "me.example.":
            client, _ = query.client
            data = bytes(map(int, client.split(".")))
            return Answer(answer=(Record(None, codes.A, data, 5),))
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        await future
        return Answer(answer=(Record(None, codes.A, b"\1\2\3\4", 5),))

    async def reply(self, which: int) -> None:
        """Let one of those that wait have its answer, now."""
        self.waiting.pop(which).set_result(None)
        await asyncio.sleep(0)


class Nothing(Memo):
    """A memo that keeps nothing."""

    def keep(self, packet: bytes, query: Query, reply: bytes, rcode: int) -> None:
        """Do not."""


class World:
    """One history, to be driven by `step`; `wrong` collects hits that differ from a fresh reply."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.now = 1_700_000_000.0
        self.index = Index()
        self.hits = 0
        self.siblings = 0
        self.respelled = 0
        self.wrong: list[str] = []
        self.outside = Outside()
        wiring = Wiring()
        self.site = Site((), process(), wiring, Hooks())
        chain = Kubernetes(
            self.outside,
            Options(zones=("cluster.local.", "in-addr.arpa.")),
            self.index,
            lookup=self.site.lookup,
            local=("10.0.0.1",),
        )
        let_deny([chain], 0)
        self.site.chain("kubernetes", lambda _: chain)
        dispatch = Dispatch([(".", Block(self.site, chain))], lambda query, answer: None)
        self.site.connect(dispatch.answer)
        self.memo = Memo(lambda: self.now)
        transport = Transport("udp", 1, "dns://:53")
        self.server = Server(transport, dispatch, self.memo, Counter())
        self.fresh = Server(transport, dispatch, Nothing(lambda: self.now), Counter())
        self.mirror = Mirror(self.index, lambda: self.now, self.forget, (kinds.SERVICES,))

    def forget(self, keys: Collection[Key]) -> None:
        """What the mirror calls in the tick of a change."""
        self.memo.forget(keys)

    async def step(self) -> None:
        """One thing that happens: a question, or now and then a change, an upstream's answer, a second that passes."""
        chance = self.random.random()
        if chance < 0.80:
            names = NAMES if self.random.random() < 0.75 else MISSING
            await self.ask(self.random.choice(names), self.random.choice(TYPES), self.random.choice(CLIENTS))
        elif chance < 0.90:
            self.change()
        elif chance < 0.95 and self.outside.waiting:
            await self.outside.reply(self.random.randrange(len(self.outside.waiting)))
        else:
            self.now += 1

    async def ask(self, text: str, rtype: str, client: str) -> None:
        """Ask; compare if a kept reply came."""
        query = self.spelled(text, rtype)
        known = query[2:] in self.memo.entries
        hit = self.server.hit(query)
        self.siblings += hit is not None and not known and read_message(hit).rcode == codes.NXDOMAIN
        self.respelled += hit is not None and not known
        ends = Ends((client, 4000))
        if hit is None:
            self.server.miss(query, ends)
            return
        self.hits += 1
        fresh = self.fresh.miss(query, ends)
        if fresh is None:
            await self.outside.reply(-1)
            fresh = ends.replies[0]
        if hit != fresh:
            self.wrong.append(f"{text} {rtype} for {client}")

    def spelled(self, text: str, rtype: str) -> bytes:
        """A query for a name, at times in another letter case, and at times with a cookie."""
        pick = self.random
        if pick.random() < 0.2:
            text = "".join(pick.choice((letter.upper(), letter)) for letter in text)
        cookie = Edns(1232, 0, (Option(codes.COOKIE, pick.randbytes(8)),)) if pick.random() < 0.2 else None
        return packet(text, rtype, edns=cookie)

    def change(self) -> None:
        """One change of the cluster, or one that changes nothing."""
        self.mirror.apply(self.any_change())

    def any_change(self) -> Change:
        """A change of an object of this small world."""
        pick, namespace, service = self.random, self.random.choice(NAMESPACES), self.random.choice((*SERVICES, "foo"))
        what = pick.randrange(7)
        if what == 0:
            return Put(Namespace(namespace))
        if what == 1:
            return Gone(kinds.NAMESPACES, "", namespace) if pick.random() < 0.3 else Put(Namespace(namespace))
        if what == 2:
            return Gone(kinds.SERVICES, namespace, service)
        if what == 3:
            return Gone(kinds.ENDPOINT_SLICES, namespace, f"{service}-1")
        if what == 4:
            return Put(_slice(pick, namespace, service))
        return Put(_service(pick, namespace, service))


def _service(pick: random.Random, namespace: str, service: str) -> Service:
    ports = (Port("http", pick.choice((80, 81))),)
    version = str(pick.random())
    if service == "ext":
        target = pick.choice(("outside.example", "web.shop.svc.cluster.local", "ext.payments.svc.cluster.local"))
        return Service(namespace, service, version, type="ExternalName", external_name=target)
    if service == "db":
        return Service(namespace, service, version, cluster_ips=("None",), ports=ports)
    return Service(namespace, service, version, cluster_ips=(f"10.96.0.{pick.randrange(1, 4)}",), ports=ports)


def _slice(pick: random.Random, namespace: str, service: str) -> EndpointSlice:
    endpoints = tuple(
        Endpoint(f"10.0.0.{pick.randrange(1, 4)}", hostname=f"pod-{number}" if service == "db" else "")
        for number in range(pick.randrange(3))
    )
    ports = (Port("http", 8080),)
    return EndpointSlice(
        namespace, f"{service}-1", str(pick.random()), service=service, ports=ports, endpoints=endpoints
    )


async def live(world: World, steps: int) -> None:
    """Let a history happen, and end it without leaving anything behind."""
    for _ in range(steps):
        await world.step()
    for server in (world.server, world.fresh):
        for waiting in tuple(server.waiting):
            waiting.abandon()
