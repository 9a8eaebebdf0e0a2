"""What a run has found, counted and grouped, in words."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.conformance.beside.compare import Pair
from tests.conformance.beside.known import explain
from tests.conformance.beside.rules import RULES


@dataclass(slots=True)
class Report:
    """Counts what was asked. `examples` is how many differences of a group are shown, `samples` of a reason."""

    examples: int = 3
    samples: int = 0
    octets: int = 0
    """Replies that are the same to the octet, but for the id."""
    reasons: Counter[str] = field(default_factory=Counter)
    explained: dict[str, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    open: dict[str, list[Pair]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, str] = field(default_factory=dict)
    setups: dict[str, list[int]] = field(default_factory=dict)

    def add(self, pair: Pair) -> None:
        """Take a question and its two replies."""
        counts = self.setups.setdefault(pair.setup.name, [0, 0, 0, 0])
        kinds = pair.kinds()
        counts[0] += 1
        self.octets += pair.octets
        if not kinds:
            counts[1] += 1
        elif reasons := explain(pair, kinds, RULES):
            counts[2] += 1
            self.reasons.update(reasons)
            for shown in [self.explained[reason] for reason in reasons]:
                if len(shown) < self.samples and pair.row.given not in [other.row.given for other in shown]:
                    shown.append(pair)
        else:
            counts[3] += 1
            self.open[_group(pair, kinds)].append(pair)

    @property
    def totals(self) -> list[int]:
        """Questions asked, answers equal, differences explained, and not."""
        return [sum(counts) for counts in zip([0, 0, 0, 0], *self.setups.values(), strict=True)]

    def lines(self) -> Iterator[str]:
        """The report."""
        yield f"{'asked':>8}{'equal':>8}{'explained':>11}{'open':>7}"
        for name, counts in [*self.setups.items(), ("all", self.totals)]:
            yield f"{counts[0]:8}{counts[1]:8}{counts[2]:11}{counts[3]:7}  {name}"
        yield f"{self.octets:8} of them to the octet, without being decoded"
        yield from (f"\n{name} was not asked: {reason}" for name, reason in self.failed.items())
        if self.reasons:
            yield "\nDifferences by reason, each from explained.yaml; a reply may have several:"
        for reason, count in self.reasons.most_common():
            yield f"{count:8}  {reason}"
            yield from (line for pair in self.explained[reason] for line in _shown(pair))
        for group, pairs in sorted(self.open.items(), key=lambda item: -len(item[1])):
            yield f"\n{len(pairs)} times {group}"
            yield from (line for pair in pairs[: self.examples] for line in _shown(pair))


def _group(pair: Pair, kinds: frozenset[str]) -> str:
    rcodes = f"{pair.ours.rcode} for {pair.theirs.rcode}: " if "rcode" in kinds else ""
    return f"{rcodes}{', '.join(sorted(kinds))} ({pair.setup.name})"


def _shown(pair: Pair) -> Iterator[str]:
    given = {key: value for key, value in pair.row.given.items() if key not in ("id", "name", "type", "note")}
    yield f"    {pair.row.given['name']} {pair.row.given['type']} {pair.proto} {given}"
    yield f"        kdns  {pair.ours}"
    yield f"        other {pair.theirs}"
