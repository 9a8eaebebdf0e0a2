"""A server of several processes seen from outside (`multisocket`): who answers, what they know, how they end."""

import asyncio
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kdns.wire.message import read_message
from tests.integration.load import Load
from tests.integration.running import PATIENCE, Kdns, fetch, free_ports
from tests.integration.test_process import RELOADED, STARTED, block, write
from tests.kit.api import FakeApi
from tests.kit.cluster import service
from tests.kit.house import packet

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="further processes are for Linux"),
]

CLIENTS = 48
"""Each has a port of its own, by which the kernel chooses a socket: one in 2**47 runs has all on one side."""
NAME = "web.shop.svc.cluster.local"
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns-1"}}


def until(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def workers(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def has_ended(pid: int) -> bool:
    """Whether a process is no more, or waits to be reaped by a parent that is not ours."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] in "ZX"
    except OSError:
        return True


class Clients:
    """Many clients of one server."""

    def __init__(self, port: int) -> None:
        self._stack = ExitStack()
        self.sockets: list[socket.socket] = []
        self._ident = 0
        for _ in range(CLIENTS):
            sock = self._stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.connect(("127.0.0.1", port))
            self.sockets.append(sock)

    def close(self) -> None:
        self._stack.close()

    def ask(self, name: str = NAME, patience: float = PATIENCE) -> dict[socket.socket, bytes]:
        """Everybody asks: the replies that come in time."""
        self._ident += 1
        query = packet(name, ident=self._ident)
        for sock in self.sockets:
            sock.send(query)
        replies: dict[socket.socket, bytes] = {}
        deadline = time.monotonic() + patience
        while len(replies) < CLIENTS and (left := deadline - time.monotonic()) > 0:
            waiting = [sock for sock in self.sockets if sock not in replies]
            for sock in select.select(waiting, [], [], left)[0]:
                reply = sock.recv(4096)
                if reply[:2] == query[:2]:  # not one that comes late
                    replies[sock] = reply
        return replies

    def addresses(self, name: str = NAME) -> list[set[bytes]]:
        """What everybody is told; nobody's query is lost."""
        replies = self.ask(name)
        assert len(replies) == CLIENTS
        return [{record.data for record in read_message(reply).answer} for reply in replies.values()]


class Crowd:
    """A server with two processes, and its clients."""

    def __init__(self, folder: Path, *directives: str, sockets: int = 2) -> None:
        self.port, self.figures = free_ports(2)
        self.folder = folder
        self.directives = (f"prometheus 127.0.0.1:{self.figures}", *directives)
        self.write(sockets)
        self.kdns = Kdns(cwd=folder)
        self.clients = Clients(self.port)

    def write(self, sockets: int, *directives: str) -> None:
        write(self.folder, block(self.port, f"multisocket {sockets}", *self.directives, *directives))

    @property
    def pid(self) -> int:
        return self.kdns.process.pid

    def other(self, *gone: int) -> int:
        """The other process, once it serves."""
        until(lambda: workers(self.pid) - set(gone) and self._answers_alone(), "no other process ever answered")
        (other,) = workers(self.pid) - set(gone)
        until(lambda: len(self.clients.ask(patience=0.05)) == CLIENTS, "not everything was answered")
        return other

    def _answers_alone(self) -> bool:
        """Whether anything is answered without the first process."""
        os.kill(self.pid, signal.SIGSTOP)
        answered = self.clients.ask(patience=0.05)
        os.kill(self.pid, signal.SIGCONT)
        return bool(answered)

    def requests(self) -> int:
        """The requests that all processes have counted."""
        lines = fetch(self.figures, "/metrics")[1].splitlines()
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith("coredns_dns_requests_tot"))


Start = Callable[..., Crowd]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with ExitStack() as stack:

        def start(*directives: str, sockets: int = 2) -> Crowd:
            crowd = Crowd(tmp_path, *directives, sockets=sockets)
            stack.callback(crowd.clients.close)
            stack.enter_context(crowd.kdns)
            crowd.kdns.wait_for(STARTED)
            return crowd

        yield start


MANIFESTS = f"kubernetes cluster.local {{\nmanifests {Path(__file__).parents[2]}/deploy/demo/cluster\n}}"


def test_each_process_answers_and_a_stop_ends_both(start: Start) -> None:
    crowd = start(MANIFESTS)
    other = crowd.other()
    for pid in (crowd.pid, other):
        os.kill(pid, signal.SIGSTOP)
        assert 0 < len(crowd.clients.ask(patience=0.3)) < CLIENTS
        os.kill(pid, signal.SIGCONT)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP, signal.SIGQUIT):
        os.kill(other, number)
    assert len(crowd.clients.addresses()) == CLIENTS
    assert workers(crowd.pid) == {other}
    assert crowd.kdns.end(signal.SIGTERM) == 0
    assert not Path(f"/proc/{other}").exists()  # not even a zombie
    assert not [line for line in crowd.kdns.lines if "ERROR" in line or "Traceback" in line or "Warning" in line]
    assert crowd.kdns.lines.count(f".:{crowd.port} on 127.0.0.1") == 2


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_no_process_outlives_the_first(start: Start, number: signal.Signals) -> None:
    crowd = start("whoami")
    other = crowd.other()
    assert crowd.kdns.end(number) == (-9 if number is signal.SIGKILL else 0)
    until(lambda: has_ended(other), "it lives on")


