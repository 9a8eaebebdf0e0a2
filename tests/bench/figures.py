"""Figures and what is made of them: of several rounds the median, and two servers as a ratio."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

DOUBTFUL = 0.25
"""Rounds that are further apart than this share of their median are marked."""


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of the sorted values that at least this share of them does not exceed (nearest rank)."""
    return values[max(0, math.ceil(share * len(values)) - 1)]


@dataclass(frozen=True, slots=True)
class Figure:
    """What the rounds gave."""

    rounds: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median."""
        return statistics.median(self.rounds)

    @property
    def spread(self) -> float:
        """From the lowest to the highest, as a share of the median."""
        return (max(self.rounds) - min(self.rounds)) / self.middle if self.middle else 0.0

    @property
    def doubtful(self) -> bool:
        """The rounds disagree."""
        return self.spread > DOUBTFUL

    def ratio(self, other: "Figure") -> float:
        """How many times the other's figure this one is; 0 if the other is 0."""
        return self.middle / other.middle if other.middle else 0.0


def short(value: float) -> str:
    """About three digits: 0.412, 4.12, 41.2, 412, 4120."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    rounded = round(value, digits)
    digits = 2 - math.floor(math.log10(abs(rounded)))  # 9.996 becomes 10.0, not 10.00
    return f"{rounded:.{min(max(digits, 0), 4)}f}"
