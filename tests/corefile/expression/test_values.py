"""Go's values: what is recorded cannot say it all."""

import math

import pytest

from kdns.corefile.expression.values import divide, float_text, power, quoted, remainder, truncated, wrapped
from tests.corefile.expression.asked import value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0"),
        (1.5, "1.5"),
        (-2.0, "-2"),
        (1e6, "1e+06"),
        (999999.0, "999999"),
        (1e-4, "0.0001"),
        (math.inf, "+Inf"),
    ],
)
def test_floats_as_text(number: float, text: str) -> None:
    assert float_text(number) == text


@pytest.mark.parametrize(("number", "kept"), [(2**63, -(2**63)), (-(2**63) - 1, 2**63 - 1), (5, 5)])
def test_integers_wrap(number: int, kept: int) -> None:
    assert wrapped(number) == kept


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (divide(1, 0), math.inf),
        (divide(-1, 0), -math.inf),
        (divide(1, -0.0), -math.inf),
        (power(0, -1), math.inf),
        (power(-10, 309), -math.inf),
        (truncated(1e300), -(2**63)),
        (truncated(-1.9), -1),
        (remainder(-7, 3), -1),
        (remainder(7, -3), 1),
    ],
)
def test_arithmetic_that_python_has_otherwise(found: float, wanted: float) -> None:
    assert found == wanted


def test_what_is_not_a_number() -> None:
    assert math.isnan(divide(0, 0))
    assert math.isnan(power(-1, 0.5))


def test_quoting() -> None:
    assert quoted('a"\\\n\x01\u200b') == '"a\\"\\\\\\n\\x01\\u200b"'


@pytest.mark.parametrize("text", ["true == 1", "1 in [true, 'a']", "{a: true} == {a: 1}", "[false] == [0]"])
def test_truth_is_no_number(text: str) -> None:
    assert value(text.replace("true == 1", "[true, 'a'][0] == 1")) is False
