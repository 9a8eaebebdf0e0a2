import sys

import pytest

from kdns.chain.answer import DROP, Answer
from kdns.corefile import ConfigError
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from tests.kit.chain import Chain, Next, chain_of, root_chain
from tests.kit.house import House

PASSED = Answer(flags=codes.AA)
BLOCKED = Answer(rcode=codes.REFUSED, options=(Option(codes.EDE, b"\0\x0f"),), do=True)
FILTERED = Answer(options=(Option(codes.EDE, b"\0\x11"),), do=True)


def acl(*policies: str, zones: str = "") -> str:
    return f"acl {zones} {{\n" + "\n".join(policies) + "\n}\n"


def judged(text: str, asked: str = "web.example", rtype: str = "A", client: str = "10.1.2.3") -> Answer:
    return root_chain(text, behind=Next(PASSED)).ask(asked, rtype, client=client)


def test_a_long_list_of_lines_takes_no_longer_than_a_short_one() -> None:
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    lines = [f"block net 192.0.{i >> 8}.{i & 255}" for i in range(2000)]
    chain = root_chain(acl(*lines, "filter net 10.1.2.3", "block"), behind=Next(PASSED))
    sys.setprofile(count)
    try:
        answers = [chain.ask("web.example", client=client) for client in ("192.0.7.207", "10.1.2.3", "192.0.7.208")]
    finally:
        sys.setprofile(None)
    assert answers == [BLOCKED, FILTERED, BLOCKED]
    assert calls < 1000


def test_neighbours_with_other_types_or_for_everybody_stay_apart() -> None:
    text = acl("block type A net 10.0.0.1", "block type AAAA net 10.0.0.2", "filter type MX", "filter net 10.0.0.3")
    asked = [
        (client, rtype)
        for client in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4")
        for rtype in ("A", "AAAA", "MX")
        if judged(text, rtype=rtype, client=client) is not PASSED
    ]
    one, two, three, four = [f"10.0.0.{i}" for i in range(1, 5)]
    assert asked == [
        (one, "A"),
        (one, "MX"),
        (two, "AAAA"),
        (two, "MX"),
        *[(three, t) for t in ("A", "AAAA", "MX")],
        (four, "MX"),
    ]


@pytest.mark.parametrize(
    ("action", "expected"),
    [("allow", PASSED), ("block", BLOCKED), ("filter", FILTERED), ("drop", DROP), ("BLOCK", BLOCKED)],
)
def test_actions(action: str, expected: Answer) -> None:
    assert judged(acl(action)) == expected
    assert (judged(acl(action)) is DROP) is (expected is DROP)


@pytest.mark.parametrize(
    ("policy", "asked", "client", "matches"),
    [
        ("block", "A", "10.1.2.3", True),
        ("block type A", "A", "10.1.2.3", True),
        ("block type AAAA", "A", "10.1.2.3", False),
        ("block type AAAA A MX", "A", "10.1.2.3", True),
        ("block type AAAA *", "A", "10.1.2.3", True),
        ("block TYPE ANY", "ANY", "10.1.2.3", True),
        ("block net 10.0.0.0/8", "A", "10.1.2.3", True),
        ("block net 10.1.2.77/24", "A", "10.1.2.3", True),
        ("block net 11.0.0.0/8", "A", "10.1.2.3", False),
        ("block net 10.1.2.3", "A", "10.1.2.3", True),
        ("block net 10.1.2.4", "A", "10.1.2.3", False),
        ("block net 11.0.0.0/8 10.1.0.0/16", "A", "10.1.2.3", True),
        ("block net 11.0.0.0/8 *", "A", "10.1.2.3", True),
        ("block net ::/0", "A", "10.1.2.3", False),
        ("block net 0.0.0.0/0", "A", "10.1.2.3", True),
        ("block net 0.0.0.0/0", "A", "2001:db8::1", False),
        ("block net 2001:db8::/32", "A", "2001:db8::1", True),
        ("block net 2001:db8::1", "A", "2001:db8::1", True),
        ("block net 2001:db8::1", "A", "2001:db8::2", False),
        ("block net fe80::/10", "A", "fe80::1%eth0", True),
        ("block net 10.0.0.0/8", "A", "::ffff:10.1.2.3", True),
        ("block type A net 10.0.0.0/8", "A", "10.1.2.3", True),
        ("block type A net 11.0.0.0/8", "A", "10.1.2.3", False),
        ("block net 10.0.0.0/8 type AAAA", "A", "10.1.2.3", False),
        ("block type AAAA net 11.0.0.0/8 type A net 10.0.0.0/8", "A", "10.1.2.3", True),
    ],
)
def test_matching(policy: str, asked: str, client: str, matches: bool) -> None:
    assert judged(acl(policy), rtype=asked, client=client) == (BLOCKED if matches else PASSED)


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        (acl("allow net 10.0.0.0/8", "block"), "web.example", PASSED),
        (acl("filter net 10.1.0.0/16", "block"), "web.example", FILTERED),
        (acl("block net 11.0.0.0/8"), "web.example", PASSED),
        (acl("allow") + acl("block"), "web.example", PASSED),
        (acl("allow type AAAA") + acl("block"), "web.example", BLOCKED),
        (acl("block", zones="example"), "Web.Example", BLOCKED),
        (acl("block", zones="example"), "example", BLOCKED),
        (acl("block", zones="example"), "web.myexample", PASSED),
        (acl("block", zones="a.example b.example"), "web.b.example", BLOCKED),
        (acl("block", zones="10.0.0.0/8"), "3.2.1.10.in-addr.arpa", BLOCKED),
        (acl("allow", zones="web.example") + acl("block", zones="example"), "web.example", PASSED),
        ("acl", "web.example", PASSED),
    ],
)
def test_order(text: str, asked: str, expected: Answer) -> None:
    assert judged(text, asked) == expected


