import pytest

from kdns.plugins.template.text.printing import Form, show, sprint, sprintln, verb
from kdns.plugins.template.text.value import Nil, Sequence, Table, Uint64, Value, octets


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "<nil>"),
        (True, "true"),
        (-3, "-3"),
        (Uint64(7), "7"),
        (1.0, "1"),
        (1e6, "1e+06"),
        (0.00001, "1e-05"),
        (123456.5, "123456.5"),
        (-0.0, "-0"),
        ("x", "x"),
        (Nil("*dns.OPT"), "<nil>"),
        (Sequence("[]string", ("a", "b")), "[a b]"),
        (Table({"b": "2", "a": "1"}), "map[a:1 b:2]"),
    ],
)
def test_values(value: Value, expected: str) -> None:
    assert show(value) == expected


@pytest.mark.parametrize(
    ("value", "letter", "form", "expected"),
    [
        (255, "x", Form(sharp=True), "0xff"),
        (8, "o", Form(sharp=True), "010"),
        (5, "b", Form(width=8, zero=True), "00000101"),
        (-42, "d", Form(width=6, zero=True), "-00042"),
        (0, "d", Form(precision=0, width=3), "   "),
        (65, "c", Form(), "A"),
        (233, "U", Form(sharp=True), octets("U+00E9 'é'")),
        ("héllo", "s", Form(precision=2), octets("hé")),
        ("é", "s", Form(width=3), octets("  é")),
        ("é", "x", Form(space=True), "c3 a9"),
        ("a", "q", Form(sharp=True), "`a`"),
        ("a", "d", Form(), "%!d(string=a)"),
        (True, "d", Form(), "%!d(bool=true)"),
        (1.5, "f", Form(width=8, zero=True, precision=2), "00001.50"),
        (None, "d", Form(), "%!d(<nil>)"),
        (Sequence("[]string", ("a",)), "q", Form(), '["a"]'),
    ],
)
def test_verbs(value: Value, letter: str, form: Form, expected: str) -> None:
    value = octets(value) if isinstance(value, str) else value
    assert verb(value, letter, form) == expected


def test_values_in_a_row() -> None:
    assert sprint("a", 1, 2, "b", 3, None) == "a1 2b3 <nil>"
    assert sprintln("a", 1) == "a 1\n"
