import pytest

from kdns.corefile.errors import MAX_MESSAGE, ConfigError, ConfigWarning, Kind


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.PARSE, "Corefile:3 - Error during parsing: no"),
        (Kind.SYNTAX, "Corefile:3 - Syntax error: no"),
        (Kind.KEY, "Corefile:3 - error inspecting server blocks: no"),
    ],
)
def test_text_by_kind(kind: Kind, text: str) -> None:
    assert str(ConfigError("Corefile", 3, 7, "no", kind=kind)) == text


def test_the_place_and_the_word_are_attributes() -> None:
    error = ConfigError("Corefile", 3, 7, "no", word="cahce")
    assert (error.file, error.line, error.column, error.word, error.message) == ("Corefile", 3, 7, "cahce", "no")


def test_a_plugin_is_named_once() -> None:
    error = ConfigError("Corefile", 3, 7, "no", word="w", kind=Kind.SYNTAX).within("cache")
    assert str(error) == "plugin/cache: Corefile:3 - Syntax error: no"
    assert (error.column, error.word) == (7, "w")
    assert error.within("errors") is error


def test_a_message_is_bounded() -> None:
    assert len(ConfigError("f", 1, 1, "x" * 1_000_000).message) == MAX_MESSAGE + 3


def test_a_warning_is_its_message() -> None:
    assert str(ConfigWarning("Corefile", 1, 1, "odd")) == "odd"
