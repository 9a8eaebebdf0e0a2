import math
import re
from collections.abc import Callable
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile.values import parse_host_port, parse_integer, parse_network, parse_number, parse_port


def exactly(message: str) -> str:
    return f"^{re.escape(message)}$"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("-0", 0), ("007", 7), ("+5", 5), ("-5", -5), (str(2**63 - 1), 2**63 - 1), (str(-(2**63)), -(2**63))],
)
def test_integers(text: str, value: int) -> None:
    assert parse_integer(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "invalid syntax"),
        ("30s", "invalid syntax"),
        ("1_0", "invalid syntax"),
        (" 1", "invalid syntax"),
        ("0x10", "invalid syntax"),
        ("1.5", "invalid syntax"),
        ("\u0661", "invalid syntax"),
        (str(2**63), "value out of range"),
        ("-" + str(2**63 + 1), "value out of range"),
        ("9" * 5000, "value out of range"),
    ],
)
def test_bad_integers(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=exactly(f'strconv.Atoi: parsing "{text}": {why}')):
        parse_integer(text)


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("1.5", 1.5), (".5", 0.5), ("5.", 5), ("-1e3", -1000), ("1E-2", 0.01)]
)
def test_numbers(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "invalid syntax"),
        ("inf", "invalid syntax"),
        ("NaN", "invalid syntax"),
        ("1_0", "invalid syntax"),
        ("1e999", "value out of range"),
    ],
)
def test_bad_numbers(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=exactly(f'strconv.ParseFloat: parsing "{text}": {why}')):
        parse_number(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (":8080", ("", 8080)),
        ("localhost:053", ("localhost", 53)),
        ("0.0.0.0:9153", ("0.0.0.0", 9153)),
        ("[::1]:53", ("::1", 53)),
        ("[fe80::1%eth0]:53", ("fe80::1%eth0", 53)),
        ("[]:0", ("", 0)),
    ],
)
def test_addresses(text: str, value: tuple[str, int]) -> None:
    assert parse_host_port(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "address : missing port in address"),
        ("8080", "address 8080: missing port in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("::1", "address ::1: too many colons in address"),
        ("[::1]x:53", "address [::1]x:53: too many colons in address"),
        ("[::1:53", "address [::1:53: missing ']' in address"),
        ("a[b:53", "address a[b:53: unexpected bracket in address"),
        (":", "address : invalid port"),
        (":http", "address http: invalid port"),
        (":65536", "address 65536: invalid port"),
        (":-1", "address -1: invalid port"),
        (":\u0661", "address \u0661: invalid port"),
    ],
)
def test_bad_addresses(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        parse_host_port(text)


@pytest.mark.parametrize(
    ("text", "bare", "network"),
    [
        ("10.1.2.3/8", False, "10.0.0.0/8"),
        ("2001:db8::1/32", False, "2001:db8::/32"),
        ("10.1.2.3", True, "10.1.2.3/32"),
        ("::1", True, "::1/128"),
        ("10.1.2.3/8", True, "10.0.0.0/8"),
    ],
)
def test_networks(text: str, bare: bool, network: str) -> None:
    assert parse_network(text, bare=bare) == ip_network(network)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("text", ["", "/8", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "fe80::1%1/64", "example.org", "1/8"])
def test_bad_networks(text: str, bare: bool) -> None:
    with pytest.raises(ValueError, match=f"^invalid CIDR address: {text}$"):
        parse_network(text, bare=bare)


def test_an_address_alone_is_a_network_only_if_asked_for() -> None:
    with pytest.raises(ValueError, match=r"^invalid CIDR address: 10\.0\.0\.1$"):
        parse_network("10.0.0.1")


@given(st.text() | st.text(alphabet="0123456789:.[]/+-eabcdef"))
@pytest.mark.parametrize("parse", [parse_integer, parse_number, parse_host_port, parse_port, parse_network])
def test_any_text_is_a_value_or_a_value_error(parse: Callable[[str], object], text: str) -> None:
    try:
        value = parse(text)
    except ValueError:
        return
    assert not isinstance(value, float) or math.isfinite(value)
