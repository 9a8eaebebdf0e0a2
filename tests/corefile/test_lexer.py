import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile import lexer
from kdns.corefile.errors import ConfigError, ConfigWarning
from kdns.corefile.lexer import tokenize
from kdns.corefile.token import Token


def tokens(text: str) -> list[Token]:
    return tokenize(text, "Corefile", [])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        (" \t\n\n", []),
        ("a b", ["a", "b"]),
        ("a\vb\fc\x85d\xa0e\u2003f\u2028g\u3000h", list("abcdefgh")),
        ("a\x1cb\x1fc", ["a\x1cb\x1fc"]),  # white space to Python, not to Go
        ("\ufeffa", ["a"]),
        ("\ufeff\ufeffa", ["\ufeffa"]),
        ("a\ufeff", ["a\ufeff"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\rb", ["ab"]),
        ("\r\r", []),
        ('\r"a b"', ["a b"]),
        ('"a\r\nb"', ["a\r\nb"]),
        ('"a b"', ["a b"]),
        ('"{" "#" "}"', ["{", "#", "}"]),
        ('x"y z"', ['x"y', 'z"']),
        ('"a"b', ["a", "b"]),
        ('"a""b"', ["a", "b"]),
        (r'"a\"b"', ['a"b']),
        (r'"a\\b" \d', [r"a\\b", r"\d"]),
        (r'"a\\" b', [r"a\\", "b"]),
        (r'"\\\"x"', [r"\\" + '"x']),
        (r"a\"b", [r"a\"b"]),
        ('"a b\nc', ["a b\nc"]),
        ('"', []),
        ('"\\', []),
        ('"a\\', ["a"]),
        ('""', [""]),
        ('a "" b', ["a", "", "b"]),
        ("# a\nb", ["b"]),
        ("a # b\nc", ["a", "c"]),
        ("a #", ["a"]),
        ("a#b\nc", ["a", "c"]),
        ("whoami#note more", ["whoami", "more"]),
        ('"a"#b c\nd', ["a", "d"]),
        ("a#b#c d#e", ["a", "d"]),
        ("{}{ }", ["{}{", "}"]),
        ("a.org,b.org", ["a.org,b.org"]),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert [token.text for token in tokens(text)] == words


def test_lines_and_columns() -> None:
    text = '\ufeff.:53 {\n\terrors # x\n\n  log "a\nb" c\r\n\u00e9 "q" r\n}'
    assert [(token.text, token.line, token.column) for token in tokens(text)] == [
        (".:53", 1, 1),
        ("{", 1, 6),
        ("errors", 2, 2),
        ("log", 4, 3),
        ("a\nb", 4, 7),
        ("c", 5, 4),
        ("\u00e9", 6, 1),
        ("q", 6, 3),
        ("r", 6, 7),
        ("}", 7, 1),
    ]


def test_line_arithmetic_goes_over_line_breaks_in_quotes() -> None:
    first, quoted, last, other = tokens('log "a\nb" c\nd')
    assert quoted.continues(first)
    assert last.continues(quoted)
    assert not other.continues(last)
    assert (quoted.newlines, quoted.quoted, last.quoted) == (1, True, False)


def test_the_file_is_on_every_token() -> None:
    assert {token.file for token in tokens("a b\nc")} == {"Corefile"}


@pytest.mark.parametrize(
    ("text", "glued"),
    [
        ("a#b c", ["a"]),
        ("a#b\nc", []),
        ("a#b  \r\nc", []),
        ("a#b # c", []),
        ("a # b c", []),
        ("10.0.0.1#53 10.0.0.2#53", ["10.0.0.1"]),
    ],
)
def test_a_glued_comment_with_words_behind_is_worth_a_warning(text: str, glued: list[str]) -> None:
    warnings: list[ConfigWarning] = []
    tokenize(text, "Corefile", warnings)
    assert [str(warning) for warning in warnings] == [
        f"Corefile:1 - a comment glued to '{word}' ends at the next white space: put white space before #"
        for word in glued
    ]


def test_a_lone_surrogate_is_an_error_with_its_place() -> None:
    with pytest.raises(ConfigError) as raised:
        tokens("a\nbc\udc80")
    assert str(raised.value) == "Corefile:2 - Error during parsing: invalid character in the text"
    assert raised.value.column == 3


def test_tokens_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexer, "MAX_TOKENS", 3)
    assert len(tokens("a b c")) == 3
    with pytest.raises(ConfigError, match="more than 3 words in a configuration") as raised:
        tokens("a b\nc d e")
    assert (raised.value.line, raised.value.word) == (2, "d")


@given(st.text(alphabet='ab"\\#{}, \t\r\n\ufeff\u2028'))
def test_every_unquoted_token_stands_where_it_says(text: str) -> None:
    lines = text.removeprefix("\ufeff").split("\n")
    for token in tokens(text):
        written = lines[token.line - 1][token.column - 1 :]
        assert written.startswith('"') == token.quoted
        if not token.quoted:
            assert written.replace("\r", "").startswith(token.text)
