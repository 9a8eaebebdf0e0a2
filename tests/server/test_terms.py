import sys

import pytest

from kdns.chain.listen import Listen, Proxied
from kdns.net.bounds import StreamLimits
from kdns.server.plan import Listener
from kdns.server.terms import terms


def agreed(*blocks: Listen, transport: str = "dns") -> StreamLimits:
    return terms(Listener(transport, "", 53, ()), blocks).limits


@pytest.mark.parametrize(
    ("blocks", "limits"),
    [
        ([Listen()], StreamLimits()),
        ([Listen(first_read=5.0), Listen()], StreamLimits(first_read=5.0)),
        ([Listen(idle=5.0), Listen(idle=6.0), Listen(write=7.0)], StreamLimits(idle=6.0, write=7.0)),
        ([Listen(max_queries=5), Listen(max_queries=-1)], StreamLimits(max_queries=-1)),
        ([Listen(https_connections=5)], StreamLimits()),
    ],
)
def test_the_last_block_that_says_something_decides(blocks: list[Listen], limits: StreamLimits) -> None:
    assert agreed(*blocks) == limits


@pytest.mark.parametrize(
    ("blocks", "number"),
    [
        ([Listen()], 200),
        ([Listen(https_connections=7), Listen(https_connections=8)], 7),
        ([Listen(), Listen(https_connections=8)], 200),
        ([Listen(https_connections=0)], sys.maxsize),
    ],
)
def test_the_first_block_decides_on_https(blocks: list[Listen], number: int) -> None:
    assert agreed(*blocks, transport="https").connections == number


def test_a_block_without_tls_does_not_take_it_away() -> None:
    first, second = {"tls": object()}, {"tls": object(), "https": object()}
    listener = Listener("tls", "", 853, ())
    assert terms(listener, [Listen(tls=first), Listen(tls=second), Listen()]).tls is second["tls"]
    assert terms(listener, [Listen(tls={"https": object()}), Listen()]).tls is None
    assert terms(Listener("dns", "", 53, ()), [Listen(tls=second)]).tls is None


def test_proxies() -> None:
    listener = Listener("dns", "", 53, ())
    assert terms(listener, [Listen()]).gate is None
    blocks = [Listen(proxied=Proxied((), "reject", 0.0, 1)), Listen(proxied=Proxied((), "skip", 28.0, 7)), Listen()]
    gate = terms(listener, blocks).gate
    assert gate is not None
    assert (gate.policy("192.0.2.1"), gate.ttl, gate.sessions) == ("skip", 28.0, 7)
