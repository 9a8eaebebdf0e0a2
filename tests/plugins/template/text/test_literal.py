import re

import pytest

from kdns.plugins.template.text.literal import Number, character, number, quote, unquote
from kdns.plugins.template.text.value import octets


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", Number(0, 0)),
        ("-7", Number(-7, -7)),
        ("0x1F", Number(31, 31)),
        ("0b101", Number(5, 5)),
        ("0o17", Number(15, 15)),
        ("017", Number(15, 15)),
        ("1_000", Number(1000, 1000)),
        ("1e3", Number(1000, 1000.0)),
        ("1.5", Number(None, 1.5)),
        ("0x1p4", Number(16, 16.0)),
        ("9223372036854775807", Number(2**63 - 1, 2**63 - 1)),
        ("9223372036854775808", Number(None, None)),
    ],
)
def test_numbers(text: str, expected: Number) -> None:
    assert number(text) == expected
    assert type(number(text).ideal) is type(expected.ideal)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("18446744073709551616", 'integer overflow: "18446744073709551616"'),
        ("-9223372036854775809", 'integer overflow: "-9223372036854775809"'),
        ("08", 'integer overflow: "08"'),
        ("1e400", 'illegal number syntax: "1e400"'),
        ("1__0", 'illegal number syntax: "1__0"'),
        ("0x", 'illegal number syntax: "0x"'),
        ("9" * 5000, f'illegal number syntax: "{"9" * 5000}"'),
    ],
)
def test_no_numbers(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message) + "$"):
        number(text)


@pytest.mark.parametrize(
    ("text", "code"), [("'a'", 97), ("'é'", 233), (r"'\n'", 10), (r"'\''", 39), (r"'\x41'", 65), (r"'\u00e9'", 233)]
)
def test_characters(text: str, code: int) -> None:
    assert character(octets(text)) == Number(code, code)


@pytest.mark.parametrize("text", ["''", "'ab'", r"'\"'", r"'\q'", r"'\ud800'", r"'\400'", r"'\x4'"])
def test_no_characters(text: str) -> None:
    with pytest.raises(ValueError, match=r"invalid syntax|malformed character constant"):
        character(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"plain"', "plain"),
        (r'"\a\t\\\"it' + "'" + r's"', "\a\t\\\"it's"),
        (r'"\x41\101\u00e9"', octets("AAé")),
        (r'"\xff"', "\xff"),
        (r"`raw\n`", r"raw\n"),
        ("`a\r\nb`", "a\nb"),
    ],
)
def test_strings(text: str, expected: str) -> None:
    assert unquote(text) == expected


@pytest.mark.parametrize("text", [r'"\q"', r'"\xzz"', r'"\400"', r'"\ud800"', '"\\' + "'\""])
def test_no_strings(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        unquote(text)


def test_quoting() -> None:
    assert quote(octets('a"\\\n\x01é') + "\xff") == octets('"a\\"\\\\\\n\\x01é\\xff"')
    assert quote(octets("é😀"), ascii_only=True) == r'"\u00e9\U0001f600"'
    assert quote("'", "'") == r"'\''"
