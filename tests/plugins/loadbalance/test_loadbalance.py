import pytest

from kdns.chain.answer import DROP, Answer, Records, refuse, relayed
from kdns.corefile import ConfigError
from kdns.wire import codes, name, rdata
from kdns.wire.message import Relay, Section
from kdns.wire.record import Record
from kdns.wire.writer import write_message
from tests.kit.chain import Next, root_chain
from tests.kit.query import query


def a(last: int) -> Record:
    return Record(None, codes.A, rdata.a(f"192.0.2.{last}"), 30)


CNAME = Record(None, codes.CNAME, name.from_text("web.example."), 30)
TXT = Record(None, codes.TXT, rdata.txt(b"x"), 30)
MX1 = Record(None, codes.MX, rdata.mx(10, name.ROOT), 30)
MX2 = Record(None, codes.MX, rdata.mx(20, name.ROOT), 30)
AAAA = Record(None, codes.AAAA, rdata.aaaa("2001:db8::1"), 30)


def packet_of(*answer: Record, question: str = "web.example") -> bytes:
    return write_message(b"\0\0", codes.QR, query(question).question.wire, (answer, (), ()))


@pytest.mark.parametrize("directive", ["loadbalance", "loadbalance round_robin"])
def test_addresses_are_shuffled(directive: str) -> None:
    records = tuple(a(i) for i in range(8))
    chain = root_chain(directive, behind=Next(Answer(answer=records)))
    orders = {tuple(chain.ask("web.example").answer) for _ in range(50)}
    assert len(orders) > 1
    assert all(sorted(order) == sorted(records) for order in orders)
    basis = chain.basis_of("web.example")
    assert (basis.shuffled, basis.fleeting, basis.private) == (True, False, False)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(answer=(a(1),)),
        Answer(answer=(CNAME, a(1))),
        Answer(answer=(CNAME, TXT, a(1), MX1)),
        Answer(answer=(a(1),), additional=(a(2),)),
        Answer(rcode=codes.NXDOMAIN, answer=(a(1), a(2))),
        refuse(codes.SERVFAIL),
        DROP,
    ],
)
def test_what_leaves_nothing_to_chance_is_the_same_object_and_may_be_kept(answer: Answer) -> None:
    chain = root_chain("loadbalance", behind=Next(answer))
    assert chain.ask("web.example") is answer
    assert not chain.basis_of("web.example").shuffled


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR"])
def test_transfers_stay_in_order(rtype: str) -> None:
    answer = Answer(answer=tuple(a(i) for i in range(9)))
    assert root_chain("loadbalance", behind=Next(answer)).ask("example", rtype) is answer


def test_every_section_is_grouped_by_kind() -> None:
    mixed = (MX1, a(1), TXT, CNAME)
    grouped = (CNAME, TXT, a(1), MX1)
    answer = root_chain("loadbalance", behind=Next(Answer(answer=mixed, authority=mixed, additional=mixed))).ask("x")
    assert (answer.answer, answer.authority, answer.additional) == (grouped, grouped, grouped)


def test_exchanges_are_shuffled_and_then_not_kept() -> None:
    chain = root_chain("loadbalance", behind=Next(Answer(answer=(MX1, MX2))))
    assert {tuple(chain.ask("x", "MX").answer) for _ in range(40)} == {(MX1, MX2), (MX2, MX1)}
    assert chain.basis_of("x", "MX").fleeting


@pytest.mark.parametrize("records", [(a(1),), (CNAME, a(1)), (TXT,), ()])
def test_a_relayed_reply_with_one_address_is_not_even_decoded(
    records: tuple[Record, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = relayed(Relay(packet_of(*records)))
    chain = root_chain("loadbalance", behind=Next(answer))
    monkeypatch.setattr(Section, "_decoded", lambda self: pytest.fail("decoded"))
    assert chain.ask("web.example") is answer


def test_a_relayed_reply_with_several_addresses_is_shuffled() -> None:
    records = tuple(a(i)._replace(owner=name.from_text("web.example")) for i in range(8))
    chain = root_chain("loadbalance", behind=Next(relayed(Relay(packet_of(*records)))))
    orders: set[Records] = set()
    for _ in range(20):
        answer = chain.ask("web.example")
        assert sorted(answer.answer) == sorted(records)
        assert answer.relay is None
        orders.add(tuple(answer.answer))
    assert len(orders) > 1
    assert chain.basis_of("web.example").shuffled


def test_a_relayed_record_that_cannot_be_read_is_passed_on() -> None:
    packet = packet_of(a(1), TXT).replace(b"\0\x10\0\1", b"\0\x05\0\1")
    broken = relayed(Relay(packet))
    chain = root_chain("loadbalance", behind=Next(broken))
    assert chain.ask("web.example") is broken
    assert chain.basis_of("web.example").fleeting


def test_two_relayed_addresses_part_from_their_message_in_either_order() -> None:
    owner = name.from_text("web.example")
    records = (a(1)._replace(owner=owner), a(2)._replace(owner=owner))
    chain = root_chain("loadbalance", behind=Next(relayed(Relay(packet_of(*records)))))
    answers = [chain.ask("web.example") for _ in range(40)]
    assert {tuple(answer.answer) for answer in answers} == {records, records[::-1]}
    assert {answer.relay for answer in answers} == {None}


PREFER = "loadbalance round_robin {\n prefer 10.0.0.0/8 2001:db8::/32\n prefer 192.0.2.3/32\n}"


def test_prefer_puts_addresses_in_the_order_of_the_prefixes() -> None:
    ten = Record(None, codes.A, rdata.a("10.1.2.3"), 30)
    other6 = Record(None, codes.AAAA, rdata.aaaa("2001:db9::1"), 30)
    section = (TXT, MX1, a(3), CNAME, other6, AAAA, ten)
    chain = root_chain(PREFER, behind=Next(Answer(answer=section, authority=section, additional=section)))
    answer = chain.ask("web.example")
    expected = (CNAME, ten, AAAA, a(3), other6, MX1, TXT)
    assert answer.answer == expected
    assert answer.additional == expected
    assert tuple(answer.authority)[:2] == (CNAME, TXT), "prefer leaves the authority section as the policy ordered it"
    assert chain.basis_of("web.example").fleeting


def test_prefer_is_no_matter_of_chance_with_one_address() -> None:
    chain = root_chain(PREFER, behind=Next(Answer(answer=(TXT, a(3)))))
    assert chain.ask("web.example").answer == (a(3), TXT)
    basis = chain.basis_of("web.example")
    assert (basis.fleeting, basis.shuffled) == (False, False)


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("loadbalance least_conn", "unknown policy: least_conn"),
        ("loadbalance round_robin x", "unknown property for round_robin"),
        ("loadbalance weighted", "missing weight file argument"),
        ("loadbalance weighted f x", "unexpected argument(s)"),
        ("loadbalance weighted f {\n reload\n}", "reload duration value is missing"),
        ("loadbalance weighted f {\n reload 1s 2s\n}", "unexpected argument"),
        ("loadbalance weighted f {\n reload soon\n}", "invalid reload duration 'soon'"),
        ("loadbalance weighted f {\n reload -1s\n}", "invalid reload duration '-1s'"),
        ("loadbalance weighted f {\n prefer 10.0.0.0/8\n}", "unknown property 'prefer'"),
        ("loadbalance {\n reload 1s\n}", "unknown property 'reload'"),
        ("loadbalance {\n prefer 10.0.0.0\n}", 'invalid CIDR "10.0.0.0": invalid CIDR address: 10.0.0.0'),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/loadbalance: Corefile:")
