"""What rules do to queries and to replies."""

import pytest

from kdns.chain.answer import DROP, Answer, Shared, refuse, relayed
from kdns.chain.query import Query
from kdns.wire import codes, name, rdata
from kdns.wire.edns import Edns, Option
from kdns.wire.message import Relay
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.chain import Chain, Next, root_chain
from tests.kit.house import House, packet
from tests.kit.query import query

ADDRESS = rdata.a("192.0.2.7")
HERE = Answer(answer=(Record(None, codes.A, ADDRESS, 30),))


def wire(text: str) -> bytes:
    return name.from_text(text)


def rules(*lines: str, behind: Next) -> Chain:
    return root_chain("\n".join(f"rewrite {line}" for line in lines), behind=behind)


def owners(answer: Answer) -> list[str]:
    return [name.to_text(record.owner) if record.owner is not None else "" for record in answer.answer]


@pytest.mark.parametrize(
    ("rule", "asked", "seen"),
    [
        ("name web.example db.example", "Web.Example", "db.example."),
        ("name exact WEB.example. DB.example.", "web.example", "db.example."),
        ("name exact web.example db.example", "a.web.example", "a.web.example."),
        ("name suffix .example .test", "a.b.example", "a.b.test."),
        ("name suffix .example .test", "example", "example."),
        ("name suffix example test", "myexample", "mytest."),
        ("name suffix .example .", "a.example", "a."),
        ("name prefix foo bar", "foo.example", "bar.example."),
        ("name prefix foo bar", "foo-1.example", "foo-1.example."),
        ("name substring mid end", "amid.mid.example", "aend.end.example."),
        ("name regex (.*)-(us)\\.example\\.$ {2}.{1}.test", "web-us.example", "us.web.test."),
        ("name regex (b){1} x{0}y", "abc.example", "xby."),
        ("name regex (a)(b) {5}{2}", "ab.example", "{5}b."),
    ],
)
def test_names(rule: str, asked: str, seen: str) -> None:
    behind = Next(HERE)
    rules(rule, behind=behind).ask(asked)
    assert behind.queries[0].text == seen


def test_marks_in_a_name_are_not_filled_in() -> None:
    behind = Next(HERE)
    rules("name regex (.*)\\.(.*)\\.example\\. {1}.{2}", behind=behind).ask("{2}{2}.{1}x.example")
    assert behind.queries[0].text == "{2}{2}.{1}x."


@pytest.mark.parametrize("to", ["a..b", "a" * 64])
def test_what_is_no_name_is_servfail(to: str) -> None:
    answer = rules(f"name web.example {to}", behind=Next(HERE)).ask("web.example")
    assert answer == refuse(codes.SERVFAIL, f"invalid name after rewrite: {to}.")


@pytest.mark.parametrize(
    ("lines", "asked", "seen"),
    [
        (["continue name a.example b.example", "name b.example c.example"], "a.example", "c.example."),
        (["name a.example b.example", "name b.example c.example"], "a.example", "b.example."),
        (["stop name x.example b.example", "name a.example c.example"], "a.example", "c.example."),
    ],
)
def test_stop_and_continue(lines: list[str], asked: str, seen: str) -> None:
    behind = Next(HERE)
    rules(*lines, behind=behind).ask(asked)
    assert behind.queries[0].text == seen


def test_type_and_class() -> None:
    behind = Next(HERE)
    chain = rules("continue type any hinfo", "class CH in", behind=behind)
    assert chain.ask("a.example", "ANY", cls=codes.CH) is not None
    question = behind.queries[0].question
    assert (question.type, question.cls) == (codes.HINFO, codes.IN)
    assert chain.ask("a.example", "A").answer == HERE.answer


@pytest.mark.parametrize(
    ("rule", "owner"),
    [
        ("name exact a.example b.test", "a.example."),
        ("name suffix .example .test", "a.test."),
        ("name suffix .example .test answer auto", "a.example."),
        ("name regex a\\.(.*)\\. b.{1}", "b.example."),
        ("name regex a\\.(.*)\\. b.{1} answer auto", "a.example."),
        ("name regex a\\.(.*)\\. b.{1} answer name b\\.(.*)\\. c.{1}", "c.example."),
        ("name prefix a b answer auto", "a.example."),
        ("continue name suffix .example .test", "a.test."),
    ],
)
def test_owners(rule: str, owner: str) -> None:
    assert owners(rules(rule, behind=Next(HERE)).ask("a.example")) == [owner]


