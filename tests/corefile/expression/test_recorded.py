"""Expressions with what expr-lang/expr 1.17.8 says of them: their value, the error of their compilation, or a fault."""

import json
from pathlib import Path
from typing import Any

import pytest

from kdns.corefile.expression import Expression, Fault
from kdns.corefile.expression.frame import Frame
from kdns.corefile.expression.values import text_of
from tests.corefile.expression.asked import NAMES

RECORDED = [json.loads(line) for line in (Path(__file__).parent / "recorded.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", [row for row in RECORDED if "error" in row], ids=lambda row: row["text"])
def test_errors(row: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        Expression(row["text"], NAMES)
    assert str(caught.value) == row["error"]


@pytest.mark.parametrize("row", [row for row in RECORDED if "fault" in row], ids=lambda row: row["text"])
def test_faults(row: dict[str, Any]) -> None:
    expression = Expression(row["text"], NAMES)
    with pytest.raises(Fault):
        expression.evaluate(None)


@pytest.mark.parametrize("row", [row for row in RECORDED if "value" in row], ids=lambda row: row["text"])
def test_values(row: dict[str, Any]) -> None:
    value = Expression(row["text"], NAMES).evaluate(None)
    assert text_of(Frame(None, 0), value) == row["value"]


def test_what_was_recorded_says_something() -> None:
    assert [sum(kind in row for row in RECORDED) > least for kind, least in (("value", 250), ("error", 120))] == [
        True
    ] * 2
