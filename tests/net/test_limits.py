"""Limits that make no sense are refused."""

import pytest

from kdns.net.limits import Limits


@pytest.mark.parametrize(
    "wrong",
    [
        {"ports": 0},
        {"ports": 257},
        {"port_in_flight": 0},
        {"port_in_flight": 16385},
        {"port_questions": 0},
        {"port_forgeries": 0},
        {"streams": 0},
        {"streams_max": 0},
        {"stream_in_flight": 0},
    ],
)
def test_nonsense_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Limits(**wrong)