def test_values_of_every_type() -> None:
    old, new = wire("x.b.test"), wire("x.a.example")
    fixed = bytes(20)
    naptr = bytes(4) + b"\x01u\x00\x00"
    kinds = [
        (codes.CNAME, b"%s"), (codes.DNAME, b"%s"), (codes.NS, b"%s"), (codes.PTR, b"%s"), (codes.MX, b"\0\1%s"),
        (codes.SRV, b"\0\1\0\2\0\3%s"), (35, naptr + b"%s"), (codes.SOA, b"%s" + wire("root.b.test") + fixed),
    ]  # fmt: skip
    given = [Record(wire("y.b.test"), kind, form % old, 5) for kind, form in kinds]
    expected = [Record(wire("y.a.example"), kind, form % new, 5) for kind, form in kinds]
    behind = Next(Answer(answer=given, authority=given, additional=given))
    answer = rules("name a.example b.test", behind=behind).ask("a.example")
    assert [list(section) for section in (answer.answer, answer.authority, answer.additional)] == [expected] * 3


def test_answer_value_alone() -> None:
    alias = Answer(answer=(Record(None, codes.CNAME, wire("x.b.test"), 5),))
    rule = "name suffix .example .test answer value (.*)\\.b\\.test {1}.b.example"
    answer = rules(rule, behind=Next(alias)).ask("b.example", "CNAME")
    assert list(answer.answer) == [Record(wire("b.test"), codes.CNAME, wire("x.b.example"), 5)]


def test_replies_are_changed_in_reverse_order() -> None:
    chain = rules("continue name exact a.example b.example", "name exact b.example c.example", behind=Next(HERE))
    assert owners(chain.ask("a.example")) == ["a.example."]


def test_a_name_too_long_in_the_reply_is_servfail() -> None:
    long = ".".join(["l" * 60] * 4)
    behind = Next(Answer(answer=(Record(wire(f"{long}.b"), codes.A, ADDRESS, 5),)))
    answer = rules("name abcdefghijk.example b", behind=behind).ask("abcdefghijk.example")
    assert answer.rcode == codes.SERVFAIL
    assert answer.error is not None


@pytest.mark.parametrize(
    ("rule", "ttl"),
    [
        ("ttl a.example 7", 7),
        ("ttl suffix .example 60-90", 60),
        ("ttl regex ^a 5-20", 20),
        ("ttl prefix a -20", 20),
        ("ttl substring example 40-", 40),
        ("ttl b.example 7", 30),
    ],
)
def test_ttl(rule: str, ttl: int) -> None:
    chain = rules(rule, behind=Next(HERE, HERE.replace(ttl=30, shared=Shared(name.ROOT))))
    for _ in range(2):
        answer = chain.ask("a.example")
        assert [record.ttl for record in answer.with_ttl().answer] == [ttl]
        assert answer.shared is None or ttl == 30


@pytest.mark.parametrize(("rule", "fleeting", "fades"), [("ttl . 7", False, True), ("ttl a 7", False, False)])
def test_a_fixed_ttl_is_not_counted_down(rule: str, *, fleeting: bool, fades: bool) -> None:
    def cached(asked: Query) -> Answer:
        asked.basis.expires, asked.basis.fades = 1010.0, True
        return HERE

    basis = rules(rule, behind=Next(cached)).basis_of("a")
    assert (basis.fleeting, basis.fades) == (fleeting, fades)


def test_a_clamped_ttl_that_counts_down_is_not_kept() -> None:
    def cached(asked: Query) -> Answer:
        asked.basis.expires, asked.basis.fades = 1010.0, True
        return HERE

    assert rules("ttl a 7-9", behind=Next(cached)).basis_of("a").fleeting


@pytest.mark.parametrize(
    ("rule", "given", "expected"),
    [
        ("rcode a NXDOMAIN NOERROR", Answer(rcode=codes.NXDOMAIN), Answer()),
        ("rcode a SERVFAIL 3", refuse(codes.SERVFAIL, "why"), Answer(rcode=codes.NXDOMAIN, error="why")),
        ("rcode a 3 0", Answer(rcode=codes.REFUSED), Answer(rcode=codes.REFUSED)),
        ("rcode b 3 0", refuse(codes.NXDOMAIN), refuse(codes.NXDOMAIN)),
        ("rcode a 3 23", Answer(rcode=codes.NXDOMAIN), Answer(rcode=codes.NXDOMAIN)),
    ],
)
def test_rcode(rule: str, given: Answer, expected: Answer) -> None:
    assert rules(rule, behind=Next(given)).ask("a") == expected


def test_no_reply_stays_none() -> None:
    assert rules("name a b", behind=Next(DROP)).ask("a") is DROP


def forwarded(asked: Query) -> Answer:
    """The reply of an upstream."""
    records = ([Record(None, codes.A, ADDRESS, 30)], (), ())
    return relayed(Relay(write_message(b"\0\0", codes.QR, asked.question.wire, records)))


