"""Where a collector is, and the way to it: a connection that was agreed on, or the reason why there is none."""

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import NamedTuple

from kdns.corefile import parse_host_port
from kdns.net.failures import reason
from kdns.plugins.dnstap import frames
from kdns.plugins.dnstap.frames import TIMEOUT, FrameError

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Target(NamedTuple):
    """`proto` unix, with a path as `address`, or tcp or tls, with `HOST:PORT`."""

    proto: str
    address: str

    async def connect(self, tls: ssl.SSLContext | None, buffer: int) -> Streams:
        """Connect and begin; `buffer` octets of the kernel's, for TCP. Raises `FrameError`."""
        try:
            async with asyncio.timeout(TIMEOUT):
                reader, writer = await self._open(tls)
        except TimeoutError as error:
            raise FrameError(f"dial {self._network} {self.address}: i/o timeout") from error
        except socket.gaierror as error:
            host = self.address.rpartition(":")[0]
            raise FrameError(f"dial {self._network}: lookup {host}: no such host") from error
        except ssl.SSLCertVerificationError as error:
            raise FrameError(f"tls: failed to verify certificate: {error.verify_message}") from error
        except OSError as error:
            raise FrameError(f"dial {self._network} {self.address}: connect: {reason(error)}") from error
        except ValueError as error:
            raise FrameError(f"dial {self._network}: {error}") from error
        try:
            if self.proto == "tcp":
                _widen(writer, buffer)
            await frames.begin(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer

    @property
    def _network(self) -> str:
        return "unix" if self.proto == "unix" else "tcp"

    async def _open(self, tls: ssl.SSLContext | None) -> Streams:
        if self.proto == "unix":
            return await asyncio.open_unix_connection(self.address)
        host, port = parse_host_port(self.address)
        host = host or "localhost"
        return await asyncio.open_connection(host, port, ssl=tls, server_hostname=host if tls else None)


def _widen(writer: asyncio.StreamWriter, buffer: int) -> None:
    with suppress(OSError):  # only a wish: the kernel has a limit of its own
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
