"""The lock files are what `make lock` makes of pyproject.toml: everything pinned, hashed and within its bounds."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"]
DEV = PROJECT["project"]["optional-dependencies"]["dev"]
EXTRAS = [line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]


def pins(path: str) -> dict[str, Version]:
    """Name and version of every entry, each of which must carry a hash."""
    text = (ROOT / path).read_text()
    entries = re.findall(r"^([a-z0-9.-]+)==(\S+)( ; [^\\]+)? \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^\w", text, re.MULTILINE))
    return {canonicalize_name(name): Version(version) for name, version, _ in entries}


@pytest.mark.parametrize(
    ("lock", "wanted"), [("deploy/requirements.txt", RUNTIME), ("tests/requirements.txt", RUNTIME + DEV)]
)
def test_lock_has_every_requirement_within_its_bounds(lock: str, wanted: list[str]) -> None:
    pinned = pins(lock)
    for requirement in map(Requirement, wanted):
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)


def test_tests_run_on_the_versions_that_are_deployed() -> None:
    assert pins("tests/requirements.txt").items() >= pins("deploy/requirements.txt").items()


@pytest.mark.parametrize("requirement", [Requirement(line) for line in RUNTIME], ids=str)
def test_every_runtime_requirement_is_bounded_on_both_sides(requirement: Requirement) -> None:
    assert {spec.operator for spec in requirement.specifier} == {">=", "<"}


def test_every_requirement_says_what_it_is_for() -> None:
    lines = (ROOT / "pyproject.toml").read_text().splitlines()
    requirements = [line for line in lines if re.match(r'\s+"[\w-]+[><=]=?[\d.]', line)]
    assert len(requirements) == len(PROJECT["project"]["dependencies"] + EXTRAS)
    assert [line for line in requirements if not re.search(r'",  # \w', line)] == []
