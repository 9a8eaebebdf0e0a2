"""A kdns process as an operator starts it: the installed program, its output line by line, its signals, its end.

with Kdns("-conf", str(corefile), cwd=folder) as kdns:
    kdns.wait_for("kdns-")
    kdns.send_signal(signal.SIGUSR1)
    kdns.wait_for("[INFO] Reloading complete")
    assert kdns.end(signal.SIGTERM) == 0
"""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from kdns.wire.message import Message, read_message
from tests.kit.house import packet

PROGRAM = Path(sys.executable).with_name("kdns")
PATIENCE = 15.0
"""Seconds until something that must happen has happened, on a busy machine."""


def free_ports(count: int) -> list[int]:
    """Ports of loopback that are free for datagrams and connections, and that the system gives to nobody by chance."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.randrange(10240, 32768)
            try:
                for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                    held.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
        return ports


def run(*words: str, cwd: Path, text: str = "") -> tuple[int, str, str]:
    """Run kdns to its end: exit status, stdout, stderr."""
    done = subprocess.run([PROGRAM, *words], cwd=cwd, input=text, text=True, capture_output=True, timeout=PATIENCE)
    return done.returncode, done.stdout, done.stderr


class Kdns:
    """One process. It is killed at the end of the block if it still lives. `before` are words in front of the program,
    such as `ip netns exec NAME`."""

    def __init__(
        self,
        *words: str,
        cwd: Path,
        before: Sequence[str] = (),
        text: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.lines: list[str] = []
        """What it has said, on stdout and stderr."""
        self._told = threading.Condition()
        self.process = subprocess.Popen(
            [*before, PROGRAM, *words],
            cwd=cwd,
            env={**os.environ, **(environ or {})},
            text=True,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if text is not None:
            assert self.process.stdin is not None
            with self.process.stdin as stdin:
                stdin.write(text)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        if error is not None:
            print("\n".join(["-- kdns said:", *self.lines]))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                with self._told:
                    self.lines.append(line.rstrip("\n"))
                    self._told.notify_all()

    def wait_for(self, start: str, *, times: int = 1) -> list[str]:
        """Wait until it has said so many lines that begin so; all lines until now."""
        with self._told:
            if not self._told.wait_for(lambda: self.count(start) >= times, PATIENCE):
                raise AssertionError(f"kdns never said {start!r}, but {self.lines}")
            return list(self.lines)

    def count(self, start: str) -> int:
        """How many lines begin so."""
        return sum(line.startswith(start) for line in self.lines)

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals | None = None) -> int:
        """Send a signal, if one is given, and wait for the end: the exit status."""
        if number is not None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self._reader.join()
        return status


def ask(port: int, name: str = "example.org", rtype: str = "A", *, host: str = "127.0.0.1") -> Message:
    """Ask over UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect((host, port))
        sock.send(packet(name, rtype))
        return read_message(sock.recv(65535))


def fetch(port: int, path: str) -> tuple[int, str]:
    """GET from an HTTP endpoint: status and body; status 0 where nobody listens."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_until_refused(port: int) -> None:
    """Wait until nobody listens on a port."""
    deadline = time.monotonic() + PATIENCE
    while fetch(port, "/")[0]:
        assert time.monotonic() < deadline, f"port {port} is still open"
        time.sleep(0.01)
