from contextlib import suppress

import dns.rdata
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.zonedata import Word, data_of, seconds
from kdns.wire.zonetext import ZoneError, entries, first, parse

ORIGIN = name.from_text("example.org.")


def read(text: str, files: dict[str, str] | None = None) -> list[str]:
    def opener(path: str, by: str) -> tuple[str, str]:
        if path not in (files or {}):
            raise WireError(f"no {path}")
        return path, (files or {})[path]

    return [record.to_text() for record in parse(text, ORIGIN, "db", opener)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www 60 IN A 192.0.2.1", ["www.example.org. 60 IN A 192.0.2.1"]),
        ("www IN 1h30m A 192.0.2.1 ; note", ["www.example.org. 5400 IN A 192.0.2.1"]),
        ("$TTL 5\nWWW A 1.2.3.4\n  AAAA ::1\n", ["WWW.example.org. 5 IN A 1.2.3.4", "WWW.example.org. 5 IN AAAA ::1"]),
        ("@ 7 NS ns\nb NS c.\n", ["example.org. 7 IN NS ns.example.org.", "b.example.org. 7 IN NS c."]),
        ("@ SOA a b (\n 1 ; serial\n 2 3 4\n 5 )", ["example.org. 5 IN SOA a.example.org. b.example.org. 1 2 3 4 5"]),
        ("@ IN SOA a b 1 2 3 4 5\nc IN A 1.2.3.4\nd 7 IN A 1.2.3.4\ne IN A 1.2.3.4", [
            "example.org. 5 IN SOA a.example.org. b.example.org. 1 2 3 4 5", "c.example.org. 5 IN A 1.2.3.4",
            "d.example.org. 7 IN A 1.2.3.4", "e.example.org. 7 IN A 1.2.3.4",
        ]),
        ("$ORIGIN sub\na 1 A 1.2.3.4", ["a.sub.example.org. 1 IN A 1.2.3.4"]),
        ('t 1 TXT "a;b" c\\"d "e\\065"', ['t.example.org. 1 IN TXT "a;b" "c\\"d" "eA"']),
        ("m 1 MX 10 mail", ["m.example.org. 1 IN MX 10 mail.example.org."]),
        ("x 1 TYPE65280 \\# 2 abcd", ["x.example.org. 1 IN TYPE65280 \\# 2 abcd"]),
        ("$GENERATE 1-5/2 h$ 9 A 192.0.2.$", [f"h{i}.example.org. 9 IN A 192.0.2.{i}" for i in (1, 3, 5)]),
        ("$GENERATE 9-10 h${1,3} 9 CNAME x${-9,0,x}", [
            "h010.example.org. 9 IN CNAME x0.example.org.", "h011.example.org. 9 IN CNAME x1.example.org.",
        ]),
        ("$1 1 A 1.2.3.4", ["\\$1.example.org. 1 IN A 1.2.3.4"]),
        ("a\\.b 1 A 1.2.3.4", ["a\\.b.example.org. 1 IN A 1.2.3.4"]),
    ],
)  # fmt: skip
def test_records(text: str, expected: list[str]) -> None:
    assert read(text) == expected


def test_an_included_file_changes_nothing_for_the_one_that_includes_it() -> None:
    text = "$TTL 1\na A 192.0.2.1\n$INCLUDE other sub\n A 192.0.2.2\n"
    files = {"other": "$TTL 9\nb A 192.0.2.3\n$ORIGIN x.\nc A 192.0.2.4\n"}
    assert [line.split()[:2] for line in read(text, files)] == [
        ["a.example.org.", "1"], ["b.sub.example.org.", "9"], ["c.x.", "9"], ["a.example.org.", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a A 192.0.2.1", "db: line 1: missing TTL"),
        ("\n a 1 A 192.0.2.1", "line 2: no owner name"),
        ("a 1 A 192.0.2.256", "line 1: bad A data"),
        ("a 1 A", "bad A data"),
        ("a 1 MX ten b", "bad MX data: bad number"),
        ("a 1 SRV 0 0 70000 b", "bad SRV data"),
        ("a 1 NS b c", "too many words"),
        ("a 1 CH A 192.0.2.1", "class CH is not supported"),
        ("a 1 NONSENSE x", "unknown record type"),
        ("a 1 AXFR x", "unknown record type"),
        ("a 1 A (192.0.2.1", "unbalanced brace"),
        ("a 1 A 192.0.2.1)", "extra closing brace"),
        ('a 1 TXT "open', "unreadable"),
        ("a 1 CAA 300 issue x", "bad CAA data"),
        ("a 1 HTTPS 1", "bad HTTPS data"),
        ("a 1 TXT \\# 3 abcd", "length is not"),
        ("a 1 MX \\# 2 0001", "bad MX data"),
        ("$TTL x", "bad time"),
        ("$TTL 99999999999", "time out of range"),
        ("$ORIGIN a b", "bad directive"),
        ("$OTHER x", "unknown record type"),
        ("$INCLUDE nowhere", "line 1: no nowhere"),
        ("$INCLUDE self", "too deeply nested"),
        ("$GENERATE 1-70000 a$ 1 A 192.0.2.1", "bad range"),
        ("$GENERATE 1-2/0 a$ 1 A 192.0.2.1", "bad range"),
        ("$GENERATE 1-2 a${0,999,d} 1 A 192.0.2.1", "bad modifier"),
        ("$GENERATE 1-2 a${0,1,z} 1 A 192.0.2.1", "bad modifier"),
        ("$GENERATE 1-2 a${-5} 1 A 192.0.2.1", "bad offset"),
        (f"{'a' * 64} 1 A 192.0.2.1", "label of 64 octets"),
        (f"{'.'.join(['a' * 63] * 4)} 1 A 192.0.2.1", "more than 255"),
    ],
)
def test_errors_say_where(text: str, message: str) -> None:
    with pytest.raises(ZoneError, match=message) as caught:
        read(text, {"self": "$INCLUDE self"})
    assert str(caught.value).startswith("dns: ")


