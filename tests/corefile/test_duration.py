import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile.duration import format_duration, parse_duration


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("+0", 0.0),
        ("-0", 0.0),
        ("30s", 30.0),
        ("1h20m", 4800.0),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("5m0s", 300.0),
        ("100ms", 0.1),
        ("1us", 1e-6),
        ("1\u00b5s1\u03bcs", 2e-6),
        ("1ns", 1e-9),
        ("+5s", 5.0),
        ("-1.5h", -5400.0),
        ("1s1s", 2.0),
        ("1.0000000000000000000001s", 1.0),
        ("000000000000000000000001s", 1.0),
    ],
)
def test_parse(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        ("5", 'time: missing unit in duration "5"'),
        ("1h5", 'time: missing unit in duration "1h5"'),
        ("1d", 'time: unknown unit "d" in duration "1d"'),
        ("1S", 'time: unknown unit "S" in duration "1S"'),
        ("1s ", 'time: unknown unit "s " in duration "1s "'),
        ("s", 'time: invalid duration "s"'),
        (".s", 'time: invalid duration ".s"'),
        ("--1s", 'time: invalid duration "--1s"'),
        ("\u0661s", 'time: invalid duration "\u0661s"'),
        ("2562048h", 'time: invalid duration "2562048h"'),
        ("99999999999999999999s", 'time: invalid duration "99999999999999999999s"'),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (1e-9, "1ns"),
        (1.5e-6, "1.5\u00b5s"),
        (0.0001, "100\u00b5s"),
        (0.5, "500ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (5.001, "5.001s"),
        (30, "30s"),
        (60, "1m0s"),
        (300, "5m0s"),
        (3600, "1h0m0s"),
        (3661.25, "1h1m1.25s"),
        (-90, "-1m30s"),
    ],
)
def test_format(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(0, 10**6 * 10**9))
def test_what_is_printed_can_be_read(nanoseconds: int) -> None:
    seconds = nanoseconds / 10**9
    assert round(parse_duration(format_duration(seconds)) * 10**9) == round(seconds * 10**9)


@given(st.text(alphabet="0123456789.+-nusmh\u00b5", max_size=30) | st.text())
def test_any_text_is_a_duration_or_a_value_error(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert abs(seconds) <= 2**63 / 10**9
