"""What is accepted and what is matched, as recorded from Go's library; and that no name takes long."""

import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile.regexp import Regexp
from kdns.corefile.regexp.machine import Machine
from kdns.corefile.regexp.syntax import Syntax


def recorded() -> list[Mapping[str, Any]]:
    """Patterns and texts with what Go 1.26's regexp.Compile and FindStringSubmatch gave."""
    return [json.loads(line) for line in (Path(__file__).parent / "go.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("row", recorded())
def test_as_recorded_from_go(row: Mapping[str, Any]) -> None:
    if "error" in row:
        reason, _, _ = row["error"].partition(": `")
        with pytest.raises(ValueError, match=f"^{re.escape(reason)}: `"):
            Regexp(row["pattern"])
        return
    expected = None if row["groups"] is None else tuple(row["groups"])
    regexp = Regexp(row["pattern"])
    assert regexp.groups(row["text"]) == expected
    assert regexp.matches(row["text"]) == (expected is not None)
    syntax = Syntax(row["pattern"])
    assert Machine(syntax.read(), len(syntax.names)).groups(row["text"]) == expected


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(a", "missing closing ): `(a`"),
        ("a)b", "unexpected ): `a)b`"),
        ("x[a-", "missing closing ]: `[a-`"),
        ("*a", "missing argument to repetition operator: `*`"),
        ("a**", "invalid nested repetition operator: `**`"),
        ("a++", "invalid nested repetition operator: `++`"),
        ("a{1001}", "invalid repeat count: `{1001}`"),
        ("(a{100}){11}", "invalid repeat count: `{11}`"),
        (r"(a)\1", r"invalid escape sequence: `\1`"),
        (r"a\Z", r"invalid escape sequence: `\Z`"),
        ("(?=a)", "invalid or unsupported Perl syntax: `(?=`"),
        ("(?!a)", "invalid or unsupported Perl syntax: `(?!`"),
        ("(?<=a)", "invalid named capture: `(?<=a)`"),
        ("(?>a)", "invalid or unsupported Perl syntax: `(?>`"),
        ("a\\", "trailing backslash at end of expression: ``"),
        (r"\pL", r"Unicode classes are not supported: `\p`"),
        (r"[\p{Greek}]", r"Unicode classes are not supported: `\p`"),
        ("(" * 61 + ")" * 61, f"expression nests too deeply: `{'(' * 61 + ')' * 61}`"),
        ("((a*a*){1000}b){1}(((a*a*)*b){500}){2}", "expression too large"),
    ],
)
def test_errors(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^error parsing regexp: {re.escape(message)}"):
        Regexp(pattern)


def test_length_is_bounded_in_octets() -> None:
    assert Regexp("\u00e4" * 5000).matches("\u00e4" * 5000)
    with pytest.raises(ValueError, match=r"^regex pattern too long: 10001 > 10000$"):
        Regexp("\u00e4" * 5000 + "a")


def test_names_of_groups() -> None:
    assert Regexp("(?P<a>x)(y)(?:z)(?<b>w)").names == ("a", "", "b")
    assert Regexp("(?P<n>a)|(?P<n>b)").names == ("n", "n")


@pytest.mark.parametrize("depth", [1, 30, 60])
@pytest.mark.parametrize("level", ["({})", "(?:{})+", "(?:{}|b)", "(?i:{})?", "(?:{}*)"])
def test_nesting(level: str, depth: int) -> None:
    pattern = "a"
    for _ in range(depth):
        pattern = level.format(pattern)
    assert Regexp(pattern).matches("xxa")


@pytest.mark.parametrize(
    ("pattern", "backtracks"),
    [
        (r"(.*)\.example\.com\.$", True),
        (r"^(.*)\.(.*)\.foo\.$", True),
        (r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.foo", True),
        (r"(^(?:[^\.]+\.)+)svc\.foo\.bar", True),
        (r"^(?:[^.]+\.){4,}internal\.cloudapp\.net\.$", True),
        (r"^.* (timeout|refused)$", True),
        ("|".join(f"name{i}.example.org" for i in range(400)), True),
        (r"(ab*)*c", True),
        (r"^(.*)\.(.*)\.(.*)\.foo\.$", False),
        (r"(a+)+$", False),
        (r"(a*)*b", False),
        (r"(a|aa)+$", False),
        (r"(foo|far)+$", False),
        (r"(?:a?){30}" + "a" * 30, False),
        ("a?" * 30 + "a" * 30, False),
        (r"(.{1,63}\.){3}x$", False),
    ],
)
def test_which_matcher_is_used(pattern: str, backtracks: bool) -> None:
    assert Regexp(pattern).backtracks is backtracks


HOSTILE = ["a." * 126, "a" * 253, "abc." * 63, "foo." * 63, "a.b" * 84, "-" * 253]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$",
        r"(a|a)*$",
        r"([a-z]+)*\d",
        r"(.*)*x",
        r"(.*)\.(.*)\.(.*)\.(.*)\.(.*)\.foo\.$",
        r"(.*)(.*)x$",
        r"[a-z]*[a-z]*x",
        r"(a?){200}a{200}x",
        r"^(([a-z])+.)+[A-Z]([a-z])+$",
        r"(?:[^.]+\.)+[^.]+\.x",
        "|".join(f"a.*name{i}" for i in range(100)),
    ],
)
def test_no_name_takes_long(pattern: str) -> None:
    regexp = Regexp(pattern)
    started = time.process_time()
    for name in HOSTILE:
        regexp.groups(name)
    assert time.process_time() - started < 2  # an exponential one would take years


@pytest.mark.parametrize("pattern", [".*b", "(.*)b", ".+b", ".*?b", "a*|.*b", r"\Aa|.*b", "(?s).*b"])
@pytest.mark.parametrize("text", ["ab", "x\nab", "x\n\nb", "b\nx", "x\nx", "\n", ""])
def test_line_breaks_are_no_obstacle(pattern: str, text: str) -> None:
    syntax = Syntax(pattern)
    assert Regexp(pattern).groups(text) == Machine(syntax.read(), len(syntax.names)).groups(text)


ATOMS = st.sampled_from(["a", "b", r"\.", "[ab]", "[^.]", ".", "^", "$", r"\b", r"\w", "(?i)B", "(a|b)", "(?:ab|a)"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({})".format, inner),
        st.builds("(?:{}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "+?", "??"])),
        st.builds("{}|{}".format, inner, inner),
        st.builds("{}{}".format, inner, inner),
    ),
    max_leaves=8,
)


@given(PATTERNS, st.text(alphabet="abB.-\n_", max_size=20))
def test_both_matchers_find_the_same(pattern: str, text: str) -> None:
    syntax = Syntax(pattern)
    assert Regexp(pattern).groups(text) == Machine(syntax.read(), len(syntax.names)).groups(text)


@given(st.text(alphabet=r"ab.^$|()[]{}*+?\\-,1:=<>!PimsUQEdwx"))
def test_any_text_is_a_pattern_or_a_value_error(pattern: str) -> None:
    try:
        regexp = Regexp(pattern)
    except ValueError:
        return
    regexp.groups("ab.-1")
