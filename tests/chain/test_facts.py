"""What expressions are told about a query (`plugins.md`, view), and what that does to its basis."""

import pytest

from kdns.chain.basis import Basis
from kdns.chain.facts import FACTS
from kdns.corefile.expression import Expression, Fault
from kdns.wire import codes
from kdns.wire.edns import Edns
from tests.kit.query import query


class Labels:
    """Labels of which one has a value."""

    def get(self, label: str) -> str | None:
        return "shop" if label == "kubernetes/client-namespace" else None

    def set(self, label: str, value: str) -> None:
        raise AssertionError("expressions set nothing")


ASKED = query(
    "WWW.Example.org",
    "AAAA",
    client=("2001:db8::7", 4001),
    local="2001:db8::53",
    edns=Edns(1232, codes.DO),
    server="dns://[2001:db8::53]:5353",
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("bufsize()", 1232),
        ("class()", "IN"),
        ("client_ip()", "2001:db8::7"),
        ("do()", True),
        ("id()", 0x1234),
        ("name()", "www.example.org."),
        ("opcode()", 0),
        ("port()", "4001"),
        ("proto()", "udp"),
        ("server_ip()", "2001:db8::53"),
        ("server_port()", "5353"),
        ("size()", 44),
        ("type()", "AAAA"),
        ("metadata('kubernetes/client-namespace')", ""),
    ],
)
def test_facts(text: str, value: object) -> None:
    assert Expression(text, FACTS).evaluate(ASKED) == value


@pytest.mark.parametrize(
    ("asked", "text", "value"),
    [
        (query("example.org"), "bufsize()", 512),
        (query("example.org", edns=Edns(100)), "bufsize()", 512),
        (query("example.org", proto="tcp"), "bufsize()", 65535),
        (query("example.org"), "do()", False),
        (query("example.org", flags=codes.NOTIFY << codes.OPCODE_SHIFT), "opcode()", 4),
        (query("."), "name()", "."),
        (query("example.org", cls=codes.CH), "class()", "CH"),
        (query("example.org").replace(metadata=Labels()), "metadata('kubernetes/client-namespace')", "shop"),
        (query("example.org").replace(metadata=Labels()), "metadata('nobody/knows')", ""),
    ],
)
def test_facts_of_other_queries(asked: object, text: str, value: object) -> None:
    assert Expression(text, FACTS).evaluate(asked) == value


@pytest.mark.parametrize(
    ("address", "network", "inside"),
    [
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "10.9.9.9/8", True),
        ("11.1.2.3", "10.0.0.0/8", False),
        ("2001:db8::1", "2001:DB8::/32", True),
        ("2001:db9::1", "2001:db8::/32", False),
        ("10.1.2.3", "::/0", False),
        ("2001:db8::1", "0.0.0.0/0", False),
        ("::ffff:10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "::ffff:10.0.0.0/104", True),
        ("11.1.2.3", "::ffff:10.0.0.0/104", False),
    ],
)
def test_networks(address: str, network: str, inside: bool) -> None:
    assert Expression(f"incidr('{address}', '{network}')", FACTS).evaluate(ASKED) is inside


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("localhost", "10.0.0.0/8"),
        ("fe80::1%eth0", "fe80::/10"),
        ("010.0.0.1", "10.0.0.0/8"),
        ("10.0.0.1", "10.0.0.0"),
        ("10.0.0.1", "10.0.0.0/33"),
        ("10.0.0.1", "nonsense"),
    ],
)
def test_what_is_no_address_and_no_network(address: str, network: str) -> None:
    with pytest.raises(Fault):
        Expression(f"incidr('{address}', '{network}')", FACTS).evaluate(ASKED)


@pytest.mark.parametrize("name", sorted(FACTS.keys() - {"incidr", "metadata"}))
def test_what_is_not_in_the_key_of_a_kept_reply_is_noted(name: str) -> None:
    basis = Basis()
    Expression(f"{name}()", FACTS).evaluate(ASKED.replace(basis=basis))
    assert basis.private == (name in {"client_ip", "port", "server_ip", "id"})
