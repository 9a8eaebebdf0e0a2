import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import root_chain

Printed = Callable[[], list[str]]


def test_relative_file_names_of_the_block_start_there(tmp_path: Path, printed: Printed) -> None:
    chain = root_chain(f"root {tmp_path}")
    assert chain.site.path("zone") == f"{tmp_path}/zone"
    assert chain.site.path("/zone") == "/zone"
    assert printed() == []
    assert chain.links == {}


def test_a_missing_directory_is_a_warning(tmp_path: Path, printed: Printed) -> None:
    chain = root_chain(f"root {tmp_path}/none")
    assert chain.site.root == f"{tmp_path}/none"
    assert printed() == [f"[WARNING] plugin/root: Root path does not exist: {tmp_path}/none"]


def test_a_later_path_replaces_an_earlier(tmp_path: Path) -> None:
    assert root_chain(f"root /\nroot {tmp_path}").site.root == str(tmp_path)


@pytest.mark.parametrize("directive", ["root", "root / /tmp"])
def test_argument_errors(directive: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^plugin/root: Corefile:2 - .*Wrong argument count or unexpected line ending"
    ):
        root_chain(directive)


def test_a_path_that_cannot_be_looked_at_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / ("x" * (os.pathconf(tmp_path, "PC_NAME_MAX") + 1))
    with pytest.raises(ConfigError, match=f"unable to access root path '{path}': "):
        root_chain(f"root {path}")
