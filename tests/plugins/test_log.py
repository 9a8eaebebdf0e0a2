from collections.abc import Callable

import pytest

from kdns.chain.answer import DROP, Answer, refuse, relayed
from kdns.chain.query import Query
from kdns.corefile import ConfigError
from kdns.wire import codes, name, rdata
from kdns.wire.edns import Edns, Option
from kdns.wire.message import Relay
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.chain import Clock, Next, chain_of, root_chain

Printed = Callable[[], list[str]]

A = Record(None, codes.A, rdata.a("192.0.2.1"), 30)
SOA = Record(name.ROOT, codes.SOA, rdata.soa(name.ROOT, name.ROOT, 1, 2, 3, 4, 5), 30)
SUCCESS = Answer(flags=codes.AA, answer=(A,))
DENIAL = Answer(rcode=codes.NXDOMAIN, flags=codes.AA, authority=(SOA,))
FAILURE = refuse(codes.SERVFAIL)


def line(answer: Answer, form: str, printed: Printed, *asked: str, **how: object) -> str:
    chain = root_chain(f'log . "{form}"', behind=Next(answer))
    chain.ask(*(asked or ("www.Example.org",)), **how)  # type: ignore[arg-type]
    (text,) = printed()
    assert text.startswith("[INFO] ")
    return text.removeprefix("[INFO] ")


def test_the_common_format(printed: Printed) -> None:
    chain = root_chain("log", behind=Next(SUCCESS))
    chain.ask("www.Example.org", client=("192.0.2.9", 4711), ident=b"\x04\xd2")
    assert printed() == [
        '[INFO] 192.0.2.9:4711 - 1234 "A IN www.example.org. udp 33 false 512" NOERROR qr,aa,rd 64 0s',
    ]


def test_the_combined_format_with_edns_over_tcp_from_ipv6(printed: Printed) -> None:
    chain = root_chain('log . "{combined}"', behind=Next(DENIAL))
    chain.ask("www.example.org", "AAAA", client=("2001:db8::9", 4711), edns=Edns(1232, codes.DO), proto="tcp")
    assert printed() == [
        '[INFO] [2001:db8::9]:4711 - 4660 "AAAA IN www.example.org. tcp 44 true 65535" NXDOMAIN qr,aa,rd 66 0s "0"',
    ]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (SUCCESS, "NOERROR qr,aa,rd 64"),
        (FAILURE, "SERVFAIL qr,rd 33"),
        (refuse(codes.REFUSED), "REFUSED qr,rd 33"),
        (DROP, "- - 0"),
        (Answer(rcode=16), "BADSIG qr,rd 33"),
        (Answer(rcode=23), "BADCOOKIE qr,rd 33"),
        (Answer(rcode=77), "77 qr,rd 33"),
        (Answer(flags=codes.TC | codes.RA | codes.Z | codes.AD), "NOERROR qr,tc,rd,ra,z,ad 33"),
    ],
)
def test_what_was_answered(answer: Answer, text: str, printed: Printed) -> None:
    assert line(answer, "{rcode} {>rflags} {rsize}", printed) == text


MANY = Answer(flags=codes.AA, answer=tuple(A._replace(data=rdata.a(f"192.0.2.{n}")) for n in range(30)))
"""963 octets when its names are written out, 513 when they are not, 524 with an OPT."""


@pytest.mark.parametrize(
    ("how", "flags"),
    [
        ({}, "qr,aa,tc,rd"),
        ({"edns": Edns(523)}, "qr,aa,tc,rd"),
        ({"edns": Edns(524)}, "qr,aa,rd"),
        ({"proto": "tcp"}, "qr,aa,rd"),
        ({"proto": "tcp", "edns": Edns(512)}, "qr,aa,rd"),
    ],
)
def test_a_reply_that_is_cut_has_tc(how: dict[str, object], flags: str, printed: Printed) -> None:
    assert line(MANY, "{>rflags} {rsize}", printed, **how) == f"{flags} 963"


def test_a_size_that_bufsize_lowers_is_the_one_it_is_cut_to(printed: Printed) -> None:
    chain = root_chain('log . "{>bufsize} {>rflags}"\nbufsize 512', behind=Next(MANY))
    chain.ask("www.example.org", edns=Edns(4096))
    assert printed() == ["[INFO] 512 qr,aa,tc,rd"]


