"""What taps are shown of attempts; whole messages on their way to a collector are tested with `dnstap`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kdns.chain.query import Query
from kdns.chain.roles import Forwarded
from kdns.plugins.forward.tapped import TappedForward
from kdns.wire import codes
from tests.kit.chain import Chain, root_chain
from tests.kit.upstream import FakeUpstream, reply, unused_port
from tests.plugins.forward.chains import LoopClock, forward


class Witness:
    """Implements `chain.roles.Tap`."""

    def __init__(self) -> None:
        self.shown: list[tuple[Query, Forwarded]] = []

    def forwarded(self, query: Query, exchange: Forwarded) -> None:
        self.shown.append((query, exchange))


@asynccontextmanager
async def tapped(*resolvers: FakeUpstream | int, options: str = "") -> AsyncIterator[tuple[Chain, Witness]]:
    text = "dnstap x\n" + forward(*resolvers, options="policy sequential\n" + options)
    chain, witness = root_chain(text, clock=LoopClock()), Witness()
    link = chain.links["forward"]
    assert isinstance(link, TappedForward)
    link._taps = [witness]
    async with chain.running():
        yield chain, witness


@pytest.mark.parametrize("proto", ["udp", "tcp"])
async def test_an_exchange(proto: str) -> None:
    async with FakeUpstream() as upstream, tapped(upstream) as (chain, witness):
        for _ in range(2):  # over TCP the second goes by a connection that is there
            answer = await chain.asked("www.example", proto=proto, ident=b"\x47\x11")
            assert answer.rcode == codes.NOERROR
        for (query, exchange), ask in zip(witness.shown, upstream.asks, strict=True):
            assert query.text == "www.example."
            assert (exchange.proto, exchange.upstream) == (proto, ("127.0.0.1", upstream.port))
            assert exchange.source == ("127.0.0.1", ask.port)
            assert exchange.question == b"\x47\x11" + ask.message[2:]
            assert exchange.reply is not None
            assert exchange.reply[:2] == b"\x47\x11"


async def test_every_attempt_is_shown_and_the_limits_are_those_of_the_group() -> None:
    dead = unused_port()
    async with FakeUpstream() as upstream, tapped(dead, upstream, options="force_tcp\nmax_fails 1") as (chain, witness):
        assert (await chain.asked("www.example")).rcode == codes.NOERROR
        assert [exchange.upstream[1] for _, exchange in witness.shown] == [dead, upstream.port]
        assert [exchange.reply is None for _, exchange in witness.shown] == [True, False]
        assert witness.shown[0][1].source is None


async def test_failures_are_shown_and_passed_on() -> None:
    async with (
        FakeUpstream(lambda ask: [reply(ask, flags=0x8182)]) as one,
        FakeUpstream() as two,
        tapped(one, two, options="failover SERVFAIL") as (chain, witness),
    ):
        assert (await chain.asked("www.example")).rcode == codes.NOERROR
        assert [exchange.upstream[1] for _, exchange in witness.shown] == [one.port, two.port]
        assert all(exchange.reply for _, exchange in witness.shown)


async def test_names_out_of_scope_are_nobodys_business() -> None:
    async with FakeUpstream() as upstream, tapped(upstream, options="except example") as (chain, witness):
        assert not (await chain.asked("www.example")).written
        assert witness.shown == []
