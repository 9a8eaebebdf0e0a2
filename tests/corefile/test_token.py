import pytest

from kdns.corefile.token import Token

A = Token("a", "Corefile", 3, 1)


@pytest.mark.parametrize(
    ("token", "same_line"),
    [
        (Token("b", "Corefile", 3, 5), True),
        (Token("b", "Corefile", 4, 1), False),
        (Token("b", "Corefile", 2, 1), False),
        (Token("b", "/etc/other", 3, 5), False),
        (Token("b", "Corefile", 3, 5, copy=1), False),
    ],
)
def test_same_line(token: Token, same_line: bool) -> None:
    assert token.continues(A) is same_line


def test_line_breaks_inside_count() -> None:
    assert Token("b", "Corefile", 5, 1).continues(A._replace(newlines=2))


def test_braces() -> None:
    opening, closing = A._replace(text="{"), A._replace(text="}")
    assert (opening.opens, opening.closes, closing.opens, closing.closes) == (True, False, False, True)
    assert A._replace(text="{", quoted=True).opens
    assert not A._replace(text="{", expanded=True).opens
    assert not A._replace(text="}", expanded=True).closes
    assert not A._replace(text="{}").opens


def test_errors_stand_at_the_token() -> None:
    assert str(A.unexpected("}")) == "Corefile:3 - Syntax error: Unexpected token 'a', expecting '}'"
    assert str(A.wrong_count("x")) == (
        "plugin/x: Corefile:3 - Error during parsing: Wrong argument count or unexpected line ending after 'a'"
    )
    assert str(A.no_argument()) == "Corefile:3 - Error during parsing: Unexpected token 'a', expecting argument"
    assert (A.error("no").word, A.error("no").column) == ("a", 1)