def test_the_zones_of_the_block() -> None:
    chain = chain_of("example.org {\n" + acl("block") + "}\n", behind=Next(PASSED))
    assert chain.ask("web.example.org") == BLOCKED
    assert chain.ask("web.example.net") == PASSED


def test_answers_are_the_client_s_where_its_address_was_looked_at() -> None:
    assert root_chain(acl("block net 11.0.0.0/8"), behind=Next(PASSED)).basis_of("web.example").private
    assert root_chain(acl("block"), behind=Next(PASSED)).basis_of("web.example").private is False
    typed = root_chain(acl("filter type AAAA net 10.0.0.0/8"), behind=Next(PASSED))
    assert not typed.basis_of("web.example").private
    assert typed.basis_of("web.example", "AAAA").private


def counts(chain: Chain) -> dict[str, float]:
    value = chain.registry.value
    found = {
        word: value(f"coredns_acl_{word}_requests_total", "dns://:53", "example.", "")
        for word in ("blocked", "filtered", "dropped")
    }
    return found | {"allowed": value("coredns_acl_allowed_requests_total", "dns://:53", "")}


def test_metrics() -> None:
    policies = ("block type A", "filter type AAAA", "drop type MX", "allow type TXT")
    chain = root_chain(acl(*policies, zones="example"), behind=Next(PASSED))
    for rtype, times in (("A", 4), ("AAAA", 3), ("MX", 2), ("TXT", 1), ("SRV", 1)):
        for _ in range(times):
            chain.ask("web.example", rtype)
    chain.ask("web.example.org")
    assert counts(chain) == {"blocked": 4, "filtered": 3, "dropped": 2, "allowed": 3}


async def test_metrics_of_kept_replies() -> None:
    house = House(".:53 {\n" + acl("filter type A") + "}\n")
    for _ in range(5):
        await house.ask("web.example")
    assert house.service().memo.entries
    assert house.process.registry.value("coredns_acl_filtered_requests_total", "dns://:53", ".", "") == 5


@pytest.mark.parametrize(
    ("edns", "expected"),
    [(None, Edns(4096, codes.DO)), (Edns(1232), Edns(1232, codes.DO)), (Edns(0), Edns(0, codes.DO))],
)
@pytest.mark.parametrize(("action", "rcode", "code"), [("block", codes.REFUSED, 15), ("filter", codes.NOERROR, 17)])
async def test_on_the_wire(edns: Edns | None, expected: Edns, action: str, rcode: int, code: int) -> None:
    reply = await House(".:53 {\n" + acl(action) + "}\n").ask("web.example", edns=edns)
    assert reply.edns == expected._replace(options=(Option(codes.EDE, bytes((0, code))),))
    assert (reply.rcode, reply.flags & codes.AA) == (rcode, 0)
    assert (reply.answer, reply.authority, reply.additional) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (acl("Deny net *"), "unexpected token \"Deny\"; expect 'allow', 'block', 'filter' or 'drop'"),
        (acl("block from 10.0.0.0/8"), "unexpected token \"from\"; expect 'type | net'"),
        (acl("block type"), 'no token specified in "type" section'),
        (acl("block NET type A"), 'no token specified in "net" section'),
        (acl("block type a"), 'unexpected token "a"; expect legal QTYPE'),
        (acl("block type A TYPE65"), 'unexpected token "TYPE65"; expect legal QTYPE'),
        (acl("block net 10.0.0"), 'illegal CIDR notation "10.0.0/32"'),
        (acl("block net 10.0.0.0/33"), 'illegal CIDR notation "10.0.0.0/33"'),
        (acl("block net x:y"), 'illegal CIDR notation "x:y/128"'),
        (acl("block net web"), 'illegal CIDR notation "web/32"'),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/acl: Corefile:")
    assert raised.value.message == error
