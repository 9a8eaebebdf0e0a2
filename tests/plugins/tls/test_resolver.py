import asyncio
import socket

import pytest
from aiohttp.resolver import ThreadedResolver

from kdns.plugins.tls import resolver as module
from kdns.plugins.tls.resolver import MAX_ADDRESSES, Resolver, resolver
from tests.kit.upstream import Ask, FakeUpstream, Steps, answer, never, reply

HOST = "ca.example.org"


def addresses(ask: Ask) -> Steps:
    return [answer(ask, "192.0.2.7" if ask.question[-3:-2] == b"\x01" else "2001:db8::7")]


async def found(
    at: FakeUpstream, family: socket.AddressFamily = socket.AF_UNSPEC, host: str = "127.0.0.1"
) -> list[str]:
    made = resolver((host, at.port))
    try:
        return [f"{each['host']} {each['port']} {each['hostname']}" for each in await made.resolve(HOST, 443, family)]
    finally:
        await made.close()


async def test_one_server_is_asked() -> None:
    async with FakeUpstream(addresses) as server:
        assert await found(server) == [f"192.0.2.7 443 {HOST}", f"2001:db8::7 443 {HOST}"]
        assert await found(server, socket.AF_INET) == [f"192.0.2.7 443 {HOST}"]
        assert len(server.asks) == 3
        assert len({ask.ident for ask in server.asks}) > 1


async def test_a_server_by_name() -> None:
    (*_, address), *_ = await asyncio.get_running_loop().getaddrinfo("localhost", None, type=socket.SOCK_DGRAM)
    async with FakeUpstream(addresses, str(address[0])) as server:
        assert len(await found(server, host="localhost")) == 2


async def test_what_is_truncated_is_asked_for_over_tcp() -> None:
    def script(ask: Ask) -> Steps:
        return [reply(ask, flags=0x8380)] if ask.proto == "udp" else addresses(ask)

    async with FakeUpstream(script) as server:
        assert len(await found(server)) == 2


async def test_a_long_answer_is_cut() -> None:
    def script(ask: Ask) -> Steps:
        one = answer(ask)
        record = one[12 + len(ask.question) :]
        return [one[:6] + (60).to_bytes(2, "big") + one[8:] + record * 59]

    async with FakeUpstream(script) as server:
        assert len(await found(server, socket.AF_INET)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    ("script", "text"),
    [
        (lambda ask: [reply(ask, flags=0x8183)], f"lookup {HOST} on 127.0.0.1: no such host"),
        (lambda ask: [reply(ask)], f"lookup {HOST} on 127.0.0.1: no such host"),
        (lambda ask: [answer(ask)[:-1]], f"lookup {HOST} on 127.0.0.1: "),
        (never, f"lookup {HOST} on 127.0.0.1: "),
    ],
)
async def test_no_address(script: object, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", 0.1)
    async with FakeUpstream(script) as server:  # type: ignore[arg-type]
        with pytest.raises(OSError, match=text):
            await found(server)


async def test_the_system_is_asked_where_nothing_is_said() -> None:
    assert isinstance(resolver(None), ThreadedResolver)
    assert isinstance(resolver(("192.0.2.1", 53)), Resolver)
