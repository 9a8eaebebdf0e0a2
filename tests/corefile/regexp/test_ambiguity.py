import pytest

from kdns.corefile.regexp.ambiguity import ENDLESS, begins_line, ways
from kdns.corefile.regexp.syntax import Syntax


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^abc$", 1),
        ("abc", 256),  # at every start
        (".*abc", 256),  # at the first only, with an open loop
        ("^(.*)abc", 256),
        (r"^[^.]*\.", 1),  # the next character decides
        (r"^(?:[^.]+\.)+$", 1),
        ("^a*$", 1),
        ("^a*a", 256),
        ("^a*b*a", 256),
        ("^a*b*c", 1),
        ("^a?a", 2),
        ("^a{1,3}a", 3),
        ("^a{3}a", 1),
        ("^(a|b)", 1),
        ("^(a|ab)", 2),
        ("^(a||b)", 1),
        ("^(a||b)a", 2 + 1),
        ("^(a*a)?", 256),
        ("^(a*)*", ENDLESS),
        ("^(a*a)*", ENDLESS),
        ("^(a|ab)*c", ENDLESS),
        ("^(?:a?){2}", ENDLESS),
        ("^(?:a*){1}a", 256),
        ("^" + "a?" * 50, 2**40),
        ("^[\u0100-\u0200]*[\u0300]", 256),  # beyond Latin-1 characters are not told apart
        ("^[a-z]*[\u0300]", 1),
    ],
)
def test_ways(pattern: str, expected: int) -> None:
    assert ways(Syntax(pattern).read()) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("^a", True),
        (r"\Aa", True),
        ("(?m)^a", False),
        (".*a", True),
        (".+?a", True),
        ("(?s).*a", True),
        ("(?:(.*)b|^c)", True),
        ("(?:(.*)b|c)", False),
        (".?a", False),
        (".{2,}a", True),
        ("[^a]*a", False),
        ("a.*", False),
        ("", False),
    ],
)
def test_begins_line(pattern: str, expected: bool) -> None:
    assert begins_line(Syntax(pattern).read()) is expected
