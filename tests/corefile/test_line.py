"""The readers that setups use: each value, each error with its text, its place and its word."""

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest

from kdns.corefile import line as line_module
from kdns.corefile.arguments import Arguments
from kdns.corefile.errors import ConfigError
from kdns.corefile.line import Line
from kdns.corefile.parser import parse
from kdns.corefile.regexp import Regexp

Read = Callable[[Line], Any]


def line(text: str) -> Line:
    (block,) = parse(f". {{\n{text}\n}}", "Corefile").blocks
    return Arguments(block.directives[0]).once()


def failure(text: str, read: Read) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        read(line(text))
    return raised.value


def test_words_are_read_in_order() -> None:
    cache = line("cache 30 a b c")
    assert (cache.name, cache.more, cache.peek(), cache.token.text) == ("cache", 4, "30", "cache")
    assert (cache.text(), cache.more, cache.token.text) == ("30", 3, "30")
    assert next(cache.words()) == "a"
    assert cache.rest() == ("b", "c")
    assert (cache.more, cache.peek(), cache.rest()) == (0, None, ())
    cache.end()


def test_some_needs_one() -> None:
    assert line("x a b").some() == ("a", "b")
    assert failure("x", Line.some).message == "Wrong argument count or unexpected line ending after 'x'"


@pytest.mark.parametrize(
    ("text", "read", "value"),
    [
        ("x 5", Line.integer, 5),
        ("x 0", lambda x: x.integer(0, 3600), 0),
        ("x 3600", lambda x: x.integer(0, 3600), 3600),
        ("x 1.5", Line.number, 1.5),
        ("x 5s", Line.duration, 5.0),
        ("x 5m", lambda x: x.duration(1, 300), 300.0),
        ("x :8080", Line.address, ("", 8080)),
        ("x [::1]:53", Line.address, ("::1", 53)),
        ("x 10.0.0.1/8", Line.network, ip_network("10.0.0.0/8")),
        ("x 10.0.0.1", lambda x: x.network(bare=True), ip_network("10.0.0.1/32")),
        ("x", lambda x: x.zones(("a.",)), ("a.",)),
        ("x B.org dns://c:53 a..b", lambda x: x.zones(("a.",)), ("b.org.", "c.")),
        ("x 10.0.0.0/15", lambda x: x.zones(("a.",)), ("0.10.in-addr.arpa.", "1.10.in-addr.arpa.")),
        ("x a..b", lambda x: x.zones(("a.",)), ()),
    ],
)
def test_values(text: str, read: Read, value: object) -> None:
    assert read(line(text)) == value


def test_regexp() -> None:
    regexp = line(r'x "^a\.(.*)$"').regexp()
    assert isinstance(regexp, Regexp)
    assert regexp.groups("a.bc") == ("a.bc", "bc")


