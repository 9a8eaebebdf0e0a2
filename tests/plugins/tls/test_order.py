import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as http

from kdns.plugins.tls import order, web
from kdns.plugins.tls.challenges import Challenges
from kdns.plugins.tls.options import Options
from kdns.plugins.tls.order import OrderError, Orders
from kdns.plugins.tls.store import Account, Store
from kdns.wire import name
from tests.kit.acme import FakeCA, Problem
from tests.kit.until import until
from tests.kit.upstream import Ask, FakeUpstream, Steps

DOMAIN = "dns.example.org"
pytestmark = pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])


class Placing:
    """Orders at a make-believe CA that asks a make-believe DNS, which shows what the orders have it show."""

    def __init__(self, ca: FakeCA, folder: Path, **how: Any) -> None:
        self.ca = ca
        self.forgotten: list[object] = []
        self.challenges = Challenges(self.forgotten.extend)
        for domain in (DOMAIN, f"*.{DOMAIN}"):
            self.challenges.expect(domain)
        self.store = Store(str(folder / "store"), ca.url)
        self.options = Options((DOMAIN, f"*.{DOMAIN}"), ca.url, str(folder / "store"), "me@example.org", str(ca.root))
        self.how = how

    async def orders(self) -> Orders:
        """As after a start."""
        trusted = await asyncio.to_thread(web.trust, self.options.ca_root)
        how: dict[str, Any] = {"environ": {}, "agent": "kdns/test"} | self.how
        return Orders(self.options, self.store, self.challenges, trusted, **how)

    def script(self, ask: Ask) -> Steps:
        """What is shown in the DNS now."""
        folded = ask.question[:-4].lower()
        values = self.challenges.values(folded) if self.challenges.knows(folded) else []
        head = ask.ident + bytes.fromhex("8180 0001") + len(values).to_bytes(2, "big") + bytes(4) + ask.question
        records = [
            b"\xc0\x0c\0\x10\0\x01\0\0\0\0" + (len(v) + 1).to_bytes(2, "big") + bytes([len(v)]) + v for v in values
        ]
        return [head + b"".join(records)]


@asynccontextmanager
async def placing(folder: Path, **how: Any) -> AsyncIterator[Placing]:
    async with FakeUpstream() as dns, FakeCA(folder, lambda: dns.port, time.time) as ca:
        made = Placing(ca, folder, **how)
        dns.script = made.script
        yield made


