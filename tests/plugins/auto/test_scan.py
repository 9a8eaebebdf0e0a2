"""Which files are zones (`plugins.md`, auto)."""

from pathlib import Path

import pytest

from kdns.corefile import Regexp
from kdns.plugins.auto import scan as module
from kdns.plugins.auto.scan import Naming, scan
from kdns.wire import name

DB = Naming(Regexp(r"db\.(.*)"), "${1}")


@pytest.mark.parametrize(
    ("pattern", "template", "file", "origin"),
    [
        (r"db\.(.*)", "${1}", "db.example.org", "example.org"),
        (r"db\.(.*)", "${1}", "x.db.example.org", "example.org"),
        (r"db\.(.*)", "${1}", "example.org", ""),
        (r"db\.(.*)", "${1}", "db.", ""),
        (r"^(.*)\.(.*)\.zone$", "${2}.${1}.test", "a.b.zone", "b.a.test"),
        (r"(?P<zone>.*)\.zone", "${zone}", "a.zone", "a"),
        (r"(.*)\.zone", "$1", "a.zone", "a"),
        (r"(.*)\.zone", "$1x", "a.zone", ""),
        (r"(.*)\.zone", "${2}.b", "a.zone", ".b"),
        (r"(.*)\.zone", "${01}", "a.zone", ""),
        (r"(.*)\.zone", "${999999999999999999999}", "a.zone", ""),
        (r"(.*)\.zone", "$$.${", "a.zone", "$.${"),
        (r"(a)?(.*)\.zone", "${1}${2}", "b.zone", "b"),
    ],
)
def test_names(pattern: str, template: str, file: str, origin: str) -> None:
    assert Naming(Regexp(pattern), template).origin(file) == origin


def found(folder: Path) -> dict[str, str]:
    return {name.to_text(origin): path for origin, path in scan(str(folder), DB).files.items()}


def test_directories_are_gone_through_in_order(tmp_path: Path) -> None:
    for path in ("c/db.c", "db.b", "a/deep/db.a", "README", "db.d/db.e"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    assert list(found(tmp_path).items()) == [
        ("a.", f"{tmp_path}/a/deep/db.a"),
        ("c.", f"{tmp_path}/c/db.c"),
        ("b.", f"{tmp_path}/db.b"),
        ("e.", f"{tmp_path}/db.d/db.e"),
    ]


def test_letter_case_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "db.Example.ORG").touch()
    assert list(found(tmp_path)) == ["example.org."]


def test_the_first_of_two_files_counts(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "db.x").touch()
    seen = scan(str(tmp_path), DB)
    assert list(seen.files.values()) == [f"{tmp_path}/a/db.x"]
    expected = f'Multiple zone files match origin "x.": using "{tmp_path}/a/db.x" instead of "{tmp_path}/b/db.x"'
    assert seen.warnings == [expected]


def test_a_config_map_is_seen_once(tmp_path: Path) -> None:
    (tmp_path / "..2024_01").mkdir()
    (tmp_path / "..2024_01" / "db.x").touch()
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "db.x").symlink_to("..data/db.x")
    (tmp_path / "mount").symlink_to(tmp_path)
    seen = scan(str(tmp_path / "mount"), DB)
    assert (list(seen.files.values()), seen.warnings) == ([f"{tmp_path}/db.x"], [])


def test_links_to_directories_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "db.x").touch()
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "more").symlink_to(tmp_path / "zones")
    assert found(tmp_path / "root") == {}


@pytest.mark.parametrize("file", [b"db.a..b", b"db." + b"x" * 64, b"db.\xff"])
def test_names_that_are_none(tmp_path: Path, file: bytes) -> None:
    (tmp_path / "db.a").touch()
    with open(bytes(tmp_path) + b"/" + file, "wb"):
        seen = scan(str(tmp_path), DB)
    assert len(seen.files) == 1
    assert seen.warnings[0].isascii()
    assert "Not a zone name" in seen.warnings[0]


def test_what_cannot_be_read(tmp_path: Path) -> None:
    gone = scan(str(tmp_path / "gone"), DB)
    assert (gone.files, gone.whole, len(gone.warnings)) == ({}, True, 1)
    (tmp_path / "file").touch()
    wrong = scan(str(tmp_path / "file"), DB)
    assert (wrong.files, wrong.whole, len(wrong.warnings)) == ({}, False, 1)


def test_zones_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ZONES", 2)
    for n in range(4):
        (tmp_path / f"db.{n}").touch()
    seen = scan(str(tmp_path), DB)
    assert ([name.to_text(origin) for origin in seen.files], len(seen.warnings)) == (["0.", "1."], 1)
