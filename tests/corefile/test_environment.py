import pytest

from kdns.corefile.environment import MAX_WRITTEN, Environment
from kdns.corefile.errors import ConfigError
from kdns.corefile.token import Token

VARIABLES = {
    "A": "one",
    "B": "two words",
    "OPEN": "{",
    "IN": "{$A}",
    "WIN": "{%A%}",
    "A$": "dollar",
    "NAME:default": "colon",
    "EMPTY": "",
}


def expand(text: str, variables: dict[str, str] = VARIABLES) -> Token:
    return Environment(variables).expand(Token(text, "Corefile", 1, 1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{$A}", "one"),
        ("{%A%}", "one"),
        ("x{$A}y{$A}{%A%}", "xoneyoneone"),
        ("{$UNSET}", ""),
        ("a{$EMPTY}b", "ab"),
        ("{$B}", "two words"),
        ("{$IN}", "one"),
        ("{%IN%}", "one"),  # windows first, then unix: the value is seen by both
        ("{$WIN}", "{%A%}"),  # too late for the first form
        ("{$A", "{$A"),
        ("{%A", "{%A"),
        ("{$A%}", ""),  # up to the brace the name is A%, which is unset
        ("{$}", "{$}"),
        ("{$}{$A}", "{$}{$A}"),
        ("{%%}", "{%%}"),
        ("{%}A%}", "{%}A%}"),
        ("{%%}{$A}", "{%%}one"),
        ("{$A$}", "dollar"),
        ("{$NAME:default}", "colon"),
        ("{{$x}}", "{}"),
        ("{{ $x }}", "{{ $x }}"),
        ("$A", "$A"),
    ],
)
def test_substitution(text: str, expected: str) -> None:
    assert expand(text).text == expected


def test_a_value_opens_no_block() -> None:
    assert not expand("{$OPEN}").opens


def test_an_untouched_token_is_the_same() -> None:
    token = Token("{$", "Corefile", 1, 1)
    assert Environment(VARIABLES).expand(token) is token


@pytest.mark.parametrize(
    "variables",
    [
        {"A": "{$A}"},
        {"A": "x{$A}"},
        {"A": "{$A}{$A}"},
        {"A": "{$B}", "B": "{$A}"},
        {"A": "x" * (MAX_WRITTEN + 1)},
    ],
)
def test_what_does_not_end_is_an_error(variables: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as raised:
        expand("{$A}", variables)
    assert str(raised.value) == (
        "Corefile:1 - Error during parsing: environment variables in '{$A}' give too much text or refer to themselves"
    )


def test_the_text_of_all_tokens_is_bounded() -> None:
    environment = Environment({"A": "x" * (MAX_WRITTEN // 4 + 1)})
    token = Token("{$A}", "Corefile", 1, 1)
    assert [len(environment.expand(token).text) for _ in range(3)] == [MAX_WRITTEN // 4 + 1] * 3
    with pytest.raises(ConfigError, match="give too much text"):
        environment.expand(token)


def test_a_value_that_is_not_utf8_is_an_error() -> None:
    with pytest.raises(ConfigError, match="the environment variable 'A' is not UTF-8"):
        expand("{$A}", {"A": "\udcff"})