def test_an_upstreams_message_is_parted_when_records_change() -> None:
    answer = rules("name a.example b.test", behind=Next(forwarded)).ask("A.example")
    assert answer.relay is None
    assert owners(answer) == ["a.example."]


@pytest.mark.parametrize(
    "rule",
    ["name suffix .example .cluster.local", "continue name suffix .example .cluster.local", "continue type A TXT"],
)
async def test_the_client_gets_its_own_question_back(rule: str) -> None:
    house = House(f".:53 {{\nrewrite {rule}\nwhoami\n}}\n")
    async with house.running():
        reply = await house.ask("Web.Example", "A")
    assert reply.question is not None
    assert (reply.question.name, reply.question.type) == (wire("Web.Example"), codes.A)
    assert reply.rcode == codes.NOERROR


def alias_chain(*lines: str, behind: Next, found: Answer) -> Chain:
    chain = rules(*lines, behind=behind)

    async def resolve(asked: Query) -> Answer:
        chain.looked_up.append((asked.text, asked.question.type))  # type: ignore[attr-defined]
        return found

    chain.looked_up = []  # type: ignore[attr-defined]
    chain.site.connect(resolve)
    return chain


@pytest.mark.parametrize(
    ("rule", "target"),
    [
        ("cname cdn.old cdn.new", "cdn.new."),
        ("cname suffix .old. .new.", "cdn.new."),
        ("cname prefix cdn. www.", "www.old."),
        ("cname substring old young", "cdn.young."),
        ("cname regex (.*)\\.old\\. {1}.regex.", "cdn.regex."),
    ],
)
def test_cname(rule: str, target: str) -> None:
    given = (Record(None, codes.CNAME, wire("cdn.old"), 9), Record(wire("cdn.old"), codes.A, ADDRESS, 9))
    found = Answer(flags=codes.TC, answer=(Record(None, codes.A, rdata.a("192.0.2.9"), 4),))
    chain = alias_chain(rule, behind=Next(Answer(answer=given)), found=found)
    answer = chain.ask("a.example")
    assert list(answer.answer) == [
        Record(wire("a.example"), codes.CNAME, wire(target), 9),
        Record(wire(target), codes.A, rdata.a("192.0.2.9"), 4),
    ]
    assert answer.flags == codes.TC
    assert chain.looked_up == [(target, codes.A)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("cname cdn.old cdn.new", refuse(codes.SERVFAIL)),
        ("cname cdn.old cdn.new", DROP),
        ("cname cdn.old a..b", HERE),
        ("cname other.old cdn.new", HERE),
        ('cname substring "" x', HERE),
    ],
)
def test_cname_without_an_answer_leaves_the_reply(rule: str, found: Answer) -> None:
    given = Answer(answer=(Record(None, codes.CNAME, wire("cdn.old"), 9),))
    answer = alias_chain(rule, behind=Next(given), found=found).ask("a.example")
    assert [record.data for record in answer.answer] == [wire("cdn.old")]


async def test_a_whole_reply_with_options_and_mixed_case() -> None:
    house = House(".:53 {\nrewrite edns0 local set 0xffee 0x0102\nwhoami\n}\n")
    async with house.running():
        raw = await house.ask_raw(packet("web.example", flags=codes.RD))
    assert raw is not None
    assert raw.endswith(b"\xff\xee\x00\x02\x01\x02")


LOCAL = 0xFFEE


def options(query_: Query) -> tuple[Option, ...]:
    assert query_.edns is not None
    return query_.edns.options


