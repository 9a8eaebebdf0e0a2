"""The memo's laws hold for the choice of a block: kept replies are what each client would be given anew.

Clients that differ in everything that a filter may ask for put the same few questions, over and over, to a server that
keeps replies and to one that does not.
"""

import random
from collections.abc import Callable

import pytest

from kdns.chain import facts
from kdns.chain.basis import Basis
from kdns.chain.query import Query
from kdns.corefile.expression import STRING, Function
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.house import Ends, House, packet

STEPS = 800
SEEDS = range(10)
VIEWS = (
    "incidr(client_ip(), '10.0.0.0/8')",
    "client_ip() startsWith '192.' and type() == 'A'",
    "do()",
    "bufsize() > 1000 and bufsize() < 60000",
    "proto() == 'tcp'",
    "name() matches '^www\\\\.'",
    "type() in ['TXT', 'AAAA']",
    "size() > 30",
    "int(port()) % 2 == 0",
    "id() < 30000",
    "server_ip() == '10.244.0.53'",
    "metadata('view/name') == 'v3' or metadata('kubernetes/client-namespace') == ''",
    "any(split(name(), '.'), # == 'x') ? do() : incidr(client_ip(), '10.1.0.0/16')",
)
NAMES = ("www.example.", "x.example.", "a.b.example.", "example.", "www.a.example.")
ZONES = ("example.", "a.example.", ".")
CLIENTS = tuple((address, port) for address in ("10.1.0.1", "10.2.0.1", "192.0.2.1") for port in (4000, 4001))
EDNS = (None, Edns(1232), Edns(4096, codes.DO), Edns(512), Edns(1232, options=(Option(codes.COOKIE, b"12345678"),)))

Patch = pytest.MonkeyPatch


def corefile(pick: random.Random) -> str:
    """Several blocks for each of a few zones, each with its own addresses, most of them behind a view."""
    blocks = []
    for number in range(8):
        zone, view = pick.choice(ZONES), pick.choice(VIEWS)
        blocks.append(_block(zone, number, f'view v{number} {{\nexpr "{view}"\n}}'))
    return "".join([*blocks, *[_block(zone, 10 + number, "") for number, zone in enumerate(ZONES)]])


def _block(zone: str, number: int, view: str) -> str:
    names = " ".join(NAMES)
    hosts = f"hosts {{\n0.0.0.{number} {names}\n::{number} {names}\nfallthrough\n}}"
    return f"{zone} {{\n{view}\nmetadata\n{hosts}\nwhoami\n}}\n"


async def differences(seed: int) -> tuple[int, int]:
    """How many replies came from the memo, and how many of all were not what they are without it."""
    pick = random.Random(seed)
    text = corefile(pick)
    hits = wrong = 0
    async with House(text).running() as kept, House(text, memo=False).running() as fresh:
        for _ in range(STEPS):
            proto = pick.choice(("udp", "udp", "tcp"))
            question = packet(
                pick.choice(NAMES),
                pick.choice(("A", "AAAA", "TXT")),
                edns=pick.choice(EDNS),
                ident=pick.choice((7, 40000)),
            )
            ends = Ends(pick.choice(CLIENTS), local=pick.choice(("10.244.0.53", "10.244.0.54")), proto=proto)
            hits += kept.service(proto).hit(question) is not None
            wrong += kept.ask_now(question, ends, proto) != fresh.ask_now(question, ends, proto)
    return hits, wrong


async def test_kept_replies_are_those_of_the_right_block() -> None:
    found = [await differences(seed) for seed in SEEDS]
    assert sum([hits for hits, _ in found]) > STEPS
    assert [wrong for _, wrong in found] == [0] * len(SEEDS)


def client_read_in_secret(patch: Patch) -> None:
    """A filter reads the client, and its basis does not know."""
    secret = Function((), STRING, lambda query: query.exchange.client[0])
    patch.setitem(facts.FACTS, "client_ip", secret)


def basis_of_its_own(patch: Patch) -> None:
    """A filter is asked about a query with another basis than that of the answer."""

    def apart(query: Query) -> Query:
        return query.replace(basis=Basis())

    original = facts.FACTS["client_ip"].call
    other = Function((), STRING, lambda query: original(apart(query)))
    patch.setitem(facts.FACTS, "client_ip", other)


@pytest.mark.parametrize("sabotage", [client_read_in_secret, basis_of_its_own])
async def test_what_a_filter_reads_has_to_be_noted(sabotage: Callable[[Patch], None], monkeypatch: Patch) -> None:
    sabotage(monkeypatch)
    assert sum([(await differences(seed))[1] for seed in SEEDS]) > 0
