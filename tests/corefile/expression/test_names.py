"""What is given to an expression by who reads it, and functions that are values."""

import pytest

from kdns.corefile.expression import BOOL, FLOAT, STRING, UNKNOWN, Expression, Fault, Function, Type
from tests.corefile.expression.asked import MORE, value


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("subject", "x"),
        ("subject + 'y'", "xy"),
        ("asked(7)", "x7"),
        ("7 | asked() | upper()", "X7"),
        ("let f = asked; f(7)", "x7"),
        ("let f = [asked, 1][0]; f(7)", "x7"),
        ("{f: asked}.f(7)", "x7"),
        ("$env.asked(7)", "x7"),
        ("let f = $env['asked']; f(7)", "x7"),
        ("let f = $env['as' + 'ked']; f(7)", "x7"),
    ],
)
def test_names(text: str, found: object) -> None:
    assert value(text, "x") == found


@pytest.mark.parametrize(
    "text",
    [
        "{f: asked}.f()",
        "{f: asked}.f('a')",
        "{f: 1}.f(1)",
        "{}.f()",
        "let f = subject; f()",
        "asked(subject)",
        "subject.x",
        "-subject",
    ],
)
def test_what_turns_out_not_to_be(text: str) -> None:
    with pytest.raises(Fault):
        value(text, "x")


def test_integers_go_where_floats_are_wanted() -> None:
    half = Function((FLOAT,), FLOAT, lambda subject, number: number / 2)
    assert repr(Expression("half(4)", {"half": half}).evaluate(None)) == "2.0"


@pytest.mark.parametrize(
    ("text", "type_"), [("1 == 1", BOOL), ("upper('a')", STRING), ("1 / 2", FLOAT), ("[1, 'a'][0]", UNKNOWN)]
)
def test_types(text: str, type_: Type) -> None:
    assert Expression(text, MORE).type.kind == type_.kind


@pytest.mark.parametrize(
    "name", ["now()", "toJSON(1)", "fromJSON('1')", "date('')", "duration('1s')", "timezone('UTC')"]
)
def test_functions_that_are_left_out(name: str) -> None:
    with pytest.raises(ValueError, match=r"^builtin \w+ is not supported \(1:1\)"):
        Expression(name, MORE)


def test_literals_of_bytes_are_left_out() -> None:
    with pytest.raises(ValueError, match=r"^literals of bytes are not supported \(1:1\)"):
        Expression("b'a' == b'a'", MORE)