@pytest.mark.parametrize(
    ("text", "read", "message", "word"),
    [
        ("x", Line.text, "Wrong argument count or unexpected line ending after 'x'", "x"),
        ("x", Line.integer, "Wrong argument count or unexpected line ending after 'x'", "x"),
        ("x", Line.regexp, "Wrong argument count or unexpected line ending after 'x'", "x"),
        ("x a b c", lambda x: x.at_most(2), "Wrong argument count or unexpected line ending after 'c'", "c"),
        ("x a", Line.end, "Wrong argument count or unexpected line ending after 'a'", "a"),
        ("x a", Line.integer, 'strconv.Atoi: parsing "a": invalid syntax', "a"),
        ("x 4000", lambda x: x.integer(0, 3600), "x must be in range [0, 3600]: 4000", "4000"),
        ("x -1", lambda x: x.integer(0), "x must be >= 0: -1", "-1"),
        ("x 9", lambda x: x.integer(high=8), "x must be <= 8: 9", "9"),
        ("x -0.5", lambda x: x.number(0), "x must be >= 0: -0.5", "-0.5"),
        ("x 5", Line.duration, 'time: missing unit in duration "5"', "5"),
        ("x 6m", lambda x: x.duration(0, 300), "x must be in range [0s, 5m0s]: 6m", "6m"),
        ("x 80", Line.address, "address 80: missing port in address", "80"),
        ("x 10.0.0.1", Line.network, "invalid CIDR address: 10.0.0.1", "10.0.0.1"),
        ("x (a", Line.regexp, "error parsing regexp: missing closing ): `(a`", "(a"),
        ("x " + "a" * 10_001, Line.regexp, "regex pattern too long: 10001 > 10000", "a" * 10_001),
        ("x " + "a" * 10_001, lambda x: x.regexp(wrong="bad"), "regex pattern too long: 10001 > 10000", "a" * 10_001),
        ("x a", lambda x: x.integer(wrong="no number: {word}"), "no number: a", "a"),
        ("x {{word}}", lambda x: x.integer(wrong="no number: {word}"), "no number: {{word}}", "{{word}}"),
        ("x a", lambda x: x.duration(wrong="failed: {error}"), 'failed: time: invalid duration "a"', "a"),
        ("x 0", lambda x: x.integer(1, outside="zero or negative: {word}"), "zero or negative: 0", "0"),
    ],
)
def test_errors(text: str, read: Read, message: str, word: str) -> None:
    error = failure(text, read)
    assert str(error) == f"plugin/x: Corefile:2 - Error during parsing: {message}"
    assert error.word == word
    assert error.column == text.index(word) + 1


def test_errors_of_setups_stand_at_the_word_read_last() -> None:
    policy = line("policy a b")
    for word in policy.words():
        if word == "b":
            break
    error = policy.error("unknown policy 'b'")
    assert str(error) == "plugin/policy: Corefile:2 - Error during parsing: unknown policy 'b'"
    assert (error.column, error.word) == (10, "b")
    assert str(policy.unexpected("c")) == (
        "plugin/policy: Corefile:2 - Syntax error: Unexpected token 'b', expecting 'c'"
    )


def test_an_unknown_property_is_named_whatever_was_read() -> None:
    (option,) = line("x {\n  colour red\n}").block()
    option.text()
    error = option.unknown_property()
    assert str(error) == "plugin/x: Corefile:3 - Error during parsing: unknown property 'colour'"
    assert (error.column, error.word) == (3, "colour")


def test_zones_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "MAX_ZONES", 200)
    error = failure("x 10.0.0.0/17 11.0.0.0/17", lambda x: x.zones(()))
    assert (error.message, error.word) == ("more than 200 zones", "11.0.0.0/17")


def test_blocks() -> None:
    x = line("x a {\nb 1\nc\n}")
    assert x.has_block
    assert [(option.name, option.rest()) for option in x.block()] == [("b", ("1",)), ("c", ())]
    assert not line("x a").has_block
    assert list(line("x a").block()) == []
    assert line("x {\n}").has_block


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("x a", lambda x: None, "Wrong argument count or unexpected line ending after 'a'"),
        ("x {\nb\n}", lambda x: None, "unknown property 'b'"),
        ("x {\nb\nc\n}", lambda x: next(x.block()), "unknown property 'c'"),
        ("x {\nb 1\n}", lambda x: list(x.block()), "Wrong argument count or unexpected line ending after '1'"),
    ],
)
def test_what_is_left_unread_is_an_error(text: str, read: Read, message: str) -> None:
    x = line(text)
    read(x)
    with pytest.raises(ConfigError) as raised:
        x.finish()
    assert raised.value.message == message


@pytest.mark.parametrize("text", ["x", "x {\n}", "x {\nb\nb\n}", "x a {\nb 1\n}"])
def test_what_was_read_is_none(text: str) -> None:
    x = line(text)
    x.rest()
    for option in x.block():
        option.rest()
    x.finish()


def test_a_block_may_be_read_again() -> None:
    x = line("x {\nb 1\n}")
    assert [option.rest() for option in x.block()] == [("1",)]
    assert [option.rest() for option in x.block()] == [("1",)]
    x.finish()
