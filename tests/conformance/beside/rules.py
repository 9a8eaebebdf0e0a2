"""The rules that explain differences: `explained.yaml`, with the predicates that it names."""

from pathlib import Path

import yaml

from tests.conformance.beside import predicates
from tests.conformance.beside.known import ALL, DATA, Rule

_SETS = {"data": DATA, "all": ALL}


def read(path: Path) -> list[Rule]:
    """The rules of a file."""
    return [
        Rule(
            given["reason"],
            frozenset().union(*[_SETS.get(part, {part}) for part in given["covers"]]),
            getattr(predicates, given["where"]),
            given.get("row", ""),
        )
        for given in yaml.safe_load(path.read_text())
    ]


RULES = tuple(read(Path(__file__).with_name("explained.yaml")))
