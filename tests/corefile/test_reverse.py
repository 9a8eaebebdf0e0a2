import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile.reverse import reverse_zones


@pytest.mark.parametrize(
    ("prefix", "zones"),
    [
        ("10.0.0.0/24", ["0.0.10.in-addr.arpa."]),
        ("10.0.0.0/8", ["10.in-addr.arpa."]),
        ("10.1.2.3/32", ["3.2.1.10.in-addr.arpa."]),
        ("0.0.0.0/0", ["in-addr.arpa."]),
        ("10.0.0.0/22", [f"{i}.0.10.in-addr.arpa." for i in range(4)]),
        ("10.0.0.0/15", ["0.10.in-addr.arpa.", "1.10.in-addr.arpa."]),
        ("10.0.0.0/27", [f"{i}.0.0.10.in-addr.arpa." for i in range(32)]),
        ("10.96.0.0/12", [f"{i}.10.in-addr.arpa." for i in range(96, 112)]),
        ("10.0.0.0/17", [f"{i}.0.10.in-addr.arpa." for i in range(128)]),
        ("10.129.60.0/22", [f"{i}.129.10.in-addr.arpa." for i in range(60, 64)]),
        ("192.168.1.1/23", ["0.168.192.in-addr.arpa.", "1.168.192.in-addr.arpa."]),
        ("10.0.0.0/08", ["10.in-addr.arpa."]),
        ("2001:db8::/32", ["8.b.d.0.1.0.0.2.ip6.arpa."]),
        ("2001:db8::/29", [f"{d}.b.d.0.1.0.0.2.ip6.arpa." for d in "89abcdef"]),
        ("2001:DB8::/31", ["8.b.d.0.1.0.0.2.ip6.arpa.", "9.b.d.0.1.0.0.2.ip6.arpa."]),
        ("fd00:10:96::/112", [".".join("000000000000000069000100" + "00df") + ".ip6.arpa."]),
        ("fd00::1/128", [".".join("1" + "0" * 29 + "df") + ".ip6.arpa."]),
    ],
)
def test_zones(prefix: str, zones: list[str]) -> None:
    assert reverse_zones(prefix) == tuple(zones)


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "10.0.0.1",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "010.0.0.0/8",
        "2001:db8::/129",
        "fe80::1%eth0/64",
        "/8",
        "10.0.0.0/\u0668",
        "10.0.0.0/" + "9" * 10_000,
    ],
)
def test_what_is_no_prefix(text: str) -> None:
    assert reverse_zones(text) is None


@pytest.mark.parametrize("text", ["::/0", "::1/128", "0:0::/16", "0064:ff9b::/96", "::ffff:10.0.0.0/104"])
def test_ipv6_that_begins_with_a_colon_or_a_zero_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^invalid CIDR {text}$"):
        reverse_zones(text)


def networks(version: int) -> st.SearchStrategy[str]:
    bits = 32 if version == 4 else 128
    address = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    return st.builds(
        lambda number, length: f"{address(number)}/{length}", st.integers(1 << (bits - 1), (1 << bits) - 1),
        st.integers(0, bits),
    )  # fmt: skip


@given(networks(4) | networks(6), st.integers(0, (1 << 128) - 1))
def test_the_zones_cover_exactly_the_prefix(prefix: str, number: int) -> None:
    zones = reverse_zones(prefix)
    assert zones is not None
    network = ipaddress.ip_network(prefix, strict=False)
    assert len(set(zones)) == len(zones) <= (128 if network.version == 4 else 8)
    inside = network[number % network.num_addresses]
    other = type(inside)(number % (1 << network.max_prefixlen))
    for address in (inside, other):
        name = address.reverse_pointer + "."
        holders = [zone for zone in zones if name == zone or name.endswith("." + zone)]
        assert len(holders) == (address in network)
