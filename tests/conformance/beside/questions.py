"""Questions about names: with every type, in odd letter case, with EDNS in several forms, and with odd header bits."""

import random
from collections.abc import Iterable, Iterator

from tests.conformance.rows import Row

TYPES = (
    *("A", "AAAA", "SRV", "TXT", "CNAME", "PTR", "NS", "SOA", "MX", "ANY"),
    *("HTTPS", "SVCB", "CAA", "DS", "NAPTR", "HINFO", "DNSKEY", "LOC", "TYPE65400"),
)
COMMON = ("A", "AAAA", "SRV", "TXT", "PTR", "NS", "SOA")
FEW = ("A", "AAAA", "SRV", "MX")

NSID, SUBNET, COOKIE = "3:", "8:000118000a0000", "10:0123456789abcdef"
SIZES = (0, 511, 512, 700, 1232, 4096, 65535)
CLIENT = "127.0.0.1"


def question(name: str, kind: str, note: str = "", client: str = CLIENT, **given: object) -> Row:
    """A question; `given` are the keys of a row in `cases.yaml`."""
    return Row({"id": note or "plain", "name": name, "type": kind, "client": client, "note": note, **given})


def all_of(names: Iterable[str], seed: int = 1, client: str = CLIENT) -> Iterator[Row]:
    """Every kind of question about each name."""
    chance = random.Random(seed)
    for number, name in enumerate(names):
        yield from (question(name, kind, client=client) for kind in TYPES)
        yield from variants(name, number, chance, client)


def some_of(names: Iterable[str], kinds: Iterable[str] = COMMON, client: str = CLIENT) -> Iterator[Row]:
    """A few questions about each name."""
    for name in names:
        yield from (question(name, kind, client=client) for kind in kinds)
        yield question(name, "A", "edns", client, edns={"size": 1232})
        yield question(name, "AAAA", "bits", client, rd=False, cd=True, ad=True)


def variants(name: str, number: int, chance: random.Random, client: str = CLIENT) -> Iterator[Row]:
    """The same name asked in other ways; which, goes round from name to name."""
    mixed = "".join(letter.upper() if chance.random() < 0.5 else letter for letter in name)
    yield from (question(mixed, kind, "letter case", client) for kind in COMMON)
    size = SIZES[number % len(SIZES)]
    for kind in ("A", "SRV", "AAAA"):
        yield question(name, kind, "edns", client, edns={"size": size})
        yield question(name, kind, "do", client, edns={"size": 4096, "do": True})
    odd = (NSID, SUBNET, COOKIE, "11:", "12:0000", "9:", "65001:abcd", "15:0000")[number % 8]
    code, _, data = odd.partition(":")
    yield question(name, "A", "option", client, edns={"size": 1232, "options": [{"code": int(code), "data": data}]})
    yield question(name, "A", "edns flags", client, edns={"size": 1232, "z": 1 << number % 15})
    yield question(name, "A", "version", client, edns={"size": 1232, "version": 1 + number % 3})
    yield question(name, "A", "bits", client, rd=bool(number & 1), cd=bool(number & 2), ad=bool(number & 4))
    yield question(name, "A", "class", client, **{"class": ("CH", "HS", "ANY", "NONE")[number % 4]})
    yield question(name, "A", "opcode", client, opcode=("STATUS", "NOTIFY", "UPDATE", "IQUERY")[number % 4])
