"""The servers that are measured: who they are, the configuration they get, and when they are up.

A server is a name and a command line. What its command line asks for says in which rows it can be:

    NAME=COMMAND {corefile}     a cluster DNS server: gets a Corefile, is in every row
    NAME=COMMAND {unbound}      a resolver: gets an unbound.conf, is in the rows of names outside the cluster
    NAME=COMMAND {upstream}     any other resolver, to forward to 127.0.0.1 port {upstream} and listen on {port}
    NAME=COMMAND {port}         something that answers anything at once: what the kernel and the loopback take
    echo                        such a one, compiled from c/echo.c

`{api}` is the URL of the Kubernetes API. All are told to use one thread or process, as far as they have a say in it:
they run on one CPU anyway.
"""

import shlex
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.bench.processes import running

COREFILE = """\
.:{port} {{
    errors
    {more}
    health :{health} {{
       lameduck 0s
    }}
    ready :{ready}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
       endpoint {api}
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }}
    prometheus :{metrics}
    forward . 127.0.0.1:{upstream} {{
       max_concurrent 1000
    }}
    cache 30 {{
       disable success cluster.local
       disable denial cluster.local
    }}
    loop
    reload
    loadbalance
}}
"""
"""Kubeadm's default, with the ports and the API server of the bench."""

UNBOUND = """\
server:
    interface: 127.0.0.1
    port: {port}
    do-daemonize: no
    username: ""
    chroot: ""
    directory: ""
    pidfile: ""
    use-syslog: no
    num-threads: 1
    outgoing-range: 8192
    num-queries-per-thread: 4096
    do-ip6: no
    do-not-query-localhost: no
    module-config: "iterator"
remote-control:
    control-enable: no
forward-zone:
    name: "."
    forward-addr: 127.0.0.1@{upstream}
"""
"""A plain forwarder with a cache: no validation, one thread."""


class Kind(Enum):
    """What a server can be asked."""

    CLUSTER = "cluster"
    RESOLVER = "resolver"
    LIMIT = "limit"


class Failed(Exception):
    """A server that does not start or does not answer; says which and why."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server to measure."""

    name: str
    command: str

    @property
    def kind(self) -> Kind:
        if "{corefile}" in self.command or "{api}" in self.command:
            return Kind.CLUSTER
        return Kind.RESOLVER if "{unbound}" in self.command or "{upstream}" in self.command else Kind.LIMIT

    @property
    def version(self) -> str:
        """The first line that it says about itself, empty if it is not known how to ask."""
        flag = "-version" if "{corefile}" in self.command else "-V" if "{unbound}" in self.command else ""
        if not flag:
            return ""
        try:
            output = subprocess.run([shlex.split(self.command)[0], flag], capture_output=True, text=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return (output.stdout.strip().splitlines() or [""])[0]


def contestants(text: str) -> list[Contestant]:
    """Read `NAME=COMMAND; NAME=COMMAND; echo`. Raises `ValueError` with the part that cannot be read."""
    found: list[Contestant] = []
    for part in filter(None, map(str.strip, text.split(";"))):
        name, equals, command = part.partition("=")
        if part == "echo":
            name, command = "echo", "{programs}/echo {port}"
        elif not (equals and name.strip() and command.strip()):
            raise ValueError(f"{part!r} is not NAME=COMMAND")
        known = Contestant(name.strip(), command.strip())
        if not any(word in known.command for word in ("{port}", "{corefile}", "{unbound}")):
            raise ValueError(f"{part!r} has none of {{port}}, {{corefile}} and {{unbound}}")
        if known.name in [each.name for each in found]:
            raise ValueError(f"two servers are called {known.name!r}")
        found.append(known)
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """A question whose right answer is known: the first server's reply with this address in it. Empty: any reply."""

    name: str
    address: str = ""

    @property
    def packet(self) -> bytes:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in self.name.split("."))
        return b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + labels + b"\0\0\1\0\1"

    def right(self, reply: bytes) -> bool:
        if reply[:2] != b"\x12\x34" or len(reply) < 12 or not reply[2] & 0x80:
            return False
        return not self.address or (struct.unpack(">H", reply[6:8])[0] > 0 and socket.inet_aton(self.address) in reply)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up."""

    contestant: Contestant
    pid: int
    port: int
    first: float
    """Seconds from its start to its first right answer."""

    @property
    def name(self) -> str:
        return self.contestant.name


@contextmanager
def started(
    contestant: Contestant,
    folder: Path,
    given: Mapping[str, object],
    question: Question,
    cpus: frozenset[int],
    patience: float = 60,
    more: str = "",
) -> Iterator[Server]:
    """Run a server until it is no longer needed. `given`: `api`, `upstream`, `programs`. Raises `Failed`.

    `more` is a further line of its Corefile.
    """
    port, health, ready, metrics = free_ports(4)
    words = {**given, "port": port, "health": health, "ready": ready, "metrics": metrics, "more": more}
    for word, template in (("corefile", COREFILE), ("unbound", UNBOUND)):
        file = folder / f"{contestant.name}{more[-2:].strip()}.{word}"
        if f"{{{word}}}" in contestant.command:
            file.write_text(template.format(**words))
            words[word] = file
    log = folder / f"{contestant.name}{more[-2:].strip()}.log"
    with ExitStack() as stack:
        begun = time.monotonic()
        try:
            command = shlex.split(contestant.command.format(**words))
            process = stack.enter_context(running(command, log, cpus))
        except (OSError, KeyError, ValueError) as error:
            raise Failed(f"{contestant.name} cannot be started: {error!r}") from error
        while not _answers(question, port):
            if process.poll() is not None:
                raise Failed(f"{contestant.name} ended with status {process.returncode}: {_end(log)}")
            if time.monotonic() - begun > patience:
                raise Failed(f"{contestant.name} gave no right answer in {patience:.0f} s: {_end(log)}")
        yield Server(contestant, process.pid, port, time.monotonic() - begun)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, neither UDP nor TCP."""
    ports: list[int] = []
    held = []
    while len(ports) < count:
        stream, datagram = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        held += [stream, datagram]
        stream.bind(("", 0))
        try:
            datagram.bind(("", stream.getsockname()[1]))
        except OSError:
            continue
        ports.append(stream.getsockname()[1])
    for sock in held:
        sock.close()
    return ports


def _answers(question: Question, port: int) -> bool:
    """Ask once, and wait 5 ms for the right answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.005)
        sock.connect(("127.0.0.1", port))
        try:
            sock.send(question.packet)
            return question.right(sock.recv(4096))
        except TimeoutError:
            return False
        except OSError:
            time.sleep(0.005)  # nobody listens yet
            return False


def _end(log: Path) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-3:]) or "it said nothing"
