import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.wire import name
from kdns.wire.errors import WireError

LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=4)


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("", b"\0"),
        (".", b"\0"),
        ("a", b"\1a\0"),
        ("web.Shop.", b"\3web\4Shop\0"),
        (r"a\.b.c", b"\3a.b\1c\0"),
        (r"\000.x", b"\1\0\1x\0"),
        ("é.", b"\2\xc3\xa9\0"),
    ],
)
def test_from_text(text: str, wire: bytes) -> None:
    assert name.from_text(text) == wire


@pytest.mark.parametrize("text", ["..", "a..b", ".a", "a" * 64, ".".join(["a" * 63] * 4), r"a\256." * 100])
def test_from_text_refuses(text: str) -> None:
    with pytest.raises(WireError):
        name.from_text(text)


@given(LABELS)
def test_text_and_wire_are_inverse(labels: list[bytes]) -> None:
    wire = name.from_labels(labels)
    assert name.from_text(name.to_text(wire)) == wire
    assert name.labels(wire) == labels
    assert name.suffixes(wire)[-1] == name.ROOT


@given(LABELS)
def test_text_is_what_dnspython_reads(labels: list[bytes]) -> None:
    wire = name.from_labels(labels)
    assert dns.name.from_text(name.to_text(wire)).to_wire() == wire


@given(LABELS, LABELS)
def test_is_below_compares_labels_not_octets(labels: list[bytes], zone: list[bytes]) -> None:
    below = len(labels) >= len(zone) and labels[len(labels) - len(zone) :] == zone
    assert name.is_below(name.from_labels(labels), name.from_labels(zone)) is below


def test_a_label_that_spells_a_zone_is_not_below_it() -> None:
    assert not name.is_below(b"\x08x\7cluster\0", b"\7cluster\0")
