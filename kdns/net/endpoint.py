"""Where an upstream is and how it is reached: one value that queries and health probes share.

That they share it is the rule (coredns#2275, #5109, #8279): a probe that takes another transport, certificate, server
name or source address than the queries proves nothing about them.
"""

import contextlib
import socket
import ssl
from dataclasses import dataclass, field

from kdns.net.failures import UpstreamError, host_port, reason

_RECEIVE_BUFFER = 1 << 20
"""Bytes asked of the kernel for one UDP socket, so that a burst survives a loop that is busy elsewhere."""

SocketAddress = tuple[str, int] | tuple[str, int, int, int]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An upstream's IP address (an IPv6 zone may follow) and port, 1-65535.

    With `tls` it is DNS over TLS (RFC 7858) to `server_name`, or to the IP address where no name is given.
    Raises ValueError if an address is no IP address, or if no certificate can carry the name.
    """

    address: str
    port: int
    source_address: str | None = None
    tls: ssl.SSLContext | None = None
    server_name: str | None = None
    family: socket.AddressFamily = field(init=False)
    _peer: SocketAddress = field(init=False)
    _source: SocketAddress | None = field(init=False)

    def __post_init__(self) -> None:
        if not 0 < self.port < 65536:
            raise ValueError(f"port {self.port} is not in 1-65535")
        family, peer = _numeric(self.address, self.port)
        object.__setattr__(self, "family", family)
        object.__setattr__(self, "_peer", peer)
        if self.tls is not None:
            try:
                self.tls.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=self.tls_name)
            except (TypeError, ValueError) as error:
                raise ValueError(f"no certificate can carry the name {self.tls_name!r}") from error
        object.__setattr__(self, "_source", _numeric(self.source_address, 0)[1] if self.source_address else None)

    def __str__(self) -> str:
        return host_port(self.address, self.port)

    @property
    def tls_name(self) -> str:
        """The name that the upstream's certificate must carry."""
        return self.server_name or self.address.partition("%")[0]

    def datagram_socket(self) -> socket.socket:
        """A connected, non-blocking UDP socket on a port that the kernel picks at random.

        Connected, so the kernel drops what others send to it and reports ICMP errors. Raises UpstreamError.
        """
        sock = self._socket(socket.SOCK_DGRAM, "udp")
        try:
            with contextlib.suppress(OSError):  # only a wish: the kernel's limit may be lower
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.connect(self._peer)
        except OSError as error:
            sock.close()
            raise UpstreamError(f"dial udp {self}: connect: {reason(error)}") from error
        return sock

    def stream_socket(self) -> tuple[socket.socket, SocketAddress]:
        """A non-blocking TCP socket, not connected yet, and where to connect it to. Raises UpstreamError."""
        return self._socket(socket.SOCK_STREAM, "tcp"), self._peer

    def _socket(self, kind: socket.SocketKind, network: str) -> socket.socket:
        try:
            sock = socket.socket(self.family, kind)
        except OSError as error:
            raise UpstreamError(f"dial {network} {self}: socket: {reason(error)}") from error
        sock.setblocking(False)
        if self._source is not None:
            try:
                sock.bind(self._source)
            except OSError as error:
                sock.close()
                source = host_port(self.source_address or "", 0)
                raise UpstreamError(f"dial {network} {source}->{self}: bind: {reason(error)}") from error
        return sock


def local_end(sock: socket.socket) -> tuple[str, int] | None:
    """The local address, without zone, and port of a socket; `None` if it is closed."""
    try:
        host, port = sock.getsockname()[:2]
    except OSError:
        return None
    return host.partition("%")[0], port


def path(network: str, sock: socket.socket, peer: object) -> str:
    """`udp 10.0.0.7:4711->10.0.0.1:53`: both ends of a connected socket."""
    try:
        local = host_port(*sock.getsockname()[:2])
    except OSError:
        local = "?"
    return f"{network} {local}->{peer}"


def _numeric(address: str, port: int) -> tuple[socket.AddressFamily, SocketAddress]:
    try:
        found = socket.getaddrinfo(address, port, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV)
    except (socket.gaierror, UnicodeError) as error:
        raise ValueError(f"not an IP address: {address}") from error
    family, _, _, _, sockaddr = found[0]
    return family, sockaddr  # type: ignore[return-value]
