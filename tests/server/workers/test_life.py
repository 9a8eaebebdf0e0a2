"""A further process without its fork: an instance built beside its twin, and a life on a socket pair."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import pytest
from msgspec import msgpack

from kdns.chain.site import Process
from kdns.corefile import Corefile
from kdns.metrics import Figures
from kdns.net.errors import ListenError
from kdns.net.stream import StreamListener
from kdns.server import build
from kdns.server.instance import Instance
from kdns.server.ports import Ports
from kdns.server.source import Input
from kdns.server.workers.life import Legacy, Life, informants
from kdns.server.workers.link import Link, Word
from kdns.wire.message import read_message
from tests.kit.chain import process
from tests.kit.desk import TcpClient, UdpClient
from tests.kit.house import packet
from tests.kit.until import until
from tests.kit.upstream import unused_port

DEMO = Path(__file__).parents[3] / "deploy/demo/cluster"
NAME = "web.shop.svc.cluster.local"


class World:
    """The first process: an instance that serves two sockets."""

    def __init__(self, *words: str) -> None:
        self.process: Process = process()
        self.port = unused_port()
        self.text = "\n".join([f".:{self.port} {{", "bind 127.0.0.1", "multisocket 2", *words, "}"])
        self.instance, self.corefile = self.built()
        self.ports = Ports()

    def built(self) -> tuple[Instance, Corefile]:
        corefile = build.read(Input(self.text, "Corefile"), self.process)
        return build.build(corefile, self.process, 53), corefile

    async def start(self) -> None:
        await self.instance.start()
        await self.instance.settle()
        self.ports.serve(self.instance)
        await self.instance.serving()

    def legacy(self, link: socket.socket) -> Legacy:
        places = [place for place in self.ports.places(self.instance) if place.number == 1]
        sockets = {}
        for place in places:  # duplicates, as a fork makes them
            (each,) = self.ports._open[place]
            sockets[place] = (each._sock.dup().detach(),)
        return Legacy(self.instance, self.corefile, self.process, 53, sockets, link, None)

    async def stop(self) -> None:
        await self.instance.shut_down()
        self.ports.close()
        await self.instance.end()


class Worker:
    """A life that runs, and the first process's end of the link."""

    def __init__(self, world: World) -> None:
        mine, its = socket.socketpair()
        self.frames: list[tuple[Word, bytes]] = []
        self.life = Life(world.legacy(its), partial(self.frames.append, (Word.STOP, b"orphaned")), lambda: None)
        self.running = asyncio.create_task(self.life.run())
        self.link = Link(asyncio.get_running_loop(), mine, self._heard, lambda: None)

    def _heard(self, word: Word, body: bytes) -> None:
        self.frames.append((word, body))

    def heard(self, word: Word) -> list[bytes]:
        return [body for each, body in self.frames if each is word]

    async def serving(self) -> None:
        await until(lambda: self.heard(Word.SERVING) or self.running.done())
        assert not self.running.done()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World("prometheus 127.0.0.1:0", f"kubernetes cluster.local {{\nmanifests {DEMO}\n}}", "whoami")
    await world.start()
    yield world
    await world.stop()


async def test_it_answers_on_its_sockets_with_what_the_first_process_knows(world: World) -> None:
    worker = Worker(world)
    await worker.serving()
    world.ports.lend(world.ports.places(world.instance))
    with ExitStack() as stack:
        clients = [UdpClient("127.0.0.1", world.port) for _ in range(24)]
        for client in clients:
            stack.enter_context(client.sock).send(packet(NAME))
        worker.link.send(Word.ASK)
        await until(lambda: worker.heard(Word.FIGURES))
        worker.link.send(Word.LEAVE)
        assert await worker.running == 0
        answered = 0
        for client in clients:  # half of them asked at the socket that nobody reads
            client.sock.setblocking(False)
            with suppress(BlockingIOError):
                reply = read_message(client.sock.recv(4096))
                assert [record.data for record in reply.answer] == [bytes([10, 96, 20, 10])]
                answered += 1
    await until(lambda: worker.heard(Word.LEFT))
    figures = {each.name: each for each in msgpack.decode(worker.heard(Word.LEFT)[0], type=list[Figures])}
    assert answered
    assert sum(numbers[0] for _, numbers in figures["coredns_dns_requests_total"].series) == answered
    worker.link.close()


