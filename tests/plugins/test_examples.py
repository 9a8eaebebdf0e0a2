"""The manual page of every plugin has an example that can be set up as it stands."""

import inspect
import textwrap
from importlib import import_module

import pytest

from kdns.plugins import ORDER, available
from tests.kit.chain import chain_of


def example_of(word: str) -> str:
    page = inspect.getdoc(import_module(f"kdns.plugins.{word}")) or ""
    _, mark, rest = page.partition("Example::\n")
    assert mark, f"the manual page of {word} has no example"
    lines = rest.lstrip("\n").splitlines()
    end = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return textwrap.dedent("\n".join(lines[:end]))


@pytest.mark.parametrize("word", [word for word in ORDER if word in available()])
def test_the_example_can_be_set_up(word: str) -> None:
    text = example_of(word)
    assert any(line.split()[:1] == [word] for line in text.splitlines()), text
    chain_of(text)
