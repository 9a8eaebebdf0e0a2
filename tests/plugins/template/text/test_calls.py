import pytest

from tests.plugins.template.text.test_text import carried_out


@pytest.mark.parametrize(
    ("inside", "output"),
    [
        (".Group.a", "10"),
        (".Group.nothing", "<no value>"),
        (".Group.nothing.more", "<no value>"),
        ('"test/x" | .Meta', "vé"),
        ("and false (index .Match 99)", "false"),
        ("or .Group.nothing `x`", "x"),
        ("1 | index .Match", "10"),
        ("(index .Message.Question 0).Qtype", "1"),
    ],
)
def test_values(inside: str, output: str) -> None:
    assert carried_out(f"{{{{ {inside} }}}}")[1:] == (output, "")


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        (".Nope", "<.Nope>: can't evaluate field Nope in type *template.templateData"),
        (".Name.x", "<.Name.x>: can't evaluate field x in type string"),
        (".Name 1", "<.Name>: Name has arguments but cannot be invoked as function"),
        (".Group.a 1", "<.Group.a>: a is not a method but has arguments"),
        (".Meta", "<.Meta>: wrong number of args for Meta: want 1 got 0"),
        ("index", "<index>: wrong number of args for index: want at least 1 got 0"),
        ("parseInt 1 2 3", "<1>: expected string; found 1"),
        ("parseInt `1` `2` 3", "<`2`>: expected integer; found `2`"),
        ("parseInt `1` nil 3", "<nil>: cannot assign nil to int"),
        ("parseInt .Match 2 3", "<.Match>: wrong type for value; expected string; got []string"),
        ("parseInt .Group.x 2 3", "<.Group.x>: invalid value; expected string"),
        ("nil", "<nil>: nil is not a command"),
        ("1 2", "<1>: can't give argument to non-function 1"),
        ("9223372036854775808", "<9223372036854775808>: 9223372036854775808 overflows int"),
    ],
)
def test_errors(inside: str, message: str) -> None:
    error = carried_out(f"{{{{ {inside} }}}}")[2]
    assert error.partition(" at ")[2] == message
