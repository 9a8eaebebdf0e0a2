"""Who is asked: kdns in this process, with and without sockets, or any other server.

A subject is started with the rendered Corefile once the scenario's world stands, and answers octets with octets.
"""

import asyncio
import os
import shlex
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from kdns.chain.site import Process
from kdns.metrics import Registry
from kdns.net.sockets import own_addresses
from kdns.server.source import Source
from kdns.server.supervisor import Supervisor
from tests.kit.house import House
from tests.kit.until import until
from tests.kit.upstream import unused_port

OWN_ADDRESS = "10.244.0.53"
"""The host's only address, as kdns in this process sees it."""


class Subject(Protocol):
    """A server under test. `name` is what scenarios call it, `host` an address of its own, `port` where it listens."""

    name: str
    host: str
    port: int

    async def start(self, corefile: Path) -> None: ...

    async def reload(self) -> None: ...

    async def wait(self, seconds: float) -> None: ...

    async def ask(self, query: bytes, proto: str, patience: float) -> bytes | None: ...

    async def stop(self) -> None: ...

    def notes(self) -> str:
        """What to show beside a failure."""
        ...


class _Kdns:
    """The process around a kdns: its clock is the loop's, and can be told to be later."""

    name = "kdns"
    host = OWN_ADDRESS

    def __init__(self) -> None:
        self.offset = 0.0

    def process(self) -> Process:
        loop = asyncio.get_running_loop()
        return Process(
            registry=Registry(),
            clock=lambda: loop.time() + self.offset,
            time=lambda: 1_700_000_000.0 + self.offset,
            environ={},
            hostname="kdns",
            version="0",
            addresses=lambda: (OWN_ADDRESS,),
        )

    async def wait(self, seconds: float) -> None:
        self.offset += seconds

    def notes(self) -> str:
        return ""


class InProcess(_Kdns):
    """Everything between two sockets; `proto` goes with a question, as a socket would say it."""

    port = 53

    def __init__(self) -> None:
        super().__init__()
        self._house: House | None = None
        self._corefile = Path()

    async def start(self, corefile: Path) -> None:
        self._corefile = corefile
        self._house = await self._build()
        await self._house.instance.start()
        await self._house.instance.settle()

    async def reload(self) -> None:
        old, self._house = self._house, await self._build()
        if old is not None:
            await old.instance.restart()
        await self._house.instance.start()
        await self._house.instance.settle()
        if old is not None:
            await old.instance.shut_down()
            await old.instance.end()

    async def _build(self) -> House:
        """Made in a thread, as imported files are read meanwhile."""
        text, process = self._corefile.read_text(), self.process()
        return await asyncio.get_running_loop().run_in_executor(
            None, lambda: House(text, addresses=(OWN_ADDRESS,), outside=process)
        )

    async def ask(self, query: bytes, proto: str, patience: float) -> bytes | None:
        assert self._house is not None
        return await self._house.ask_raw(query, proto=proto or "udp", patience=patience)

    async def stop(self) -> None:
        if self._house is not None:
            await self._house.instance.shut_down()
            await self._house.instance.final_shut_down()
            await self._house.instance.end()


class OverSockets(_Kdns):
    """The whole server but for the command line, on a port of loopback and of all other addresses."""

    def __init__(self, proto: str) -> None:
        super().__init__()
        self.port = unused_port()
        self._proto = proto
        self._supervisor: Supervisor | None = None

    async def start(self, corefile: Path) -> None:
        self._supervisor = Supervisor(Source(str(corefile)), self.process(), self.port)
        await self._supervisor.start()

    async def reload(self) -> None:
        assert self._supervisor is not None
        await self._supervisor.reload()

    async def ask(self, query: bytes, proto: str, patience: float) -> bytes | None:
        return await exchange(query, proto or self._proto, "127.0.0.1", self.port, patience)

    async def stop(self) -> None:
        if self._supervisor is not None:
            await self._supervisor.stop(gracefully=True)


class Command:
    """A server started for the scenario: KDNS_SUBJECT_COMMAND, with `{corefile}` and `{port}` filled in."""

    def __init__(self, command: str, proto: str) -> None:
        self.name = Path(shlex.split(command)[0]).name
        self.host = _own_address()
        self.port = unused_port()
        self._command = command
        self._proto = proto
        self._process: asyncio.subprocess.Process | None = None
        self._log = Path()

    async def start(self, corefile: Path) -> None:
        words = [word.format(corefile=corefile, port=self.port) for word in shlex.split(self._command)]
        self._log = corefile.with_name("server.log")
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(*words, stdout=log, stderr=log)
        await until(self._listens, 15.0)

    def _listens(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise AssertionError(f"the server ended:\n{self.notes()}")
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    async def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR1)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def ask(self, query: bytes, proto: str, patience: float) -> bytes | None:
        return await exchange(query, proto or self._proto, "127.0.0.1", self.port, patience)

    async def stop(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def notes(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-20:])


class Running:
    """A server that runs already, with `DEFAULT` as its Corefile: KDNS_SUBJECT."""

    def __init__(self, address: str, proto: str) -> None:
        at, _, port = address.rpartition(":")
        self.name = os.environ.get("KDNS_SUBJECT_NAME", "kdns")
        self.host = os.environ.get("KDNS_SUBJECT_HOST", _own_address())
        self.port = int(port)
        self._at = at.strip("[]")
        self._proto = proto

    async def start(self, corefile: Path) -> None:
        """Runs already."""

    async def reload(self) -> None:
        raise AssertionError("a server that runs already is not reloaded")

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def ask(self, query: bytes, proto: str, patience: float) -> bytes | None:
        return await exchange(query, proto or self._proto, self._at, self.port, patience)

    async def stop(self) -> None:
        """Runs on."""

    def notes(self) -> str:
        return ""


def subjects(environ: Mapping[str, str]) -> dict[str, Callable[[], Subject]]:
    """Those that are started for each scenario: names for the runs, and of what to make each subject."""
    if command := environ.get("KDNS_SUBJECT_COMMAND"):
        return {proto: partial(Command, command, proto) for proto in ("udp", "tcp")}
    if environ.get("KDNS_SUBJECT"):
        return {}
    return {"process": InProcess, "udp": partial(OverSockets, "udp"), "tcp": partial(OverSockets, "tcp")}


async def exchange(query: bytes, proto: str, host: str, port: int, patience: float) -> bytes | None:
    """Send a query to a socket; the reply, if there is one within `patience` seconds."""
    with suppress(TimeoutError, ConnectionError, asyncio.IncompleteReadError):
        async with asyncio.timeout(patience):
            return await (_datagram if proto == "udp" else _stream)(query, host, port)
    return None


async def _datagram(query: bytes, host: str, port: int) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((host, port))
        await loop.sock_sendall(sock, query)
        return await loop.sock_recv(sock, 65535)


async def _stream(query: bytes, host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        return await reader.readexactly(int.from_bytes(await reader.readexactly(2), "big"))
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _own_address() -> str:
    return next((address for address in own_addresses() if "." in address), OWN_ADDRESS)
