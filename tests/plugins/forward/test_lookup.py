"""Addresses of host names: from resolvers, or from the system."""

import asyncio
import socket

import pytest

from kdns.plugins.forward import lookup
from tests.kit.upstream import FakeUpstream, never, unused_port
from tests.plugins.forward.chains import addresses


async def test_the_next_resolver_is_asked_if_one_does_not_answer() -> None:
    async with FakeUpstream(addresses("192.0.2.7", None)) as resolver:
        dead = unused_port()
        found = await lookup.addresses("dns.example", [("127.0.0.1", dead), ("127.0.0.1", resolver.port)])
    assert found == ("192.0.2.7",)


async def test_the_last_failure_is_told() -> None:
    dead = unused_port()
    with pytest.raises(lookup.LookupFailed, match=f"no addresses found.*127.0.0.1:{dead}.*connection refused"):
        await lookup.addresses("dns.example", [("127.0.0.1", dead)])


async def test_the_system_knows_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    family = socket.AddressFamily
    found = [(family.AF_INET6, 2, 17, "", ("2001:db8::7%1", 0, 0, 0)), (family.AF_INET, 2, 17, "", ("192.0.2.7", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, **kind: found)
    assert await lookup.addresses("dns.example", ()) == ("192.0.2.7", "2001:db8::7")


async def test_the_system_may_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(lookup.LookupFailed, match=r"lookup dns.example: Name or service not known"):
        await lookup.addresses("dns.example", ())


async def test_the_system_may_take_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "SYSTEM_TIMEOUT", 0.01)
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "run_in_executor", lambda *args: loop.create_future())
    with pytest.raises(lookup.LookupFailed, match=r"lookup dns.example: i/o timeout"):
        await lookup.addresses("dns.example", ())


async def test_a_silent_resolver_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "TIMEOUT", 0.01)
    async with FakeUpstream(never) as resolver:
        with pytest.raises(lookup.LookupFailed, match="i/o timeout"):
            await lookup.addresses("dns.example", [("127.0.0.1", resolver.port)])


async def test_the_system_may_know_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: [])
    with pytest.raises(lookup.LookupFailed, match=r'no addresses found for "dns.example"'):
        await lookup.addresses("dns.example", ())
