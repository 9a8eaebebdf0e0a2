import pytest

from kdns.chain.zones import Zones
from kdns.plugins.hosts.table import Table, address_of, parse
from kdns.wire import name, rdata

ROOT = Zones(["."])
ONE, TWO = rdata.a("192.0.2.1"), rdata.a("192.0.2.2")
SIX = rdata.aaaa("2001:db8::1")


def wire(text: str) -> bytes:
    return name.from_text(text).lower()


def table(text: str, zones: Zones = ROOT, reverse: bool = True) -> Table:
    return parse(text.splitlines(), zones, reverse)


def test_lines() -> None:
    found = table("""
        # comment
        192.0.2.1  Web.example www.example. # the same
        192.0.2.2\tweb.example
        2001:db8::1 web.example
        192.0.2.1
        300.0.2.1 bad.example
        192.0.2.01 bad.example
        name 192.0.2.1
        192.0.2.2 a..b ok.example
    """)
    assert found.find(wire("web.example"))[0] == [ONE, TWO]
    assert found.find(wire("web.example"))[1] == [SIX]
    assert found.find(wire("www.example"))[0] == [ONE]
    assert found.find(wire("ok.example"))[0] == [TWO]
    assert not found.find(wire("bad.example"))[0]
    assert found.names == {
        ONE: [wire("web.example"), wire("www.example")],
        TWO: [wire("web.example"), wire("ok.example")],
        SIX: [wire("web.example")],
    }
    assert len(found) == 5 + 5


def test_an_address_may_have_a_zone_or_be_mapped() -> None:
    found = table("fe80::1%eth0 a\n::ffff:192.0.2.1 a")
    assert found.find(wire("a"))[1] == [rdata.aaaa("fe80::1")]
    assert found.find(wire("a"))[0] == [ONE]
    assert found.names[ONE] == [wire("a")]


def test_names_outside_the_zones_are_passed_over() -> None:
    found = table("192.0.2.1 a.example a.org example badexample", Zones(["Example"]))
    assert found.names == {ONE: [wire("a.example"), wire("example")]}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("a.example", True),
        ("*.example", True),
        ("own.example", False),
        ("a.b.example", False),
        ("example", False),
        (".", False),
        ("a.org", False),
    ],
)
def test_a_wildcard_stands_for_one_label_of_a_name_without_addresses(asked: str, found: bool) -> None:
    wild = table("192.0.2.1 *.example\n192.0.2.2 own.example\n192.0.2.1 *")
    assert wild.find(wire(asked))[0] == ([ONE] if found else [TWO] if asked == "own.example" else [])


def test_a_name_without_addresses_of_a_family_has_its_wildcard_s() -> None:
    found = table("192.0.2.1 *.example\n2001:db8::1 *.example\n192.0.2.2 own.example")
    assert found.find(wire("own.example")) == ([TWO], [SIX])


def test_a_wildcard_has_no_reverse() -> None:
    assert table("192.0.2.1 *.example").names == {}
    assert table("192.0.2.1 a.example", reverse=False).names == {}


def test_many_names_of_one_address_take_linear_time() -> None:
    found = table("\n".join(f"0.0.0.0 ad{i}.example" for i in range(20_000)))
    assert len(found) == 40_000


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("1.2.0.192.in-addr.arpa", ONE),
        ("1.2.0.192.IN-ADDR.arpa", ONE),
        ("2.0.192.in-addr.arpa", None),
        ("01.2.0.192.in-addr.arpa", None),
        ("256.2.0.192.in-addr.arpa", None),
        ("x.1.2.0.192.in-addr.arpa", None),
        ("in-addr.arpa", None),
        ("arpa", None),
        (".", None),
        ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", SIX),
        ("1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6.arpa", SIX),
        ("0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", None),
        ("g.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", None),
        ("1.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", rdata.a("192.0.2.1")),
        ("1.2.0.192.example", None),
    ],
)
def test_reverse_names(text: str, address: bytes | None) -> None:
    assert address_of(wire(text)) == address