RARE = [
    ("CAA", '0 issue "ca.example.net"'),
    ("DS", "60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    ("DNSKEY", "256 3 8 AwEAAcFcGsaxxdgiuuGmCkVI"),
    ("TLSA", "3 1 1 2bb183af5f22588179a53b0a98631fad1a2921182bb183af5f22588179a53b0a"),
    ("SSHFP", "1 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    ("HTTPS", "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1"),
    ("HTTPS", '1 . alpn="h2,h3" port="443" ech="AAT+DQAA"'),
    ("SVCB", "2 svc.example.net. port=53"),
    ("NAPTR", '100 50 "s" "http" "" _http._tcp.example.org.'),
    ("NSEC", "host.example.org. A MX RRSIG NSEC TYPE1234"),
    ("RRSIG", "A 5 3 86400 20300322173103 20200220173103 2642 example.org. oJB1W6WNGv+ldvQ3WDG0MQ=="),
    ("LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30.00m 10000.00m 10.00m"),
    ("LOC", "42 21 54 S 71 06 18 E 10 20 30 40"),
    ("LOC", "42 N 71 30 W -24.5m"),
    ("RP", "a.example.org. b.example.org."),
    ("X25", "311061700956"),
    ("ISDN", '"150862028003217" "004"'),
    ("NSAP-PTR", "a.example.org."),
    ("KEY", "256 3 8 AAAA"),
    ("GPOS", "-32.6 116.1 10.0"),
    ("CERT", "PGP 0 RSASHA256 AAAA"),
    ("CERT", "65280 1 8 AAAA BBBB"),
    ("APL", "1:192.168.32.0/21 !1:192.168.38.0/28 2:2001:db8::/32"),
    ("APL", ""),
    ("DS", "60485 RSASHA256 1 2BB183AF5F22588179A5 3B0A98631FAD1A292118"),
    ("IPSECKEY", "10 0 2 . AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("IPSECKEY", "10 3 2 a.example.org. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ=="),
    ("DHCID", "AAIBY2/AuCccgoJbsaxcQc9TUapptP69 lOjxfNuVAA2kjEA="),
    ("NSEC3", "1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG"),
    ("NSEC3PARAM", "1 0 0 -"),
    ("SMIMEA", "3 1 1 2bb183af5f22588179a53b0a98631fad1a2921182bb183af5f22588179a53b0a"),
    ("HIP", "2 200100107B1A74DF365639CC39F1D578 AwEAAbdx a.example.org. b.example.org."),
    ("NINFO", '"a" "b"'),
    ("CDS", "0 0 0 00"),
    ("CDNSKEY", "257 3 RSASHA256 AAAA"),
    ("OPENPGPKEY", "AAAA BBBB"),
    ("CSYNC", "66 3 A NS AAAA"),
    ("ZONEMD", "7 1 1 " + "ab" * 48),
    ("NID", "10 0014:4fff:ff20:ee64"),
    ("L32", "10 10.1.2.0"),
    ("L64", "10 2001:0DB8:1140:1000"),
    ("LP", "10 a.example.org."),
    ("EUI48", "00-00-5e-00-53-2a"),
    ("EUI64", "00-00-5e-ef-10-00-00-2a"),
    ("URI", '10 1 "https://example.org/;x=\\"1\\""'),
    ("AVC", '"a"'),
    ("AMTRELAY", "10 0 0 ."),
    ("AMTRELAY", "10 1 2 2001:db8::1"),
    ("RESINFO", '"qnamemin" "exterr=15,16"'),
    ("DLV", "60485 8 1 2BB183AF5F22588179A53B0A98631FAD1A292118"),
    ("SVCB", "1 . port=53 ipv4hint=192.0.2.1,192.0.2.2 key65333=ex mandatory=port,ipv4hint ipv6hint=2001:db8::1"),
    ("SVCB", r'1 . alpn="f\\\\oo\\,bar,h2"'),
    ("SVCB", r'1 . alpn="a\,b,c"'),
    ("HTTPS", "1 . no-default-alpn alpn=h2 ohttp dohpath=/dns{?dns} key65400"),
]


@pytest.mark.parametrize(("kind", "text"), RARE)
def test_rare_types_are_as_dnspython_has_them(kind: str, text: str) -> None:
    words = [word for entry in entries(text) for word in entry.words]
    theirs = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text)
    assert data_of(codes.TYPE_NUMBERS[kind], words, ORIGIN) == theirs.to_wire()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("SVCB", "1 . port=53 port=54"),
        ("SVCB", "1 . mandatory=mandatory"),
        ("SVCB", "1 . mandatory=port,port port=53"),
        ("SVCB", "1 . port=70000"),
        ("SVCB", "1 . alpn="),
        ("SVCB", "1 . alpn=a,,b"),
        ("SVCB", "1 . alpn=" + "a" * 256),
        ("SVCB", "1 . key65535=x"),
        ("SVCB", "1 . key01=x"),
        ("SVCB", "1 . nonsense=x"),
        ("HTTPS", "1 . ohttp=x"),
        ("LOC", "91 N 0 E 0"),
        ("LOC", "0 60 N 0 E 0"),
        ("LOC", "0 N 0 E x"),
        ("LOC", "0 N 0 E 0 1 2 3 4"),
        ("LOC", "N 0 E 0"),
        ("APL", "1:2001:db8::/32"),
        ("IPSECKEY", "10 4 2 x AAAA"),
        ("EUI48", "00-00-5e-00-53"),
        ("NID", "10 1:2:3"),
        ("NSEC3PARAM", "1 0 0 " + "ab" * 256),
        ("DS", "60485 5 1 abc"),
    ],
)
def test_rare_types_that_are_none(kind: str, text: str) -> None:
    words = [word for entry in entries(text) for word in entry.words]
    with pytest.raises(WireError, match=f"bad {kind} data"):
        data_of(codes.TYPE_NUMBERS[kind], words, ORIGIN)


