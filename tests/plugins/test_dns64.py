from ipaddress import IPv6Address

import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.corefile import ConfigError
from kdns.wire import codes, name, rdata
from kdns.wire.record import Record
from tests.kit.chain import Chain, Next, root_chain
from tests.kit.house import House
from tests.kit.query import query

SIX = "2001:db8::7"
ZONE = name.from_text("example")
A = Record(None, codes.A, b"\xc0\0\2\x21", 300)
AAAA = Record(None, codes.AAAA, IPv6Address("2001:db8::1").packed, 300)
CNAME = Record(None, codes.CNAME, ZONE, 300)
NS = Record(ZONE, codes.NS, name.from_text("ns.example"), 300)
GLUE = Record(name.from_text("ns.example"), codes.A, b"\xc0\0\2\x35", 300)
METRIC = "coredns_dns64_requests_translated_total"


def soa(ttl: int) -> Record:
    return Record(ZONE, codes.SOA, rdata.soa(ZONE, ZONE, 1, 2, 3, 4, 5), ttl)


class World:
    """A chain with an answer to AAAA behind it, and one to A at the top of the server."""

    def __init__(self, text: str, six: Answer, four: Answer) -> None:
        self.behind = Next(six)
        self.top = Next(four)
        self.chain: Chain = root_chain(text, behind=self.behind)
        self.chain.site.connect(self.top.answer)

    def ask(self, rtype: str = "AAAA", client: str = SIX, cls: int = codes.IN) -> Answer:
        return self.chain.ask("Web.example", rtype, client=client, cls=cls)

    @property
    def looked_up(self) -> list[tuple[bytes, int]]:
        return [(asked.question.name, asked.question.type) for asked in self.top.queries]


def addresses(answer: Answer) -> list[str]:
    return [str(IPv6Address(record.data)) for record in answer.answer if record.type == codes.AAAA]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dns64", "64:ff9b::c000:221"),
        ("dns64 2001:db8::/32", "2001:db8:c000:221::"),
        ("dns64 2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("dns64 2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("dns64 2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("dns64 2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100:0"),
        ("dns64 2001:db8:122:344::/96", "2001:db8:122:344::c000:221"),
        ("dns64 2001:db8::1:2:3/96", "2001:db8::1:c000:221"),
        ("dns64 {\n prefix 2001:db8::/96\n}", "2001:db8::c000:221"),
        ("dns64 2001:db8:1::/96 {\n prefix 2001:db8:2::/96\n}", "2001:db8:2::c000:221"),
        ("dns64 2001:db8:1::/96\ndns64 2001:db8:2::/96", "2001:db8:2::c000:221"),
    ],
)
def test_prefixes(text: str, expected: str) -> None:
    """The table of RFC 6052 section 2.4, and where a prefix may stand."""
    world = World(text, Answer(authority=(soa(60),)), Answer(answer=(A,)))
    assert addresses(world.ask()) == [expected]
    assert world.looked_up == [(name.from_text("Web.example"), codes.A)]


@pytest.mark.parametrize(
    "six",
    [
        Answer(authority=(soa(60),)),
        Answer(),
        Answer(answer=(CNAME,)),
        Answer(rcode=codes.SERVFAIL),
        Answer(rcode=codes.REFUSED),
    ],
    ids=["no data", "empty", "an alias", "a failure", "a refusal"],
)
def test_what_is_translated(six: Answer) -> None:
    world = World("dns64", six, Answer(answer=(A,)))
    assert addresses(world.ask()) == ["64:ff9b::c000:221"]
    assert world.chain.registry.value(METRIC, "dns://:53") == 1


@pytest.mark.parametrize(
    "six",
    [
        Answer(answer=(AAAA,)),
        Answer(answer=(CNAME, AAAA)),
        Answer(rcode=codes.NXDOMAIN, authority=(soa(60),)),
        Answer(rcode=codes.NXDOMAIN, answer=(CNAME,), authority=(soa(60),)),
        refuse(codes.SERVFAIL, "why"),
        DROP,
    ],
    ids=["an address", "an address behind an alias", "no name", "no name behind an alias", "by code", "no reply"],
)
def test_what_stays(six: Answer) -> None:
    world = World("dns64", six, Answer(answer=(A,)))
    assert world.ask() is six
    assert world.looked_up == []
    assert world.chain.registry.value(METRIC, "dns://:53") == 0


@pytest.mark.parametrize(
    ("text", "rtype", "client", "cls", "translated"),
    [
        ("dns64", "AAAA", "192.0.2.9", codes.IN, False),
        ("dns64", "AAAA", SIX, codes.CH, False),
        ("dns64", "A", SIX, codes.IN, False),
        ("dns64", "ANY", SIX, codes.IN, False),
        ("dns64 {\n allow_ipv4\n}", "AAAA", "192.0.2.9", codes.IN, True),
        ("dns64 64:ff9b::/96 {\n allow_ipv4\n}", "AAAA", "192.0.2.9", codes.IN, True),
        ("dns64 {\n allow_ipv4\n}", "AAAA", SIX, codes.IN, True),
    ],
)
def test_whose_questions(text: str, rtype: str, client: str, cls: int, translated: bool) -> None:
    world = World(text, Answer(authority=(soa(60),)), Answer(answer=(A,)))
    assert bool(addresses(world.ask(rtype, client, cls))) is translated


