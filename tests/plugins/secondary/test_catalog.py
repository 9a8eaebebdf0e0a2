"""Catalog zones (RFC 9432, `plugins.md` secondary)."""

import pytest

from kdns.plugins.secondary import catalog as module
from kdns.plugins.secondary.catalog import CatalogError, Member, Place, members, steps
from kdns.wire import name
from tests.plugins.secondary.zones import zone_of

HEAD = "$TTL 1\n@ SOA a b 1 1 1 1 1\n@ NS invalid.\n"
CATALOG = name.from_text("catalog.example.")
OTHER = name.from_text("other.example.")
ZONE = name.from_text("example.org.")


def parsed(text: str) -> dict[str, Member]:
    return {name.to_text(each): member for each, member in members(zone_of(text, "catalog.example.")).items()}


def test_members() -> None:
    text = HEAD + (
        'version TXT "2"\nb.zones PTR Example.ORG.\na.zones PTR example.net.\n'
        'group.a.zones TXT "fast"\ncoo.b.zones PTR other.example.\nx.y.zones PTR no.example.\nother PTR no.example.\n'
    )
    assert list(parsed(text).items()) == [("example.net.", Member(b"a")), ("example.org.", Member(b"b", OTHER))]
    assert parsed(HEAD + "version TXT 2") == {}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("$TTL 1\n@ SOA a b 1 1 1 1 1\nversion TXT 2", "has no NS record"),
        (HEAD, "exactly one version TXT record"),
        (HEAD + "version TXT 2\nversion TXT 1", "exactly one version TXT record"),
        (HEAD + "version TXT 1", 'has unsupported version "1"'),
        (HEAD + "version TXT 2\na.zones PTR x.\na.zones PTR y.", "must have exactly one PTR record"),
        (HEAD + "version TXT 2\na.zones PTR x.\nb.zones PTR x.", "member zone x. is listed by both a and b"),
        (HEAD + "version TXT 2\na.zones PTR x.\ncoo.a.zones PTR y.\ncoo.a.zones PTR z.", "more than one coo PTR"),
    ],
)
def test_what_is_no_catalog(text: str, error: str) -> None:
    with pytest.raises(CatalogError, match=error):
        parsed(text)


def test_members_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MEMBERS", 1)
    with pytest.raises(CatalogError, match="more than 1 members"):
        parsed(HEAD + "version TXT 2\na.zones PTR x.\nb.zones PTR y.")


def test_new_members_are_added_and_others_taken_away() -> None:
    gone = name.from_text("gone.example.")
    todo, warnings = steps(CATALOG, {ZONE: Member(b"a")}, {CATALOG: None, OTHER: None, gone: Place(CATALOG, b"g")}, {})
    assert [(step.zone, step.place, step.keeps) for step in todo] == [
        (ZONE, Place(CATALOG, b"a"), False),
        (gone, None, False),
    ]
    assert [step.line for step in todo] == [
        "Added catalog member zone example.org. from catalog catalog.example.",
        "Removed catalog member zone gone.example. from catalog catalog.example.",
    ]
    assert warnings == []


def test_what_stays_stays() -> None:
    place = Place(CATALOG, b"a")
    assert steps(CATALOG, {ZONE: Member(b"a")}, {ZONE: place}, {}) == ([], [])


def test_another_label_is_another_zone() -> None:
    todo, _ = steps(CATALOG, {ZONE: Member(b"b")}, {ZONE: Place(CATALOG, b"a")}, {})
    (step,) = todo
    assert (step.place, step.keeps) == (Place(CATALOG, b"b"), False)
    expected = "Reset catalog member zone example.org. from catalog.example. after member ID changed from a to b"
    assert step.line == expected


@pytest.mark.parametrize("old", [None, Place(OTHER, b"a")])
def test_zones_of_others_are_left_as_they_are(old: Place | None) -> None:
    todo, warnings = steps(CATALOG, {ZONE: Member(b"a")}, {ZONE: old}, {OTHER: {ZONE: Member(b"a")}})
    assert todo == []
    assert warnings == ["Skipping catalog member zone example.org. from catalog.example.: zone already exists"]


@pytest.mark.parametrize(("ident", "keeps"), [(b"a", True), (b"b", False)])
def test_a_member_may_move(ident: bytes, keeps: bool) -> None:
    others = {OTHER: {ZONE: Member(b"a", CATALOG)}}
    todo, _ = steps(CATALOG, {ZONE: Member(ident)}, {ZONE: Place(OTHER, b"a")}, others)
    (step,) = todo
    assert (step.place, step.keeps) == (Place(CATALOG, ident), keeps)
    assert step.line.startswith("Migrated catalog member zone example.org. from catalog other.example. to catalog.ex")
    assert ("preserving state for member ID a" in step.line) is keeps
