"""Medians, ratios, and figures as people read them."""

import pytest

from tests.bench.figures import Figure, quantile, short


def test_quantiles_are_values_that_were_measured() -> None:
    values = [float(n) for n in range(1, 101)]
    assert quantile(values, 0.5) == 50
    assert quantile(values, 0.99) == 99
    assert quantile([7.0], 0.99) == 7


def test_rounds_that_disagree_are_doubtful() -> None:
    assert not Figure((1.0, 1.1, 1.2)).doubtful
    assert Figure((1.0, 1.1, 1.5)).doubtful
    assert Figure((4.0, 2.0)).ratio(Figure((1.0,))) == 3


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.4123, "0.412"), (4.118, "4.12"), (9.996, "10.0"), (41.2, "41.2"), (4120.4, "4120")]
)
def test_about_three_digits(value: float, text: str) -> None:
    assert short(value) == text
