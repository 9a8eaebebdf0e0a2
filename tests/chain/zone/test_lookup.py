"""What a zone says: RFC 1034 section 4.3.2, RFC 4592 section 2.2.1, RFC 6672, RFC 4035 section 3.1."""

import pytest

from kdns.chain.answer import Records
from kdns.chain.zone import Finding, Kind, Zone, build, find
from kdns.wire import codes, name, rdata
from kdns.wire.errors import WireError
from kdns.wire.zonetext import parse

ORIGIN = name.from_text("example.")
TEXT = """
$TTL 3600
@                 SOA   ns.example.net. host.example. 7 1h 15m 1w 300
                  NS    ns.example.net.
                  NS    ns1
ns1               A     192.0.2.1
*                 TXT   "this is a wildcard"
*                 MX    10 host1
sub.*             TXT   "this is not a wildcard"
host1             A     192.0.2.11
                  AAAA  2001:db8::11
_ssh._tcp.host1   SRV   0 0 22 Host1
_ssh._tcp.host2   SRV   0 0 22 host2.example.net.
subdel            NS    ns.subdel
subdel            DS    1 8 2 00ff
ns.subdel         A     192.0.2.53
old               DNAME new
x.new             A     192.0.2.77
self              DNAME a.self
alias             CNAME HOST1
svc               HTTPS 1 . alpn=h2
svc               A     192.0.2.99
a.b.c             A     192.0.2.3
"""


def zone_of(text: str) -> Zone:
    def closed(path: str, by: str) -> tuple[str, str]:
        raise AssertionError(path)

    zone = build(ORIGIN, parse(text, ORIGIN, "db.example", closed))
    assert zone is not None
    return zone


ZONE = zone_of(TEXT)


def ask(text: str, rtype: str, *, do: bool = False, zone: Zone = ZONE) -> Finding:
    return find(zone, name.from_text(text).lower(), codes.TYPE_NUMBERS[rtype], do)


def lines(records: Records) -> list[str]:
    return [" ".join(record.to_text().split()[0:1] + record.to_text().split()[3:]) for record in records]


SOA = ["example. SOA ns.example.net. host.example. 7 3600 900 604800 300"]
NS = ["example. NS ns.example.net.", "example. NS ns1.example."]


@pytest.mark.parametrize(
    ("text", "rtype", "kind", "answer"),
    [
        ("host1.example.", "A", Kind.DATA, ["host1.example. A 192.0.2.11"]),
        ("host1.example.", "TXT", Kind.NODATA, []),
        ("host1.example.", "ANY", Kind.NODATA, []),
        ("host3.example.", "MX", Kind.DATA, ["host3.example. MX 10 host1.example."]),
        ("host3.example.", "A", Kind.NODATA, []),
        ("foo.bar.example.", "TXT", Kind.DATA, ['foo.bar.example. TXT "this is a wildcard"']),
        ("host1.example.", "MX", Kind.NODATA, []),
        ("sub.*.example.", "MX", Kind.NODATA, []),
        ("_telnet._tcp.host1.example.", "SRV", Kind.MISSING, []),
        ("host.subdel.example.", "A", Kind.REFERRAL, []),
        ("ghost.*.example.", "MX", Kind.MISSING, []),
        ("_tcp.host1.example.", "A", Kind.EMPTY, []),
        ("b.c.example.", "A", Kind.EMPTY, []),
        ("z.b.c.example.", "TXT", Kind.MISSING, []),
        ("alias.example.", "CNAME", Kind.DATA, ["alias.example. CNAME host1.example."]),
        ("alias.example.", "A", Kind.ALIAS, ["alias.example. CNAME host1.example."]),
        ("subdel.example.", "DS", Kind.DATA, ["subdel.example. DS \\# 6 0001080200ff"]),
        ("subdel.example.", "A", Kind.REFERRAL, []),
        ("x.old.example.", "A", Kind.ALIAS, ["old.example. DNAME new.example.", "x.old.example. CNAME x.new.example."]),
        ("old.example.", "DNAME", Kind.DATA, ["old.example. DNAME new.example."]),
        ("old.example.", "A", Kind.NODATA, []),
    ],
)
def test_kinds(text: str, rtype: str, kind: Kind, answer: list[str]) -> None:
    found = ask(text, rtype)
    assert found.kind is kind
    assert lines(found.answer) == answer


@pytest.mark.parametrize(("text", "rtype"), [("host1.example.", "TXT"), ("b.c.example.", "A"), ("z.b.c.example.", "A")])
def test_negative_answers_have_the_soa(text: str, rtype: str) -> None:
    found = ask(text, rtype)
    assert lines(found.authority) == SOA
    assert found.authority[0].ttl == 3600


def test_the_apex() -> None:
    name_servers = ask("example.", "NS")
    assert (lines(name_servers.answer), name_servers.authority) == (NS, ())
    assert lines(name_servers.additional) == ["ns1.example. A 192.0.2.1"]
    soa = ask("example.", "SOA")
    assert (lines(soa.answer), lines(soa.authority)) == (SOA, NS)


def test_a_referral() -> None:
    found = ask("host.subdel.example.", "A")
    assert lines(found.authority) == ["subdel.example. NS ns.subdel.example."]
    assert lines(found.additional) == ["ns.subdel.example. A 192.0.2.53"]
    assert [each.type for each in ask("subdel.example.", "A", do=True).authority] == [codes.NS, codes.DS]


