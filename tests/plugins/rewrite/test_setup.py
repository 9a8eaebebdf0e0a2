"""Every setup error, with CoreDNS's text."""

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import root_chain

LONG = "a" * 10001


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("", "no rule type specified for rewrite"),
        ("continue", "continue rule must begin with a rule type"),
        ("stop", "stop rule must begin with a rule type"),
        ("answer auto", "response rewrites must begin with a name rule"),
        ("color red", 'invalid rule type "color"'),
        ("continue color red", 'invalid rule type "continue"'),
        ("name a", "too few arguments for a name rule"),
        (
            "name glob a b",
            "name rule supports only exact, prefix, suffix, substring, and regex name matching, received: glob",
        ),
        ("name regex ( b", "invalid regex matching pattern: ("),
        (f"name regex {LONG} b", "regex pattern too long: 10001 > 10000"),
        (
            "name regex (a)b {1}.{2}",
            (
                "the rewrite regex pattern ({1}.{2}) uses more subexpressions than its corresponding matching regex "
                "pattern ((a)b)"
            ),
        ),
        ("name suffix a b answer", "invalid arguments for suffix rule"),
        ("name suffix a b c d", "exceeded the number of arguments for a non-answer rule argument for suffix rule"),
        ("name suffix a b answer auto answer", "type missing for answer rule for suffix rule"),
        ("name regex a b answer name c", "name answer rule for regex rule: 2 arguments required"),
        ("name regex a b answer value c", "value answer rule for regex rule: 2 arguments required"),
        ("name regex a b answer owner c d", 'invalid type "owner" for answer rule for regex rule'),
        ("name regex a b answer name ( d", "name answer rule for regex rule: invalid regex matching pattern: ("),
        (
            "name regex a b answer auto answer name c d",
            "auto name answer rule cannot be combined with explicit name anwer rules",
        ),
        ("type A", "type rules must have exactly two arguments"),
        ("class IN CH HS", "class rules must have exactly two arguments"),
        ("type A blue", 'invalid type "BLUE"'),
        ("class in blue", 'invalid class "BLUE"'),
        ("ttl a", "too few (1) arguments for a ttl rule"),
        ("ttl exact a 1 2", "many few arguments for a ttl rule"),
        ("ttl a -", "invalid TTL '-' for a ttl rule"),
        ("ttl a 9-3", "invalid TTL '9-3' for a ttl rule"),
        ("ttl a 4294967296", "invalid TTL '4294967296' for a ttl rule"),
        ("ttl a 1-2-3", "invalid TTL '1-2-3' for a ttl rule"),
        ("ttl glob a 3", "ttl rule supports only exact, prefix, suffix, substring, and regex name matching"),
        ("ttl regex ( 3", "invalid regex pattern in a ttl rule: ("),
        (f"ttl regex {LONG} 3", "regex pattern too long in a ttl rule: 10001 > 10000"),
        ("rcode a NXDOMAIN", "too few (2) arguments for a rcode rule"),
        ("rcode a 24 NOERROR", "invalid matching RCODE '24' for a rcode rule"),
        ("rcode a 3 GOOD", "invalid replacement RCODE 'GOOD' for a rcode rule"),
        ("rcode glob a 3 0", "rcode rule supports only exact, prefix, suffix, substring, and regex name matching"),
        ("cname a", "too few (1) arguments for a cname rule"),
        ("cname glob a b", "unknown cname rewrite type: glob"),
        ("cname regex ( b", "invalid cname rewrite regex pattern: error parsing regexp: missing closing ): `(`"),
        ("edns0 local", "too few arguments for an EDNS0 rule"),
        ("edns0 local put 1 2", 'invalid action: "put"'),
        ("edns0 color set 1 2", 'invalid rule type "color"'),
        ("edns0 local set 0xffee", "EDNS0 local rules require three or four args"),
        ("edns0 local set 0x10000 a", 'strconv.ParseUint: parsing "0x10000": value out of range'),
        ("edns0 local set code a", 'strconv.ParseUint: parsing "code": invalid syntax'),
        ("edns0 local set 9 0xabg1", "encoding/hex: invalid byte: U+0067 'g'"),
        ("edns0 local set 9 0xabc", "encoding/hex: odd length hex string"),
        ("edns0 local set 9 {dummy}", 'unsupported variable name "{dummy}"'),
        ("edns0 local unset", "local unset action requires exactly two arguments"),
        ("edns0 local unset 9 revert", "local unset action requires exactly two arguments"),
        ("edns0 nsid set a", "EDNS0 NSID rules can accept no more than one arg"),
        ("edns0 nsid unset a", "nsid unset action requires exactly one argument"),
        ("edns0 subnet set 24", "EDNS0 subnet rules require three or four args"),
        ("edns0 subnet set 33 56", "invalid IPv4 bit mask length 33"),
        ("edns0 subnet set 24 129", "invalid IPv6 bit mask length 129"),
        ("edns0 subnet unset 9", "subnet unset action requires exactly one argument"),
        ("edns0 local set 9 " + "a" * 4097, "EDNS0 option data too long: 4097 > 4096"),
    ],
)
def test_errors(words: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(f"rewrite {words}")
    assert str(raised.value).startswith("plugin/rewrite: Corefile:2")
    assert raised.value.message == error


@pytest.mark.parametrize(
    "words",
    [
        "{\nname exact a b\n}",
        "continue {\nname regex (a) {1}\nanswer name b c\nanswer value b c\n}",
        "NAME Suffix a b answer auto value c d",
        "stop TTL regex .* 0-4294967295",
        "rcode a notimpl 23",
        "rcode a DSOTYPENI 0",
        "edns0 LOCAL SET 0XFFEE {kubernetes/client-label/app} revert",
        "edns0 local append 010 text",
    ],
)
def test_what_is_right(words: str) -> None:
    root_chain(f"rewrite {words}")
