"""The README's table of plugins is the one the program has."""

import re
from pathlib import Path

from kdns.plugins import ABSENT, ORDER, available

README = Path(__file__).parents[2] / "README.md"


def words(row: str) -> set[str]:
    line = next(line for line in README.read_text().splitlines() if line.startswith(f"| {row} |"))
    return set(re.findall(r"`(\w+)`", line))


def test_plugins_that_are_in() -> None:
    assert words("in") == available()
    assert words("out on purpose") == ABSENT.keys()


def test_every_word_is_in_one_row() -> None:
    rows = [words(row) for row in ("in", "out on purpose")]
    assert set.union(*rows) == set(ORDER)
    assert sum(map(len, rows)) == len(ORDER)
