"""Which zone holds a name: against the plainest way to tell, by labels from right to left."""

import random

import pytest

from kdns.chain.zones import FEW, Zones
from kdns.wire import codes, name
from kdns.wire.reader import question

LABELS = ("a", "b", "aa", "b\\001a", "\\001a", "x")


def some_name(pick: random.Random) -> str:
    return ".".join(pick.choice(LABELS) for _ in range(pick.randrange(4))) + "."


def longest(zones: list[str], text: str) -> bytes | None:
    asked = name.labels(name.from_text(text))
    found = [
        labels for zone in zones if asked[len(asked) - len(labels := name.labels(name.from_text(zone))) :] == labels
    ]
    found = [labels for labels in found if len(labels) <= len(asked)]
    return name.from_labels(max(found, key=len)) if found else None


@pytest.mark.parametrize("most", [1, 3, FEW, FEW + 5])
def test_the_longest_zone_that_holds_a_name(most: int) -> None:
    pick = random.Random(most)
    for _ in range(600):
        texts = [some_name(pick) for _ in range(pick.randint(0, most))]
        zones = Zones(texts)
        asked = some_name(pick)
        wanted = longest(texts, asked)
        wire = name.from_text(asked)
        assert zones.match(question(wire.upper(), codes.A)) == zones.match_name(wire) == wanted, (texts, asked)
        assert zones.deepest == max([len(name.labels(name.from_text(text))) for text in texts], default=0)


def test_zones_are_kept_as_written_but_lower_and_absolute() -> None:
    zones = Zones(["Example.ORG", "example.org.", "."])
    assert zones.texts == ("example.org.", ".")
    assert [zones.text(zone) for zone in zones] == ["example.org.", "."]
    assert name.ROOT in zones
    assert zones
    assert not Zones(())
