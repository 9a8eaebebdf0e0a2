"""How long a reply may be, and what a client is told of one that was cut (RFC 6891 section 6.2, RFC 2181 section 9)."""

import dns.flags
import dns.message
import pytest

from kdns.wire import codes
from tests.fuzz.shape import fault
from tests.messages.case import FOUND, Case
from tests.messages.packets import opt, query
from tests.messages.server import MANY, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTS, SERVICE = "many.hosts.test.", "many.shop.svc.cluster.local."
SIZES = (None, 0, 1, 511, 512, 513, 700, 1232, 4096, 65535)


def asked(name: str, rtype: int, size: int | None) -> bytes:
    return query(name, rtype, opts=() if size is None else (opt(size),))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("name", "rtype", "glue"), [(HOSTS, codes.A, 0), (SERVICE, codes.A, 0), (SERVICE, codes.SRV, MANY)]
)
async def test_a_reply_is_cut_to_the_size(server: Server, name: str, rtype: int, glue: int, size: int | None) -> None:
    packet = asked(name, rtype, size)
    reply = await server.ask(packet)
    assert reply is not None
    assert not fault(packet, reply, server.transport.proto)
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    kinds = {(rrset.name.to_text(), rrset.rdtype) for rrset in message.answer}
    assert kinds == {(name, rtype)}
    whole = len(message.answer) == MANY and len(message.additional) == glue
    assert bool(message.flags & dns.flags.TC) is not whole
    if server.transport.proto == "tcp" or size == 65535:
        assert whole
    if not whole:
        # Another record would not have fitted.
        limit = max(512, size or 0)
        assert limit - len(reply) < 80


@pytest.mark.parametrize("size", [0, 512, 65535])
async def test_opt_stays_in_a_reply_that_is_cut(server: Server, size: int) -> None:
    reply = await server.ask(asked(SERVICE, codes.SRV, size))
    assert reply is not None
    message = dns.message.from_wire(reply)
    assert (message.edns, message.payload) == (0, size)


@pytest.mark.parametrize("octets", [512, 513, 1232, 4000])
async def test_a_query_may_be_longer_than_512_octets(server: Server, octets: int) -> None:
    bare = len(query(opts=(opt(1232, (65001, b"")),)))
    long = Case("", query(opts=(opt(1232, (65001, bytes(octets - bare))),)), (*FOUND, "edns 1232"))
    assert len(long.query) == octets
    assert not await server.judge(long)


async def test_padding_does_not_take_the_room_of_the_answer(server: Server) -> None:
    packet = query(opts=(opt(512, (codes.PADDING, bytes(490))),))
    reply = await server.ask(packet)
    assert not fault(packet, reply, server.transport.proto)
    assert len(dns.message.from_wire(reply or b"").answer) == 1
