import time

import pytest

from kdns.corefile.errors import ConfigError
from kdns.corefile.jsontext import fault, lists, strings
from kdns.corefile.token import Token


def test_strings_and_their_places() -> None:
    assert strings(' [ "a",\n\t"b\\u0063\\n" ]\n', "f", "key") == [Token("a", "f", 1, 4), Token("bc\n", "f", 2, 2)]


def test_lists_keep_their_order_and_equal_names() -> None:
    found = lists('{"b": ["1", "2"],\r\n "a": [], "b": null}', "f", "key")
    assert [(name.text, [each.text for each in items]) for name, items in found] == [
        ("b", ["1", "2"]),
        ("a", []),
        ("b", []),
    ]
    assert [(name.line, name.column) for name, _ in found] == [(1, 2), (2, 2), (2, 11)]


@pytest.mark.parametrize("text", ["[]", " [ ] ", "null"])
def test_nothing(text: str) -> None:
    assert strings(text, "f", "key") == []


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the text ends where a list of strings should stand"),
        ("\n \n", 3, 1, "the text ends where a list of strings should stand"),
        ("\ufeff[]", 1, 1, "'\\ufeff' where a list of strings should stand"),
        ('"8.8.8.8"', 1, 1, "'\"' where a list of strings should stand"),
        ("nul", 1, 1, "'n' where a list of strings should stand"),
        ("null null", 1, 6, "'n' where the end should stand"),
        ('["a"', 1, 5, "the text ends where ',' or ']' should stand"),
        ('["a" "b"]', 1, 6, "'\"' where ',' or ']' should stand"),
        ('["a",]', 1, 6, "']' where a string should stand"),
        ('["a",\n 1]', 2, 2, "'1' where a string should stand"),
        ('[["a"]]', 1, 2, "'[' where a string should stand"),
        ('["a"] x', 1, 7, "'x' where the end should stand"),
        ('["a', 1, 2, "Unterminated string starting at"),
        ('["a\n"]', 1, 4, "Invalid control character at"),
        ('["\\x"]', 1, 3, "Invalid \\escape"),
        ("[" * 1_000_000, 1, 2, "'[' where a string should stand"),
    ],
)
def test_an_error_has_key_line_and_column(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        strings(text, "/etc/kube-dns/key", "key")
    error = caught.value
    assert (error.file, error.line, error.column) == ("/etc/kube-dns/key", line, column)
    assert str(error).startswith(
        f"/etc/kube-dns/key:{line} - Error during parsing: "
        f"key, line {line}, column {column}: not the JSON that is read here: {message}"
    )


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("[]", 1, "'[' where an object of lists of strings should stand"),
        ('{"a" ["b"]}', 6, "'[' where ':' should stand"),
        ('{"a": "b"}', 7, "'\"' where a list of strings should stand"),
        ("{a: []}", 2, "'a' where a string should stand"),
        ('{"a": []', 9, "the text ends where ',' or '}' should stand"),
    ],
)
def test_objects_too(text: str, column: int, message: str) -> None:
    with pytest.raises(ConfigError, match=f"column {column}: not the JSON that is read here") as caught:
        lists(text, "f", "key")
    assert caught.value.message.endswith(message)


def test_a_big_text_takes_time_in_proportion() -> None:
    begin = time.process_time()
    assert len(strings("[" + ",\n".join(['"a"'] * 200_000) + "]", "f", "key")) == 200_000
    assert time.process_time() - begin < 10


def test_faults_of_what_was_read_look_the_same() -> None:
    assert (
        str(fault("key", Token("x", "f", 3, 4), "is odd"))
        == "f:3 - Error during parsing: key, line 3, column 4: is odd"
    )
