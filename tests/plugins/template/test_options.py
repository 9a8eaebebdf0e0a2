"""Every setup error, with CoreDNS's text."""

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import root_chain

WRONG_COUNT = "Wrong argument count or unexpected line ending after "


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("template", f"{WRONG_COUNT}'template'"),
        ("template IN", f"{WRONG_COUNT}'IN'"),
        ("template X", "invalid query class X"),
        ("template in A", "invalid query class in"),
        ("template CLASS1 A", "invalid query class CLASS1"),
        ("template ANY X", "invalid RR class X"),
        ("template IN a", "invalid RR class a"),
        ("template IN TYPE65", "invalid RR class TYPE65"),
    ],
)
def test_errors_of_the_directive(directive: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        root_chain(directive)
    assert caught.value.message == error


@pytest.mark.parametrize(
    ("option", "error"),
    [
        ("notavailable", f"{WRONG_COUNT}'notavailable'"),
        ("match", f"{WRONG_COUNT}'match'"),
        ("match (", "could not parse regex: (, error parsing regexp: missing closing ): `(`"),
        (
            'match ok "[z-a]" ok',
            "could not parse regex: [z-a], error parsing regexp: invalid character class range: `z-a`",
        ),
        (
            'match "(?=x)"',
            "could not parse regex: (?=x), error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
        ),
        (f"match {'a' * 10001}", "regex pattern too long: 10001 > 10000"),
        ("answer", f"{WRONG_COUNT}'answer'"),
        ("additional", f"{WRONG_COUNT}'additional'"),
        ("authority", f"{WRONG_COUNT}'authority'"),
        ('answer "{{"', "could not compile template: {{, template: answer:1: unclosed action"),
        ('additional "{{"', "could not compile template: {{, template: additional:1: unclosed action"),
        ('authority "{{"', "could not compile template: {{, template: authority:1: unclosed action"),
        (
            'answer good "{{ bad" last',
            'could not compile template: last, template: answer:1: function "bad" not defined',
        ),
        ('answer "a\nb\n{{ $x }}"', (
            "could not compile template: a\nb\n{{ $x }}, template: answer:3: undefined variable \"$x\""
        )),
        ("rcode", f"{WRONG_COUNT}'rcode'"),
        ("rcode UNDEFINED", "unknown rcode UNDEFINED"),
        ("rcode nxdomain", "unknown rcode nxdomain"),
        ("rcode BADVERS", "unknown rcode BADVERS"),
        ("rcode 3", "unknown rcode 3"),
        ("rcode NXDOMAIN again", f"{WRONG_COUNT}'again'"),
        ("ederror", f"{WRONG_COUNT}'ederror'"),
        ("ederror 1 two three", f"{WRONG_COUNT}'three'"),
        (
            "ederror x",
            'error parsing extended DNS error code x, strconv.ParseUint: parsing "x": invalid syntax',
        ),
        (
            "ederror -1 why",
            'error parsing extended DNS error code why, strconv.ParseUint: parsing "-1": invalid syntax',
        ),
        (
            "ederror 65536",
            'error parsing extended DNS error code 65536, strconv.ParseUint: parsing "65536": value out of range',
        ),
        (f"ederror 1 {'x' * 4097}", "extended DNS error text too long: 4097 > 4096"),
        ("ederror é", 'error parsing extended DNS error code é, strconv.ParseUint: parsing "é": invalid syntax'),
        ("var", f"{WRONG_COUNT}'var'"),
        ("var a", f"{WRONG_COUNT}'a'"),
        ("var a-b 1", 'invalid variable name "a-b"'),
        ("var é 1", 'invalid variable name "é"'),
        ("var name 1", 'variable name "name" is reserved'),
        ("var a 1 +", "could not compile expression: a, unexpected token EOF (1:3)\n | 1 +\n | ..^"),
        ("expr", f"{WRONG_COUNT}'expr'"),
        ("expr x == 1", "could not compile expression: unknown name x (1:1)\n | x == 1\n | ^"),
    ],
)  # fmt: skip
def test_errors_of_options(option: str, error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        root_chain(f"template IN A {{\n{option}\n}}")
    assert caught.value.message == error


@pytest.mark.parametrize(
    "directive",
    [
        "template IN A",
        "template ANY ANY (?P<x>",
        "template HS NXNAME a b 10.0.0.0/8 ..",
        "template ANY ANY {\n}",
        "template IN A {\nupstream\nupstream 192.0.2.1 192.0.2.2\n}",
        'template IN A {\nanswer "{{ parseInt }}" x\nmatch a b\nmatch c\n}',
        "template IN A {\nfallthrough\nfallthrough a b\n}",
        "template IN A {\nrcode DSOTYPENI\nrcode NOTIMPL\nrcode BADSIG\nrcode NXDOMAIN\n}",
        'template IN A {\nederror 0065535\nederror 0 ""\n}',
    ],
)
def test_accepted(directive: str) -> None:
    assert "template" in root_chain(directive).links
