"""Differences that are meant: each rule has a reason, and a row of the README's table of differences.

A rule accounts for some parts of a reply (`covers`) where it `holds`. A difference is explained when the rules that
hold account for every part that differs.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tests.conformance.beside.compare import Pair, Said

DATA = frozenset({"rcode", "answer", "authority", "additional"})
ALL = DATA | {"flags", "question", "edns", "tsig", "ttl", "order"}


@dataclass(frozen=True, slots=True)
class Rule:
    """`row` is how the README's row begins; none if the difference is of no server's making."""

    reason: str
    covers: frozenset[str]
    holds: Callable[[Pair], bool]
    row: str = ""


def explain(pair: Pair, kinds: frozenset[str], rules: Iterable[Rule]) -> list[str]:
    """The reasons of a difference; none if some part of it is not explained."""
    left, reasons = kinds, []
    for rule in rules:
        if rule.covers & left and rule.holds(pair):
            left -= rule.covers
            reasons.append(rule.reason)
    return [] if left else reasons


REWRITTEN = {
    "apps.test.": "cluster.local.",
    "ovh.example.": "svc.cluster.local.",
    "svc.cluster.local.svc.cluster.local.": "svc.cluster.local.",
}
"""Names that set-ups rewrite to those of the cluster."""


def name(pair: Pair) -> str:
    """The name asked, in lower case, and as rules rewrite it."""
    asked = str(pair.row.given["name"]).lower()
    if "rewrite" in pair.setup.plugins:
        for given, meant in REWRITTEN.items():
            asked = asked.removesuffix(given) + meant if asked.endswith(given) else asked
    return asked


def kind(pair: Pair) -> str:
    """The type asked."""
    return str(pair.row.given["type"])


def relative(pair: Pair) -> str | None:
    """The name asked without its zone, as the SOA or NS of either reply tells it; none if neither does."""
    for said in (pair.ours, pair.theirs):
        for line in said.lines:
            if line.kind in ("SOA", "NS"):
                zone = line.owner.lower()
                return name(pair).removesuffix(zone).removesuffix(".") if name(pair).endswith(zone) else None
    return None


def is_empty(said: Said) -> bool:
    """Whether a reply says that there are no such data."""
    return said.rcode == "NOERROR" and not said.sections[0]


def is_reverse(pair: Pair) -> bool:
    """Whether the name asked is the reverse of something."""
    return name(pair).endswith((".in-addr.arpa.", ".ip6.arpa."))


def mixed_case(pair: Pair) -> bool:
    """Whether the name was asked in other letters than small ones."""
    asked = str(pair.row.given["name"])
    return asked.lower() != asked


def same_but_case(pair: Pair) -> bool:
    """Whether the records are the same but for letter case in their names."""
    ours, theirs = [Counter((*map(str.lower, line),) for line in said.lines) for said in (pair.ours, pair.theirs)]
    return ours == theirs


def options(pair: Pair) -> list[tuple[int, str]]:
    """The EDNS options of the query."""
    given = (pair.row.given.get("edns") or {}).get("options", ())
    return [(option["code"], option["data"]) for option in given]


def served_by(pair: Pair, word: str) -> list[str]:
    """The zones behind a word in the Corefile."""
    lines = [line.split() for line in pair.setup.text.splitlines()]
    return [zone for line in lines if line[:1] == [word] for zone in line[1:] if zone != "{"]


def may_hit(pair: Pair) -> bool:
    """Whether the set-up has a cache."""
    return "cache" in pair.setup.plugins
