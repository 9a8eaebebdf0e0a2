"""Server-block keys and zone arguments (spec corefile.md §5)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile import address
from kdns.corefile.address import Address, block_addresses, key_addresses, normalize_zone, split_scheme, split_zone
from kdns.corefile.errors import ConfigError
from kdns.corefile.token import Token


def key(text: str) -> Token:
    return Token(text, "Corefile", 2, 5)


def served(text: str, dns_port: int = 53) -> list[str]:
    return [str(each) for each in key_addresses(key(text), dns_port)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".", "dns://.:53"),
        (".:53", "dns://.:53"),
        (".:1053", "dns://.:1053"),
        ("example.org", "dns://example.org.:53"),
        ("Example.ORG.:5353", "dns://example.org.:5353"),
        ("dns://example.org", "dns://example.org.:53"),
        ("dns://.:53", "dns://.:53"),
        ("tls://example.org", "tls://example.org.:853"),
        ("quic://example.org", "quic://example.org.:853"),
        ("grpc://example.org", "grpc://example.org.:443"),
        ("https://example.org", "https://example.org.:443"),
        ("https3://example.org", "https3://example.org.:443"),
        ("https3://example.org:8443", "https3://example.org.:8443"),
        ("unix:///run/x.sock", "unix:///run/x.sock.:0"),
        ("TLS://example.org", "dns://tls://example.org.:53"),
        ("ftp://example.org", "dns://ftp://example.org.:53"),
        ("example.org:053", "dns://example.org.:53"),
        ("example.org:+53", "dns://example.org.:53"),
        ("example.org:0", "dns://example.org.:0"),
        ("example.org:65535", "dns://example.org.:65535"),
        ("example.org:abc", "dns://example.org:abc.:53"),
        ("example.org:5 3", "dns://example.org:5 3.:53"),
        ("example.org:\u0665", "dns://example.org:\u0665.:53"),
        ("a_b.*.org", "dns://a_b.*.org.:53"),
        ("a.org,b.org", "dns://a.org,b.org.:53"),
        ("\u00c4.org", "dns://\u00c4.org.:53"),  # only ASCII has cases in the DNS
        (r"a\.b.org", r"dns://a\.b.org.:53"),
        (r"a\046b.org", r"dns://a\046b.org.:53"),
        (r"a.org\.", r"dns://a.org\..:53"),
        (r"a.org\\.", r"dns://a.org\\.:53"),
        ("1.2.3.0/33", "dns://1.2.3.0/33.:53"),
        ("10.0.0.1", "dns://10.0.0.1.:53"),
        ("10.0.0.0/24", "dns://0.0.10.in-addr.arpa.:53"),
        ("10.0.0.0/24:5353", "dns://0.0.10.in-addr.arpa.:5353"),
        ("tls://10.0.0.0/8", "tls://10.in-addr.arpa.:853"),
        ("2001:db8::/32", "dns://8.b.d.0.1.0.0.2.ip6.arpa.:53"),
        ("2001:db8::/32:5353", "dns://8.b.d.0.1.0.0.2.ip6.arpa.:5353"),
        ("a" * 63 + ".org", f"dns://{'a' * 63}.org.:53"),
        (".".join(["a" * 61] * 4) + ".bcdef", f"dns://{'.'.join(['a' * 61] * 4)}.bcdef.:53"),
    ],
)
def test_one_address(text: str, expected: str) -> None:
    assert served(text) == [expected]


def test_dns_port_is_the_default_of_plain_dns_only() -> None:
    assert [served(text, 1053) for text in ("a", "dns://a", "a:53", "tls://a")] == [
        ["dns://a.:1053"],
        ["dns://a.:1053"],
        ["dns://a.:53"],
        ["tls://a.:853"],
    ]


def test_a_prefix_off_a_boundary_is_several_addresses() -> None:
    assert served("10.0.0.0/15:5353") == ["dns://0.10.in-addr.arpa.:5353", "dns://1.10.in-addr.arpa.:5353"]


def test_a_block_has_the_addresses_of_all_its_keys_in_order() -> None:
    assert block_addresses([key("dns://a.org"), key("10.0.0.0/7"), key("tls://b.org:1")], 1053) == (
        Address("dns", "a.org.", 1053),
        Address("dns", "10.in-addr.arpa.", 1053),
        Address("dns", "11.in-addr.arpa.", 1053),
        Address("tls", "b.org.", 1),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'expecting data after last colon: ""'),
        ("example.org:", 'expecting data after last colon: "example.org:"'),
        ("tls://", 'expecting data after last colon: ""'),
        (":53", "zone is not a valid domain name: "),
        (".example.org", "zone is not a valid domain name: .example.org"),
        ("a..org", "zone is not a valid domain name: a..org"),
        ("..", "zone is not a valid domain name: .."),
        ("a" * 64 + ".org", f"zone is not a valid domain name: {'a' * 64}.org"),
        ("\u00e4" * 32, f"zone is not a valid domain name: {chr(0xE4) * 32}"),
        ("a\\", "zone is not a valid domain name: a\\"),
        ("a\\256", "zone is not a valid domain name: a\\256"),
        (".".join(["a" * 61] * 4) + ".bcdefg", f"zone is not a valid domain name: {'.'.join(['a' * 61] * 4)}.bcdefg"),
        ("a." * 127 + "a", "specified zone is too long: 256 > 255"),
        ("a" * 300, "specified zone is too long: 300 > 255"),
        ("example.org:65536", "address 65536: invalid port"),
        ("example.org:-1", "address -1: invalid port"),
        ("example.org:" + "9" * 5000, f"address {'9' * 5000}: invalid port"),
        ("::/0", "invalid CIDR ::/0"),
        ("0:1::/32", "invalid CIDR 0:1::/32"),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        key_addresses(key(text))
    error = raised.value
    assert error.message == (message if len(message) < 1000 else message[:1000] + "...")
    assert str(error) == f"Corefile:2 - error inspecting server blocks: {error.message}"
    assert (error.line, error.column, error.word) == (2, 5, text)


def test_zones_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "MAX_ZONES", 200)
    with pytest.raises(ConfigError, match="more than 200 zones in a server block"):
        block_addresses([key("10.0.0.0/17")] * 2)


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        ("Cluster.Local", ("cluster.local.",)),
        ("cluster.local.", ("cluster.local.",)),
        (".", (".",)),
        ("dns://example.org:1053", ("example.org.",)),
        ("10.0.0.0/15", ("0.10.in-addr.arpa.", "1.10.in-addr.arpa.")),
        ("", ()),
        ("a..b", ()),
        ("example.org:", ()),
        ("::/0", ()),
    ],
)
def test_normalize_zone(text: str, zones: tuple[str, ...]) -> None:
    assert normalize_zone(text) == zones


def test_parts() -> None:
    assert split_scheme("tls://a:1") == ("tls", "a:1")
    assert split_scheme("a:1") == ("dns", "a:1")
    assert split_zone("a:1") == (("a.",), 1)
    assert split_zone("a") == (("a.",), None)


@given(st.text())
def test_any_key_is_an_address_or_a_config_error(text: str) -> None:
    try:
        addresses = key_addresses(key(text))
    except ConfigError:
        return
    for each in addresses:
        assert each.zone.endswith(".")
        assert 0 <= each.port <= 65535
        assert normalize_zone(each.zone) == (each.zone,) or ":" in each.zone or "/" in each.zone