def test_sums_never_go_back_and_one_that_was_killed_is_followed_by_another(start: Start) -> None:
    crowd = start("whoami")
    others: list[int] = []
    for round_ in range(1, 3):
        others.append(crowd.other(*others))
        before = crowd.requests()
        assert len(crowd.clients.ask()) == CLIENTS
        assert crowd.requests() == before + CLIENTS
        os.kill(others[-1], signal.SIGKILL)
        assert len(crowd.clients.ask()) == CLIENTS
        assert crowd.requests() == before + 2 * CLIENTS
        crowd.kdns.wait_for("[ERROR] A further process was killed by SIGKILL, another one follows in", times=round_)
    assert crowd.kdns.end(signal.SIGTERM) == 0


def test_sockets_of_a_process_that_cannot_begin_are_served_by_the_first(start: Start, tmp_path: Path) -> None:
    zone = write(tmp_path, "@ 60 IN SOA ns hostmaster 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n", "zone")
    crowd = start(f"file {zone} example.org {{\nreload 0\n}}", "whoami")
    other = crowd.other()
    zone.unlink()
    os.kill(other, signal.SIGKILL)
    crowd.kdns.wait_for("[ERROR] A further process cannot serve: plugin/file: Corefile:")
    crowd.kdns.wait_for("[ERROR] A further process ended with status 1, another one follows in 200ms")
    assert len(crowd.clients.ask("ns.example.org")) == CLIENTS
    zone.write_text("@ 60 IN SOA ns hostmaster 1 60 60 60 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n")
    crowd.other(other)
    assert len(crowd.clients.ask("ns.example.org")) == CLIENTS
    assert crowd.kdns.end(signal.SIGTERM) == 0


def test_what_only_one_process_can_answer_is_answered_by_the_first(start: Start) -> None:
    crowd = start("secondary example.org {\ntransfer from 192.0.2.1\n}", "whoami")
    crowd.kdns.wait_for(STARTED)
    assert len(crowd.clients.ask()) == CLIENTS
    assert workers(crowd.pid) == set()
    assert crowd.kdns.end(signal.SIGTERM) == 0


# One API, one watch


async def test_a_change_reaches_every_process_by_one_watch(start: Start) -> None:
    async with FakeApi() as api:
        for manifest in (NAMESPACE, service(1)):
            api.store.put(manifest)
        crowd = await asyncio.to_thread(start, f"kubernetes cluster.local {{\nendpoint {api.url}\n}}")
        other = await asyncio.to_thread(crowd.other)
        await follow(crowd, api, 1)
        os.kill(other, signal.SIGKILL)
        await follow(crowd, api, 4)
        await asyncio.to_thread(crowd.other, other)
        await follow(crowd, api, 7)
        assert sorted(seen.plural for seen in api.requests("watch")) == ["endpointslices", "namespaces", "services"]
        crowd.kdns.send_signal(signal.SIGUSR1)
        await asyncio.to_thread(crowd.kdns.wait_for, RELOADED)
        await follow(crowd, api, 10)
        assert len(api.requests("watch")) == 6
        assert await asyncio.to_thread(crowd.kdns.end, signal.SIGTERM) == 0


async def follow(crowd: Crowd, api: FakeApi, first: int) -> None:
    """Change the Service three times, and see that everybody is told so."""
    name = "svc-1.ns-1.svc.cluster.local"
    for revision in range(first, first + 3):
        await asyncio.to_thread(crowd.clients.addresses, name)  # replies are kept now
        api.store.put(service(1, revision))
        await asyncio.to_thread(until_told, crowd, name, bytes([10, 96 + revision, 0, 1]))


def until_told(crowd: Crowd, name: str, address: bytes) -> None:
    until(lambda: crowd.clients.addresses(name) == [{address}] * CLIENTS, f"not everybody was told {address!r}")


# No query is lost


class Patient(Load):
    """Its client over TCP asks once more on a new connection where the server ended the one it had (RFC 7766 6.2.4)."""

    def _stream(self) -> None:
        sock = self._connection()
        while not self._over.is_set():
            if not self._is_answered(sock):
                sock.close()
                sock = self._connection()
                if not self._is_answered(sock):
                    self.lost.append("tcp: closed twice")
            self._over.wait(0.01)
        sock.close()

    def _is_answered(self, sock: socket.socket) -> bool:
        self.asked["tcp"] += 1
        try:
            sock.sendall(len(self._query).to_bytes(2, "big") + self._query)
            header = sock.recv(2, socket.MSG_WAITALL)
            return len(header) == 2 and len(sock.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)) >= 12
        except ConnectionError:
            return False


def test_reloads_under_load_lose_no_query(start: Start) -> None:
    crowd = start(MANIFESTS, "cache", "loadbalance")
    other = crowd.other()
    with Patient(crowd.port, NAME) as load:
        for number, sockets in enumerate((2, 4, 2, 4, 1, 2), 1):
            crowd.write(sockets, f"nsid {number}")
            crowd.kdns.send_signal(signal.SIGUSR1)
            crowd.kdns.wait_for(RELOADED, times=number)
            load.wait_until_asked(load.asked["udp"] + 20)
            until(lambda: len(workers(crowd.pid)) == sockets - 1, "processes are missing")  # noqa: B023
            load.wait_until_asked(load.asked["udp"] + 20)
    assert load.lost == []
    assert load.slowest < 1.0
    assert other not in workers(crowd.pid)
    assert crowd.kdns.end(signal.SIGTERM) == 0


def test_a_death_under_load_is_hardly_noticed(start: Start) -> None:
    crowd = start(MANIFESTS)
    with Patient(crowd.port, NAME) as load:
        for number in range(1, 4):
            until(lambda: workers(crowd.pid), "there is no other process")
            load.wait_until_asked(load.asked["udp"] + 100)
            os.kill(workers(crowd.pid).pop(), signal.SIGKILL)
            crowd.kdns.wait_for("[ERROR] A further process was killed by SIGKILL", times=number)
    assert len(load.lost) <= 9  # what a process had read when it was killed: of four clients, each time
    assert load.asked["udp"] > 300