@pytest.mark.parametrize(
    ("rule", "sent", "seen", "shown"),
    [
        ("local set 0xffee abc", [], [b"abc"], [b"abc"]),
        ("local set 65518 0x0a0b revert", [], [b"\n\x0b"], []),
        ("local set 0xffee abc", [b"x", b"y"], [b"abc", b"y"], [b"abc", b"y"]),
        ("local set 0xffee abc revert", [b"x"], [b"abc"], [b"x"]),
        ("local replace 0xffee abc", [], [], []),
        ("local replace 0xffee abc revert", [b"x"], [b"abc"], [b"x"]),
        ("local append 0xffee abc", [b"x"], [b"x"], [b"x"]),
        ("local append 0xffee abc", [], [b"abc"], [b"abc"]),
        ("local unset 0xffee", [b"x", b"y"], [], []),
        ("local set 0xffee {qname}", [], [b"Web.example."], [b"Web.example."]),
        ("local set 0xffee {qtype}", [], [b"\0\1"], [b"\0\1"]),
        ("local set 0xffee {client_ip}", [], [b"\n\xf4\t\t"], [b"\n\xf4\t\t"]),
        ("local set 0xffee {client_port}", [], [b"\x9d\x14"], [b"\x9d\x14"]),
        ("local set 0xffee {server_ip}", [], [b"\n\x60\0\n"], [b"\n\x60\0\n"]),
        ("local set 0xffee {server_port}", [], [b"\0\x35"], [b"\0\x35"]),
        ("local set 0xffee {protocol}", [], [b"udp"], [b"udp"]),
        ("local set 0xffee {kubernetes/client-namespace}", [b"x"], [b"x"], [b"x"]),
    ],
)
def test_local_options(rule: str, sent: list[bytes], seen: list[bytes], shown: list[bytes]) -> None:
    behind = Next(HERE)
    edns = Edns(1232, 0, tuple(Option(LOCAL, data) for data in sent))
    answer = rules(f"edns0 {rule}", behind=behind).ask("Web.example", edns=edns)
    assert options(behind.queries[0]) == tuple(Option(LOCAL, data) for data in seen)
    assert answer.options == tuple(Option(LOCAL, data) for data in shown)


@pytest.mark.parametrize(
    ("client", "data"),
    [
        ("192.0.2.77", b"\0\1\x17\0\xc0\0\2"),
        ("::ffff:192.0.2.77", b"\0\1\x17\0\xc0\0\2"),
        ("2001:db8:1234:5678::1", b"\0\2\x38\0\x20\x01\x0d\xb8\x12\x34\x56"),
        ("fe80::1%eth0", b"\0\2\x38\0\xfe\x80\0\0\0\0\0"),
    ],
)
def test_subnet(client: str, data: bytes) -> None:
    behind = Next(HERE)
    asked = query("a", client=client)
    answer = rules("edns0 subnet set 23 56", behind=behind).answer(asked)
    assert behind.queries[0].edns == Edns(4096, 0, (Option(8, data),))
    assert answer.options == ()
    assert asked.basis.private


def test_nsid() -> None:
    behind = Next(HERE)
    assert rules("edns0 nsid set revert", behind=behind).ask("a").options == ()
    assert options(behind.queries[0]) == (Option(codes.NSID, b""),)
    assert rules("edns0 nsid set", behind=behind).ask("a").options == (Option(codes.NSID, b""),)


def test_what_was_said_to_an_upstream_is_not_told_with_its_reply() -> None:
    chain = rules("continue edns0 local set 0xffee {client_ip}", "name a b", behind=Next(forwarded))
    assert chain.ask("a").options == ()
    assert chain.ask("a", edns=Edns(1232)).options == ()


def test_an_opt_is_added_even_for_nothing() -> None:
    behind = Next(HERE)
    rules("edns0 local unset 9", behind=behind).ask("a")
    assert behind.queries[0].edns == Edns(4096)


def test_an_options_rule_that_does_not_match_lets_the_next_one_try() -> None:
    behind = Next(HERE)
    rules("edns0 local replace 9 x", "name a b", behind=behind).ask("a")
    assert behind.queries[0].text == "b."


def test_messages_to_come_are_changed_too() -> None:
    zone = Answer(answer=HERE.answer, more=iter([HERE.answer]))
    answer = rules("name a b", behind=Next(zone)).ask("a", "AXFR")
    assert answer.more is not None
    assert [[record.owner for record in records] for records in answer.more] == [[wire("a")]]


def test_a_failure_shows_options_too() -> None:
    chain = rules("continue edns0 local set 0xffee x", "name a b..c", behind=Next(HERE))
    answer = chain.ask("a")
    assert (answer.rcode, answer.options) == (codes.SERVFAIL, (Option(LOCAL, b"x"),))


def test_aliases_that_never_end_cost_a_bounded_number_of_lookups() -> None:
    alias = Answer(answer=(Record(None, codes.CNAME, wire("x.old"), 9),))
    behind = Next(alias)
    chain = rules(*["continue cname suffix .old. .a.old."] * 4, behind=behind)

    async def resolve(asked: Query) -> Answer:
        return await chain.top.answer(asked)

    chain.site.connect(resolve)
    assert chain.ask("a.example").rcode == codes.NOERROR
    assert len(behind.queries) == 1 + 4 * 8


async def test_kept_replies_are_the_same() -> None:
    text = ".:53 {\nrewrite continue ttl . 9\nrewrite name web.old web.new\nhosts {\n192.0.2.7 web.new\n}\n}\n"
    house = House(text)
    async with house.running():
        first, *others = [await house.ask_raw(packet("web.old", flags=codes.RD)) for _ in range(3)]
    assert first is not None
    assert others == [first, first]