def test_octets_that_are_no_utf8_stay_what_they_are() -> None:
    text = b'caf\xe9 1 TXT "\xe9\\;" ; \xff'.decode(errors="surrogateescape")
    (record,) = parse(text, ORIGIN, "db", lambda path, by: (path, by))
    assert (record.owner, record.data) == (b"\4caf\xe9" + ORIGIN, b"\2\xe9;")


@given(st.text(alphabet='a1 .\\"();$\n@*{}-/,SOANS', max_size=60))
def test_any_text_is_records_or_an_error(text: str) -> None:
    with suppress(ZoneError):
        read(text)


@given(
    st.sampled_from(sorted(codes.TYPES)), st.lists(st.text(alphabet="a1.\\=,#-@", min_size=1, max_size=9), max_size=9)
)
def test_any_data_is_octets_or_an_error(rtype: int, texts: list[str]) -> None:
    with suppress(WireError):
        data_of(rtype, [Word(text) for text in texts], ORIGIN)


def test_times() -> None:
    assert seconds("1w2d3h4m5s") == 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www.example.org 60 IN A 192.0.2.1", "www.example.org. 60 IN A 192.0.2.1"),
        ("www A 192.0.2.1\nwww A not read", "www. 3600 IN A 192.0.2.1"),
        ("\n\nversion.bind. 0 CH TXT kdns", 'version.bind. 0 CH TXT "kdns"'),
        ("a. HS 5 CNAME b", "a. 5 HS CNAME b."),
        ("a. CLASS3 5 TXT x", 'a. 5 CH TXT "x"'),
        ("$TTL 7\n$ORIGIN o.\na MX 1 b", "a.o. 7 IN MX 1 b.o."),
        ("; nothing\n\n", None),
        ("", None),
    ],
)
def test_the_first_record_of_a_text(text: str, expected: str | None) -> None:
    record = first(text, 3600)
    assert (record and record.to_text()) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$INCLUDE /etc/passwd", "dns: line 1: $INCLUDE is not allowed here"),
        ("a. 1 IN", "dns: line 1: no record type"),
        ("a. 1 CLASS65536 A 192.0.2.1", "dns: line 1: unknown class 'CLASS65536'"),
        ("a. 1 CLASSY A 192.0.2.1", "dns: line 1: bad number 'Y'"),
        ("\na. 1 A (", "dns: line 2: unbalanced brace"),
        (" a. 1 A 192.0.2.1", "dns: line 1: no owner name"),
    ],
)
def test_no_first_record(text: str, message: str) -> None:
    with pytest.raises(ZoneError) as caught:
        first(text, 3600)
    assert str(caught.value) == message
