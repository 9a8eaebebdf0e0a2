"""The make-believe name servers of distributions: each has one address for everything."""

import ssl
from pathlib import Path

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

from tests.kit.upstream import Ask, FakeUpstream, Steps

TLS = Path(__file__).parents[1] / "kit" / "tls"
FILES = {"etc/pki/api.kit-ca-bundle/ca-bundle.crt": (TLS / "ca.crt").read_text()}
"""What a distribution mounts beside its configuration."""


def answering(address: str) -> FakeUpstream:
    """A name server that has one address for everything, and one name; `tls` behind the address makes it speak that."""
    address, _, tls = address.partition(" ")

    def script(ask: Ask) -> Steps:
        query = dns.message.from_wire(ask.message)
        reply = dns.message.make_response(query, recursion_available=True, pad=0)
        reply.flags |= query.flags & dns.flags.CD
        (question,) = query.question
        data = {dns.rdatatype.A: address, dns.rdatatype.PTR: "outside.example.net."}.get(question.rdtype)
        if data is not None:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, data))
        return [reply.to_wire()]

    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "server.crt", TLS / "server.key")
    return FakeUpstream(script, tls=context, udp=not tls)
