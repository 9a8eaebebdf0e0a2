"""Differences that are meant: each rule names its row in the README's table "Where it answers otherwise than CoreDNS".

A rule accounts for some parts of a reply (`covers`) where it `holds`. A difference is explained when the rules that
hold account for every part that differs.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kdns.wire import codes
from tests.conformance.beside.compare import Pair, Said

DATA = frozenset({"rcode", "answer", "authority", "additional"})
ALL = DATA | {"flags", "question", "edns", "ttl", "order"}
ALIKE = frozenset({"rcode"})


@dataclass(frozen=True, slots=True)
class Rule:
    """`row` is how the README's row begins."""

    row: str
    covers: frozenset[str]
    holds: Callable[[Pair], bool]


def explain(pair: Pair, kinds: frozenset[str], rules: Iterable[Rule]) -> list[str]:
    """The rows that explain a difference; none if some part of it is not explained."""
    held = [rule for rule in rules if rule.covers & kinds and rule.holds(pair)]
    left = kinds.difference(*[rule.covers for rule in held])
    return [] if left else list(dict.fromkeys(rule.row for rule in held))


def name(pair: Pair) -> str:
    """The name asked, in lower case; names of `apps.test` are rewritten to those of the cluster."""
    return str(pair.row.given["name"]).lower().replace("apps.test.", "cluster.local.")


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


def without_echo(pair: Pair) -> bool:
    """Whether the OPT records are the same but for what they repeat of the query's."""
    ours, theirs = pair.ours.edns, pair.theirs.edns
    if ours is None or theirs is None or ours[:2] != theirs[:2]:
        return False
    options = (pair.row.given.get("edns") or {}).get("options", ())
    asked = {(option["code"], option["data"]) for option in options}
    return ours[2] == theirs[2] & codes.DO and set(ours[3]) ^ set(theirs[3]) <= asked


def may_hit(pair: Pair) -> bool:
    """Whether the set-up has a cache."""
    return "cache" in pair.setup.plugins
