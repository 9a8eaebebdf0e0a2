import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.cluster.address import pack


@given(st.ip_addresses())
def test_every_address_is_packed(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert pack(str(address)) == address.packed
    assert pack(address.exploded) == address.packed


@pytest.mark.parametrize(
    "text",
    ["", "None", "web", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "+1.2.3.4", "1.2.3.-4", "１.2.3.4",
     "1..3.4", ":", "::1::", "fe80::1%eth0", "::g", "1.2.3.4:53", "::1/128", "12345::"],
)  # fmt: skip
def test_what_is_no_address_packs_to_nothing(text: str) -> None:
    assert pack(text) == b""


@given(st.text(alphabet="0123456789abcdef.:%/ -", max_size=40))
def test_it_agrees_with_the_standard_library(text: str) -> None:
    try:
        expected = ipaddress.ip_address(text).packed if "%" not in text else b""
    except ValueError:
        expected = b""
    assert pack(text) == expected


def test_spellings_of_one_address_are_one() -> None:
    assert pack("fd00:10:244:9::") == pack("FD00:10:244:9:0:0:0:0") == pack("fd00:0010:0244:0009::0.0.0.0")


def test_a_mapped_address_is_not_the_mapped_one() -> None:
    assert len(pack("::ffff:10.0.0.1")) == 16