@pytest.mark.parametrize(("rule", "flags"), [("clear rd", "qr,aa"), ("set rd", "qr,aa,rd")])
def test_rd_is_what_header_makes_of_it(rule: str, flags: str, printed: Printed) -> None:
    chain = root_chain(f'log . "{{>rflags}}"\nheader {{\n response {rule}\n}}', behind=Next(SUCCESS))
    chain.ask("www.example.org", flags=0 if rule == "set rd" else codes.RD)
    assert printed() == [f"[INFO] {flags}"]


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{name}/{type}/{class}", "www.example.org./A/IN"),
        ("{remote} {port} {local}", "10.244.9.9 40212 10.96.0.10"),
        ("{>id} {>opcode} {>do} {>bufsize} {size} {proto}", "4660 0 false 512 33 udp"),
        ("{/log/type} {/x}", "- -"),
        ("{foo} {>Id} { {name} } {", "{foo} {>Id} { www.example.org. } {"),
        ("} {name", "} {name"),
        ("{name}{name}", "www.example.org.www.example.org."),
    ],
)
def test_placeholders(form: str, text: str, printed: Printed) -> None:
    assert line(SUCCESS, form, printed) == text


def test_odd_questions_cannot_break_a_line(printed: Printed) -> None:
    assert line(SUCCESS, "{name} {class}", printed, "a\\010b\\032c.org", cls=254) == "a\\010b\\032c.org. NONE"
    chain = root_chain('log . "{type} {class} {>bufsize} {size}"', behind=Next(SUCCESS))
    asked = Edns(100, 0, (Option(10, b"12345678"),))
    chain.ask("a.example", "URI", cls=77, edns=asked)
    assert printed() == ["[INFO] URI CLASS77 512 50"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.000123456, "0.000123456s"), (2.0, "2s"), (1e-9, "0.000000001s"), (12.5, "12.5s")]
)
def test_duration_is_a_plain_decimal(seconds: float, text: str, printed: Printed) -> None:
    clock = Clock(0.0)

    def slow(query: Query) -> Answer:
        clock.advance(seconds)
        return SUCCESS

    root_chain('log . "{duration}"', behind=Next(slow), clock=clock).ask("a.example")
    assert printed() == [f"[INFO] {text}"]


def test_a_relayed_answer_is_measured(printed: Printed) -> None:
    asked = b"\x03www\x07example\x03org\x00\0\1\0\1"
    packet = write_message(b"\0\0", codes.QR | codes.RA, asked, ((A, A), (), ()))
    assert line(relayed(Relay(packet)), "{rcode} {>rflags} {rsize}", printed) == "NOERROR qr,rd,ra 95"


CLASSES = {"success": SUCCESS, "denial": DENIAL, "error": FAILURE}


@pytest.mark.parametrize(
    ("block", "logged"),
    [
        ("class success", {"success"}),
        ("class denial error", {"denial", "error"}),
        ("class denial\nclass error", {"denial", "error"}),
        ("class all", set(CLASSES)),
        ("class denial all", set(CLASSES)),
        ("", set(CLASSES)),
    ],
)
def test_classes(block: str, logged: set[str], printed: Printed) -> None:
    for cls, answer in CLASSES.items():
        chain = root_chain(f"log {{\n{block}\n}}", behind=Next(answer))
        basis = chain.basis_of("a.example")
        assert bool(printed()) == (cls in logged)
        assert basis.fleeting == (cls in logged), "an answer that nobody logs may be kept"
        assert basis.private == (cls in logged)


@pytest.mark.parametrize(
    ("name", "logged"),
    [("example.org", True), ("www.EXAMPLE.org", True), ("badexample.org", False), ("org", False), (".", False)],
)
def test_names(name: str, logged: bool, printed: Printed) -> None:
    chain = root_chain("log Example.ORG. example.net", behind=Next(SUCCESS))
    assert chain.ask(name) is SUCCESS
    assert bool(printed()) is logged


def test_the_first_rule_for_a_name_decides(printed: Printed) -> None:
    directives = 'log a.example {\n class error\n}\nlog example org "second {name}"\nlog . "third {name}"'
    chain = root_chain(directives, behind=Next(SUCCESS))
    for asked in ("x.a.example", "b.example", "c.org", "d.net"):
        chain.ask(asked)
    assert printed() == ["[INFO] second b.example.", "[INFO] second c.org.", "[INFO] third d.net."]


def test_a_single_argument_is_a_name_even_if_it_looks_like_a_format(printed: Printed) -> None:
    root_chain("log {combined}", behind=Next(SUCCESS)).ask("a.example")
    assert printed() == []


def test_a_name_that_cannot_be_one_matches_nothing(printed: Printed) -> None:
    root_chain(f"log {'x' * 64}.org a..b", behind=Next(SUCCESS)).ask("a.example")
    assert printed() == []


def test_text_with_a_percent_sign_is_only_text(printed: Printed) -> None:
    assert line(SUCCESS, "100%s {name}", printed) == "100%s www.example.org."


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("log {\n class\n}", "Wrong argument count or unexpected line ending after 'class'"),
        ("log {\n class loud\n}", "invalid Class: loud"),
        ("log {\n classes all\n}", "unknown property 'classes'"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(f".:53 {{\n{directive}\n}}")
    assert message in str(raised.value)
    assert str(raised.value).startswith("plugin/log: Corefile:3 - ")
