"""The upstream that `cases.yaml` describes: a few names of vendor.example, over UDP and TCP."""

import asyncio
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset

_ADDRESSES = {
    "db.vendor.example.": {"A": ["192.0.2.10"], "AAAA": ["2001:db8::10"]},
    "lb.vendor.example.": {"A": ["192.0.2.30", "192.0.2.31"], "AAAA": ["2001:db8::30"]},
    "www.example.org.": {"A": ["192.0.2.80"]},
}
_ALIASES = {"alias.vendor.example.": "db.vendor.example."}
_SOA = "ns.vendor.example. host.vendor.example. 1 3600 600 86400 300"


def reply(packet: bytes) -> bytes:
    """The stub's reply to a query."""
    query = dns.message.from_wire(packet)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    response.flags &= ~dns.flags.AA
    question = query.question[0]
    asked, kind = question.name.to_text().lower(), question.rdtype.name
    if asked == "broken.vendor.example.":
        response.set_rcode(dns.rcode.SERVFAIL)
        return response.to_wire()
    owner = question.name
    if asked in _ALIASES and kind in ("A", "AAAA"):
        asked = _ALIASES[asked]
        response.answer.append(dns.rrset.from_text(owner, 60, "IN", "CNAME", asked))
        owner = dns.name.from_text(asked)
    data = _ADDRESSES.get(asked, {}).get(kind)
    if data:
        response.answer.append(dns.rrset.from_text(owner, 60, "IN", kind, *data))
        return response.to_wire()
    if asked not in _ADDRESSES and asked not in _ALIASES:
        response.set_rcode(dns.rcode.NXDOMAIN)
    response.authority.append(dns.rrset.from_text("vendor.example.", 300, "IN", "SOA", _SOA))
    return response.to_wire()


class _Datagrams(asyncio.DatagramProtocol):
    transport: Any

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(reply(data), addr)


class Stub:
    """Runs while it is entered; `address` is `127.0.0.1:PORT`."""

    async def __aenter__(self) -> Self:
        while True:
            self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            port = self._tcp.sockets[0].getsockname()[1]
            try:
                self._udp = await self._bind(port)
            except OSError:
                # Somebody has that port for UDP: take another pair.
                self._tcp.close()
                continue
            self.address = f"127.0.0.1:{port}"
            return self

    @staticmethod
    async def _bind(port: int) -> asyncio.BaseTransport:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(_Datagrams, local_addr=("127.0.0.1", port))
        return transport

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._udp.close()
        self._tcp.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(2), "big")
                octets = reply(await reader.readexactly(size))
                writer.write(len(octets).to_bytes(2, "big") + octets)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