def test_additional_addresses_stand_there_once() -> None:
    found = ask("_ssh._tcp.host1.example.", "SRV")
    assert lines(found.answer) == ["_ssh._tcp.host1.example. SRV 0 0 22 Host1.example."]
    assert lines(found.additional) == ["host1.example. A 192.0.2.11", "host1.example. AAAA 2001:db8::11"]
    assert ask("_ssh._tcp.host2.example.", "SRV").additional == []
    assert lines(ask("svc.example.", "HTTPS").additional) == ["svc.example. A 192.0.2.99"]


def test_a_dname_that_makes_the_name_too_long() -> None:
    label = "a" * 60
    long = zone_of(TEXT + f"long DNAME {label}.{label}.{label}\n")
    assert ask(f"{label}.long.example.", "A", zone=long).kind is Kind.ALIAS
    assert ask(f"{label}.{label}.long.example.", "A", zone=long).kind is Kind.TOO_LONG


def test_a_dname_to_its_own_name() -> None:
    loop = zone_of(TEXT + "loop DNAME loop\n")
    assert ask("x.loop.example.", "A", zone=loop).kind is Kind.LOOPS


SIGNED = """
$TTL 60
@    SOA ns1 host 1 1 1 1 1
     RRSIG SOA 8 1 60 20300101000000 20200101000000 1 @ AAAA
     NS  ns1
     NSEC b SOA NS RRSIG NSEC
b    A   192.0.2.2
     RRSIG A 8 2 60 20300101000000 20200101000000 1 @ AAAA
     NSEC ns1 A RRSIG NSEC
ns1  A   192.0.2.1
     NSEC @ A NSEC
"""


def test_a_signed_zone() -> None:
    zone = zone_of(SIGNED)
    assert [each.type for each in ask("b.example.", "A", zone=zone).answer] == [codes.A]
    assert [each.type for each in ask("b.example.", "A", zone=zone, do=True).answer] == [codes.A, codes.RRSIG]
    nodata = ask("b.example.", "TXT", zone=zone, do=True)
    assert [(each.owner, each.type) for each in nodata.authority] == [
        (ORIGIN, codes.SOA),
        (ORIGIN, codes.RRSIG),
        (name.from_text("b.example."), codes.NSEC),
    ]
    missing = ask("c.example.", "A", zone=zone, do=True)
    assert [each.owner for each in missing.authority if each.type == codes.NSEC] == [
        name.from_text("b.example."),
        ORIGIN,
    ]


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("NS", "NS1.X.", "ns1.x."),
        ("CNAME", "Www", "www.example."),
        ("MX", "10 Mail", "10 mail.example."),
        ("PTR", "WWW.Example.Net.", "WWW.Example.Net."),
        ("DNAME", "Other", "Other.example."),
        ("SRV", "0 0 22 Host1", "0 0 22 Host1.example."),
        ("RP", "Me.X. Txt.X.", "Me.X. Txt.X."),
    ],
)
def test_the_letter_case_of_names_in_data_is_as_in_coredns(kind: str, text: str, stored: str) -> None:
    node = zone_of(TEXT + f"Case {kind} {text}\n").nodes[name.from_text("case.example.")]
    record = node[codes.TYPE_NUMBERS[kind]][0]
    assert rdata.to_text(record.type, record.data) == stored


@pytest.mark.parametrize("kind", ["SVCB", "HTTPS"])
def test_targets_of_services_are_lower_case(kind: str) -> None:
    node = zone_of(TEXT + f"case {kind} 1 Www.X. key65333=AbC\n").nodes[name.from_text("case.example.")]
    assert node[codes.TYPE_NUMBERS[kind]][0].data == b"\0\1\3www\1x\0\xff\x35\0\3AbC"


@pytest.mark.parametrize("data", ["\\# 2 0001", "\\# 3 000161", "\\# 5 0001046161", "\\# 4 0001c000"])
def test_a_service_without_a_target_is_no_record(data: str) -> None:
    with pytest.raises(WireError, match="no target name"):
        zone_of(TEXT + f"svc2 HTTPS {data}\n")


def test_nsec3_is_an_error() -> None:
    with pytest.raises(WireError, match="NSEC3 zone is not supported"):
        zone_of(TEXT + "x NSEC3PARAM 1 0 0 -\n")


def test_records_outside_are_counted_and_left_out() -> None:
    zone = zone_of(TEXT + "www.other. A 192.0.2.1\n")
    assert zone.outside == 1
    assert name.from_text("www.other.") not in zone.nodes


def test_the_root_zone() -> None:
    text = ". 60 SOA a. b. 1 1 1 1 1\n. 60 NS a.\norg. 60 NS b.org.\nb.org. 60 A 192.0.2.1\n"
    root = build(name.ROOT, parse(text, name.ROOT, "root", lambda path, by: ("", "")))
    assert root is not None
    assert ask("www.org.", "A", zone=root).kind is Kind.REFERRAL
    assert ask("com.", "A", zone=root).kind is Kind.MISSING
    assert lines(ask(".", "NS", zone=root).answer) == [". NS a."]