async def test_a_certificate_from_the_first_request_to_the_last(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        for domain in world.options.domains:
            made = await orders.place(domain)
            assert made.ends - made.begins == 90 * 86400
        assert world.ca.orders == [DOMAIN, f"*.{DOMAIN}"]
        assert len(world.ca.accounts) == 1
        assert [len(found) for found in world.ca.seen] == [1, 1]
        assert world.challenges.values(name.from_text(f"_acme-challenge.{DOMAIN}.")) == []
        assert len(world.forgotten) == 4


async def test_a_restart_goes_on_with_its_account(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        for _ in range(2):
            await (await world.orders()).place(DOMAIN)
        assert world.ca.requests.count("account") == 1


async def test_two_orders_at_a_time_show_two_values_and_make_one_account(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        await asyncio.gather(*[orders.place(domain) for domain in world.options.domains])
        assert len(world.ca.accounts) == 1
        assert max(map(len, world.ca.seen)) <= 2


async def test_an_account_that_the_ca_has_forgotten_is_made_anew(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        await orders.place(DOMAIN)
        world.ca.accounts.clear()
        with pytest.raises(OrderError, match=r"accountDoesNotExist .*; the next order begins with a new account$"):
            await orders.place(DOMAIN)
        await orders.place(DOMAIN)


async def test_the_key_of_an_account_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        await asyncio.to_thread(world.store.keep_account, "me@example.org", Account(f"{world.ca.base}/a", b"junk"))
        orders = await world.orders()
        with pytest.raises(OrderError, match=r"the key of the account cannot be read"):
            await orders.place(DOMAIN)
        await orders.place(DOMAIN)


def problem(kind: str, status: int = 403) -> http.Response:
    body = Problem(kind, f"no, because of {kind}").body
    return http.json_response(body, status=status, content_type="application/problem+json")


def says(value: object, **how: Any) -> http.Response:
    return http.json_response(value, **how)


HTTP = {"type": "http-01", "url": "x", "token": "a" * 43, "status": "pending"}


def authz(domain: str, *challenges: object) -> dict[str, object]:
    return {"identifier": {"type": "dns", "value": domain}, "status": "pending", "challenges": challenges}


FAULTS: list[tuple[str, Callable[[FakeCA], http.Response], str]] = [
    ("directory", lambda ca: http.Response(status=503), "/directory: HTTP status 503"),
    ("directory", lambda ca: http.Response(body=b"<html>"), "Unexpected response Content-Type: "),
    ("directory", lambda ca: says([]), "a reply that cannot be read: "),
    ("directory", lambda ca: says({}), "a reply that cannot be read: "),
    ("directory", lambda ca: http.Response(body=b"[" * 400_000, content_type="application/json"), "cannot be read: "),
    ("directory", lambda ca: http.Response(body=bytes(web.MAX_REPLY + 1)), "a reply of more than 524288 octets"),
    ("directory", lambda ca: http.Response(status=302, headers={"Location": "/directory"}), "more than 3 redirects"),
    ("directory", lambda ca: http.Response(status=302, headers={"Location": "http://localhost/"}), "insecure CA URL"),
    ("directory", lambda ca: http.Response(status=302, headers={"Location": "file:///etc/passwd"}), "insecure CA URL"),
    ("directory", lambda ca: says({"newNonce": "http://[", "newAccount": "x", "newOrder": "y"}), "http://["),
    ("directory", lambda ca: says(dict.fromkeys(("newNonce", "newAccount", "newOrder"), 7)), "7: insecure CA URL"),
    ("nonce", lambda ca: http.Response(status=500), "/nonce: HTTP status 500"),
    ("account", lambda ca: problem("externalAccountRequired"), "error:externalAccountRequired"),
    ("account", lambda ca: says({}, status=201), "the CA gives the account no URL"),
    ("order", lambda ca: problem("rateLimited", 429), "error:rateLimited"),
    ("order", lambda ca: problem("badNonce", 400), "error:badNonce"),
    ("order", lambda ca: says({"status": "pending"}, status=201), "a reply that cannot be read: "),
    ("order", lambda ca: says({"authorizations": [f"{ca.base}/order/"] * 999}, status=201), "more than 200 requests"),
    ("authz", lambda ca: says(authz("victim.example")), "the CA wants proof of another domain: victim.example"),
    ("authz", lambda ca: says(authz(DOMAIN, HTTP)), "the CA offers no challenge dns-01"),
    ("challenge", lambda ca: says({}), '"up" Link header missing'),
    ("challenge", lambda ca: problem("unauthorized"), "error:unauthorized"),
    ("finalize", lambda ca: problem("badCSR"), "error:badCSR"),
    ("certificate", lambda ca: http.Response(text="-----BEGIN CERTIFICATE-----\n"), "no certificate with its key: "),
    ("certificate", lambda ca: http.Response(body=ca.signer.pair(DOMAIN)[0]), "certificate and key do not belong"),
    ("certificate", lambda ca: problem("serverInternal", 500), "error:serverInternal"),
]


@pytest.mark.parametrize(("step", "fault", "text"), FAULTS, ids=[f"{step}-{text[:30]}" for step, _, text in FAULTS])
async def test_whatever_a_ca_says_ends_in_an_error(
    tmp_path: Path, step: str, fault: Callable[[FakeCA], http.Response], text: str
) -> None:
    async with placing(tmp_path) as world:
        world.ca.fault = lambda now: fault(world.ca) if now == step else None
        with pytest.raises(OrderError) as raised:
            await (await world.orders()).place(DOMAIN)
        assert text in str(raised.value)
        assert str(raised.value).isprintable()
        assert world.challenges.values(name.from_text(f"_acme-challenge.{DOMAIN}.")) == []


async def test_a_proof_that_is_not_found(tmp_path: Path) -> None:
    async with placing(tmp_path) as world, FakeUpstream() as elsewhere:
        world.ca._asked_at = lambda: elsewhere.port
        with pytest.raises(OrderError, match=r"error:unauthorized.*the value is not there"):
            await (await world.orders()).place(DOMAIN)


async def test_a_ca_that_never_comes_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "FIRST_LOOK", 0.0)
    async with placing(tmp_path) as world:
        looks = 0

        def fault(step: str) -> http.Response | None:
            nonlocal looks
            looks += step == "authz"
            return says(authz(DOMAIN)) if step == "authz" and looks > 1 else None

        world.ca.fault = fault
        with pytest.raises(OrderError, match=r"more than 200 requests in one order$"):
            await (await world.orders()).place(DOMAIN)


@pytest.mark.parametrize("step", ["directory", "order", "challenge", "certificate"])
async def test_a_ca_that_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        async with hung(world.ca, step):
            monkeypatch.setattr(web, "TIMEOUT", 0.2)
            with pytest.raises(OrderError, match=r"no reply within 0.2 s$"):
                await orders.place(DOMAIN)


async def test_an_order_takes_so_long_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        monkeypatch.setattr(order, "LONGEST", 0.2)
        async with hung(world.ca, "challenge"):
            with pytest.raises(OrderError, match=r"/directory: not done within 0.2 s$"):
                await orders.place(DOMAIN)
            assert world.challenges.values(name.from_text(f"_acme-challenge.{DOMAIN}.")) == []


async def test_an_order_ends_with_kdns(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        async with hung(world.ca, "challenge"):
            placed = asyncio.create_task(orders.place(DOMAIN))
            await until(lambda: "challenge" in world.ca.requests)
            placed.cancel()
            with pytest.raises(asyncio.CancelledError):
                await placed
            assert world.challenges.values(name.from_text(f"_acme-challenge.{DOMAIN}.")) == []


@asynccontextmanager
async def hung(ca: FakeCA, step: str) -> AsyncIterator[None]:
    """Let a CA keep silent at a step."""
    ended = asyncio.Event()
    ca.waits = (step, ended)
    try:
        yield
    finally:
        ended.set()


async def test_an_error_is_one_line_that_ends() -> None:
    assert str(OrderError("a\n[INFO] b\x1b[2J")) == "a [INFO] b [2J"
    assert str(OrderError("x" * 1_000_000)) == "x" * 400 + "..."


async def test_nobody_is_there(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
    with pytest.raises(OrderError, match=rf"^{world.ca.url}: .*Cannot connect to host localhost"):
        await orders.place(DOMAIN)


async def test_a_ca_is_not_trusted_without_its_root(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        world.options = Options(world.options.domains, world.ca.url, world.options.storage)
        with pytest.raises(OrderError, match=r"CERTIFICATE_VERIFY_FAILED"):
            await (await world.orders()).place(DOMAIN)


async def test_in_clear_text_only_near_by(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        world.options = Options((DOMAIN,), "http://ca.example.org/directory", world.options.storage)
        with pytest.raises(OrderError, match=r"insecure CA URL \(HTTPS required for non-internal CA\)$"):
            await (await world.orders()).place(DOMAIN)


async def test_when_the_ca_would_have_it_renewed(tmp_path: Path) -> None:
    async with placing(tmp_path) as world:
        orders = await world.orders()
        made = await orders.place(DOMAIN)
        assert await orders.renewal(made) is None
        world.ca.window = ("2030-01-01T00:00:00Z", "2030-01-02T00:00:00Z")
        wished = await orders.renewal(made)
        assert wished is not None
        assert 1893456000 <= wished <= 1893542400
        world.ca.window = ("yesterday", "2030-01-02T00:00:00Z")
        with pytest.raises(OrderError, match=r"a reply that cannot be read"):
            await orders.renewal(made)
