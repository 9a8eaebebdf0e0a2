"""Clients that ask without a pause, and count what they do not get.

Each has one query under way at a time, so a query that is lost is known to be lost.
"""

import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.kit.house import packet

TIMEOUT = 3.0
"""Seconds after which a query is lost."""


class Load:
    """While it is open, asks a port of loopback over UDP, over one TCP connection, and over a new one each time."""

    def __init__(self, port: int, name: str = "example.org") -> None:
        self.asked = {"udp": 0, "tcp": 0, "connections": 0}
        self.lost: list[str] = []
        self.slowest = 0.0
        """Seconds that the slowest reply took."""
        self._port = port
        self._query = packet(name)
        self._over = threading.Event()
        works: list[Callable[[], None]] = [self._datagrams, self._datagrams, self._stream, self._connections]
        self._threads = [threading.Thread(target=work, daemon=True) for work in works]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * TIMEOUT)

    def wait_until_asked(self, count: int) -> None:
        """Wait until so many queries were asked over UDP."""
        while self.asked["udp"] < count and not self.lost:
            time.sleep(0.001)

    def _datagrams(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(TIMEOUT)
            sock.connect(("127.0.0.1", self._port))
            ident = 0
            while not self._over.is_set():
                ident = (ident + 1) & 0xFFFF
                query = ident.to_bytes(2, "big") + self._query[2:]
                self.asked["udp"] += 1
                begun = time.monotonic()
                try:
                    sock.send(query)
                    while sock.recv(65535)[:2] != query[:2]:
                        pass
                except OSError as error:
                    self.lost.append(f"udp: {error!r}")
                self.slowest = max(self.slowest, time.monotonic() - begun)

    def _stream(self) -> None:
        with self._connection() as sock:
            while not self._over.is_set():
                self._exchange(sock, "tcp")

    def _connections(self) -> None:
        while not self._over.is_set():
            try:
                with self._connection() as sock:
                    self._exchange(sock, "connections")
            except OSError as error:
                self.lost.append(f"connect: {error!r}")

    def _connection(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._port), TIMEOUT)

    def _exchange(self, sock: socket.socket, kind: str) -> None:
        self.asked[kind] += 1
        try:
            sock.sendall(len(self._query).to_bytes(2, "big") + self._query)
            header = sock.recv(2, socket.MSG_WAITALL)
            if len(header) == 2 and len(sock.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)) >= 12:
                return
            self.lost.append(f"{kind}: closed")
        except OSError as error:
            self.lost.append(f"{kind}: {error!r}")
        self._over.wait(0.05)
