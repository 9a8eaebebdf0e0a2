"""The resolver beyond the cluster, as a program: `python -m tests.integration.resolver PORT`.

It knows one name with an IPv4 address and one with so many that they need TCP; all others are NXDOMAIN.
"""

import socketserver
import sys
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

ONE = ["198.51.100.7"]
MANY = [f"198.51.100.{n}" for n in range(1, 101)]
_NAMES = {"api.example.com.": ONE, "many.example.com.": MANY}


def reply(packet: bytes, size: int) -> bytes:
    """The reply to a query, cut to a size."""
    query = dns.message.from_wire(packet)
    made = dns.message.make_response(query, recursion_available=True)
    question = query.question[0]
    addresses = _NAMES.get(question.name.to_text().lower())
    if addresses is None:
        made.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.A:
        made.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", *addresses))
    octets = made.to_wire(max_size=65535)
    if len(octets) <= size:
        return octets
    made.answer.clear()
    made.flags |= dns.flags.TC
    return made.to_wire()


class _Datagram(socketserver.DatagramRequestHandler):
    def handle(self) -> None:
        self.wfile.write(reply(self.rfile.read(), 512))


class _Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(head := self.rfile.read(2)) == 2:
            octets = reply(self.rfile.read(int.from_bytes(head, "big")), 65535)
            self.wfile.write(len(octets).to_bytes(2, "big") + octets)
            self.wfile.flush()


class _Streams(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


if __name__ == "__main__":
    place = ("127.0.0.1", int(sys.argv[1]))
    threading.Thread(target=socketserver.UDPServer(place, _Datagram).serve_forever, daemon=True).start()
    print("ready", flush=True)
    _Streams(place, _Stream).serve_forever()
