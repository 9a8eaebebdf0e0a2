from ipaddress import ip_address

import pytest

from kdns.plugins.geoip.subnet import subnet
from kdns.wire.edns import Edns, Option


def option(family: int, prefix: int, octets: bytes, code: int = 8) -> Option:
    return Option(code, family.to_bytes(2, "big") + bytes((prefix, 0)) + octets)


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ([option(1, 24, b"\xc0\0\2")], "192.0.2.0"),
        ([option(1, 32, b"\xc0\0\2\1")], "192.0.2.1"),
        ([option(1, 0, b"")], "0.0.0.0"),
        ([option(2, 32, b"\x20\1\x0d\xb8")], "2001:db8::"),
        ([Option(10, b"12345678"), option(1, 24, b"\xc0\0\2")], "192.0.2.0"),
        ([option(1, 24, b"\xc0\0\2"), option(1, 24, b"\x0a\0\0")], "192.0.2.0"),
        ([option(1, 24, b"\xc0\0\2", code=20730)], None),
        ([option(0, 0, b"")], None),
        ([option(3, 0, b"\1")], None),
        ([option(1, 33, b"\xc0\0\2\1")], None),
        ([option(1, 32, b"\xc0\0\2\1\1")], None),
        ([option(2, 129, b"")], None),
        ([Option(8, b"\0\1\x18")], None),
        ([Option(8, b"")], None),
        ([], None),
    ],
)
def test_subnets(options: list[Option], address: str | None) -> None:
    found = subnet(Edns(1232, options=tuple(options)))
    assert found == (None if address is None else ip_address(address))


def test_without_edns() -> None:
    assert subnet(None) is None