async def test_pings_changes_and_a_wish_to_stop(world: World) -> None:
    worker = Worker(world)
    await worker.serving()
    (twin,), (own,) = informants(world.instance), informants(worker.life._instance)
    assert own.mirror.index is twin.mirror.index  # type: ignore[attr-defined]
    learnt: list[bytes] = []
    own.learn = learnt.append  # type: ignore[assignment, method-assign]
    worker.link.send(Word.CHANGE, b"\0\0change")
    worker.link.send(Word.PING)
    await until(lambda: worker.heard(Word.PONG))
    assert learnt == [b"change"]
    worker.life._stop(1)
    await until(lambda: worker.heard(Word.STOP) == [b"\1"])
    worker.link.send(Word.LEAVE)
    worker.link.send(Word.LEAVE)
    assert await worker.running == 0
    worker.link.close()


async def test_connections_are_let_go_before_it_leaves(world: World) -> None:
    worker = Worker(world)
    await worker.serving()
    clients = [TcpClient(*await asyncio.open_connection("127.0.0.1", world.port)) for _ in range(24)]
    replies = await asyncio.gather(*[client.ask(packet(NAME)) for client in clients])
    assert {len(read_message(reply).answer) for reply in replies} == {1}
    (sessions,) = [
        each.sessions
        for group in worker.life._ports._open.values()
        for each in group
        if isinstance(each, StreamListener)
    ]
    assert sessions
    worker.link.send(Word.LEAVE)
    await until(lambda: any(client.reader.at_eof() for client in clients))
    for client in clients:
        client.writer.close()
    assert await worker.running == 0
    assert not sessions
    worker.link.close()


async def test_a_place_that_is_wanted_no_more() -> None:
    first, other = World("whoami"), World("whoami")
    await first.start()
    legacy = first.legacy(socket.socket(socket.AF_UNIX))
    with pytest.raises(ListenError, match=f"nobody listens on 127.0.0.1:{first.port} any more"):
        Ports().adopt(other.instance, legacy.sockets)
    await first.stop()
    for descriptors in legacy.sockets.values():
        socket.socket(fileno=descriptors[0]).close()
    legacy.link.close()


async def test_a_further_process_has_no_endpoints_and_follows_nothing() -> None:
    world = World(f"kubernetes cluster.local {{\nmanifests {DEMO}\n}}")
    twin = build.build(world.corefile, process(), 53, world.instance.sites)
    hooks = twin.hooks
    assert [hooks.startup, hooks.settle, hooks.serving] == [[], [], []]
    (feed,) = informants(twin)
    assert feed._source is None  # type: ignore[attr-defined]
    twin.abandon()
    world.instance.abandon()


@pytest.mark.parametrize(
    "word",
    [
        "health 127.0.0.1:0",
        "ready 127.0.0.1:0",
        "prometheus 127.0.0.1:0",
        "pprof 127.0.0.1:0",
        "reload 10s",
        "loop",
        "secondary example.net {\ntransfer from 192.0.2.1\n}",
        "transfer {\nto 192.0.2.2\n}",
        "dnstap listen tcp://127.0.0.1:0",
    ],
)
async def test_words_that_are_for_the_first_process_alone(word: str) -> None:
    world = World(word)
    twin = build.build(world.corefile, process(), 53, world.instance.sites)
    for turn in ("startup", "settle", "serving", "shutdown", "final_shutdown", "restart", "restart_failed"):
        assert getattr(twin.hooks, turn) == []
    assert any(getattr(world.instance.hooks, turn) for turn in ("startup", "serving"))
    twin.abandon()
    world.instance.abandon()


async def test_it_learns_that_the_first_process_has_ended(world: World) -> None:
    worker = Worker(world)
    await worker.serving()
    worker.link.close()
    await until(lambda: worker.heard(Word.STOP) == [b"orphaned"])
    worker.life._left.set_result(None)
    assert await worker.running == 0