def test_translate_all() -> None:
    world = World("dns64 {\n translate_all\n}", Answer(answer=(AAAA,)), Answer(answer=(A,)))
    assert addresses(world.ask()) == ["64:ff9b::c000:221"]
    gone = Answer(rcode=codes.NXDOMAIN, authority=(soa(60),))
    assert World("dns64 {\n translate_all\n}", gone, Answer(answer=(A,))).ask() is gone


@pytest.mark.parametrize(
    ("six", "ttl", "expected"),
    [
        (Answer(authority=(soa(60),)), 300, 60),
        (Answer(authority=(soa(3600),)), 300, 300),
        (Answer(), 300, 300),
        (Answer(), 3600, 600),
        (Answer(authority=(NS,)), 3600, 600),
        (Answer(authority=(soa(3600),), ttl=30), 300, 30),
    ],
)
def test_ttl(six: Answer, ttl: int, expected: int) -> None:
    world = World("dns64", six, Answer(answer=(A._replace(ttl=ttl),)))
    assert [record.ttl for record in world.ask().answer] == [expected]


def test_the_rest_is_that_of_the_lookup() -> None:
    four = Answer(
        flags=codes.AA | codes.RA | codes.TC | codes.AD, answer=(CNAME, A), authority=(NS,), additional=(GLUE,)
    )
    answer = World("dns64", Answer(authority=(soa(60),)), four).ask()
    assert (answer.rcode, answer.flags) == (codes.NOERROR, codes.TC)
    assert (answer.answer[0], answer.authority, answer.additional) == (CNAME, (NS,), (GLUE,))


@pytest.mark.parametrize(
    "four", [Answer(authority=(soa(60),)), Answer(rcode=codes.SERVFAIL), refuse(codes.REFUSED), Answer(rcode=3)]
)
def test_no_a_records(four: Answer) -> None:
    answer = World("dns64", Answer(authority=(soa(60),)), four).ask()
    assert (answer.rcode, answer.answer, answer.authority, answer.written) == (0, (), four.authority, True)


def test_a_lookup_without_end_or_reply_fails() -> None:
    world = World("dns64", Answer(), DROP)
    assert (world.ask().rcode, world.ask().written) == (codes.SERVFAIL, False)
    deep = query("web.example", "AAAA", client=SIX).replace(depth=8)
    answer = world.chain.answer(deep)
    assert (answer.rcode, answer.error) == (codes.SERVFAIL, "no answer to the lookup of A records")


async def test_a_whole_server() -> None:
    hosts = "hosts {\n 192.0.2.33 web.example\n 192.0.2.34 both.example\n 2001:db8::1 both.example\n}"
    house = House(f".:53 {{\n dns64 {{\n allow_ipv4\n }}\n prometheus\n loadbalance\n cache\n {hosts}\n}}\n")
    async with house.running():
        for _ in range(4):
            reply = await house.ask("web.example", "AAAA")
            assert [str(IPv6Address(record.data)) for record in reply.answer] == ["64:ff9b::c000:221"]
            reply = await house.ask("both.example", "AAAA")
            assert [str(IPv6Address(record.data)) for record in reply.answer] == ["2001:db8::1"]
    assert house.process.registry.value(METRIC, "dns://:53") == 4


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("dns64 64:ff9b::/96 2001:db8::/96", "Wrong argument count or unexpected line ending after '2001:db8::/96'"),
        ("dns64 10.0.0.1/8", 'invalid netmask 32 IPv6 address: "10.0.0.0/8"'),
        ("dns64 2001:db8::1/31", 'invalid prefix length "2001:db8::/31"'),
        ("dns64 2001:db8::/24", 'invalid prefix length "2001:d00::/24"'),
        ("dns64 64:ff9b::/100", 'invalid prefix length "64:ff9b::/100"'),
        ("dns64 64:ff9b::/97", 'invalid prefix length "64:ff9b::/97"'),
        ("dns64 64:ff9b::", "invalid CIDR address: 64:ff9b::"),
        ("dns64 {\n prefix\n}", "Wrong argument count or unexpected line ending after 'prefix'"),
        ("dns64 {\n prefix 1.2.3.4/24\n}", 'invalid netmask 32 IPv6 address: "1.2.3.0/24"'),
        ("dns64 {\n translate all\n}", "unknown property 'translate'"),
        ("dns64 64:ff9b::/96 {\n all\n}", "unknown property 'all'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/dns64: Corefile:")
    assert raised.value.message == error
