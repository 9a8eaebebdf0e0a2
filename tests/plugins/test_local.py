import logging
from collections.abc import Callable

import pytest

from kdns.chain.answer import refuse
from kdns.corefile import ConfigError
from kdns.wire import codes, name
from tests.kit.chain import Next, root_chain
from tests.kit.house import House

SOA = "604800 IN SOA localhost. root.localhost. 1 0 0 0 604800"
COUNTER = "coredns_local_localhost_requests_total"


@pytest.mark.parametrize(
    ("asked", "rtype", "rcode", "answer", "authority"),
    [
        ("Web.localhost.", "A", 0, "Web.localhost. 604800 IN A 127.0.0.1", None),
        ("a.b.LOCALHOST.", "AAAA", 0, "a.b.LOCALHOST. 604800 IN AAAA ::1", None),
        ("web.localhost.", "MX", 0, None, f"web.localhost. {SOA}"),
        ("web.localhost.", "SOA", 0, None, f"web.localhost. {SOA}"),
        ("localhost.Example.org.", "A", 0, "localhost.Example.org. 604800 IN A 127.0.0.1", None),
        ("localhost.example.org.", "TXT", 0, None, f"localhost.example.org. {SOA}"),
        ("localhost.localhost.", "A", 0, "localhost.localhost. 604800 IN A 127.0.0.1", None),
        ("localhost.127.in-addr.arpa.", "PTR", 0, None, f"localhost.127.in-addr.arpa. {SOA}"),
        ("Localhost.", "A", 0, "Localhost. 604800 IN A 127.0.0.1", None),
        ("localhost.", "AAAA", 0, "localhost. 604800 IN AAAA ::1", None),
        ("localhost.", "NS", 0, "localhost. 604800 IN NS localhost.", None),
        ("localhost.", "SOA", 0, f"localhost. {SOA}", None),
        ("localhost.", "MX", 0, None, f"localhost. {SOA}"),
        ("0.in-addr.arpa.", "SOA", 0, f"0.in-addr.arpa. {SOA}", None),
        ("127.in-addr.arpa.", "NS", 0, "127.in-addr.arpa. 604800 IN NS localhost.", None),
        ("255.in-addr.arpa.", "A", 0, None, f"255.in-addr.arpa. {SOA}"),
        ("127.in-addr.arpa.", "AAAA", 0, None, f"127.in-addr.arpa. {SOA}"),
        ("1.0.0.127.In-addr.arpa.", "PTR", 0, "1.0.0.127.In-addr.arpa. 604800 IN PTR localhost.", None),
        ("1.0.0.127.In-addr.arpa.", "A", 0, None, f"127.In-addr.arpa. {SOA}"),
        ("2.0.0.127.in-Addr.arpa.", "PTR", 3, None, f"127.in-Addr.arpa. {SOA}"),
        ("1.255.in-addr.arpa.", "PTR", 3, None, f"255.in-addr.arpa. {SOA}"),
    ],
)
def test_answers(asked: str, rtype: str, rcode: int, answer: str | None, authority: str | None) -> None:
    behind = Next()
    found = root_chain("local", behind=behind).ask(asked, rtype)
    wire = name.from_text(asked)
    assert [record.to_text(wire) for record in found.answer] == [text for text in (answer,) if text]
    assert [record.to_text(wire) for record in found.authority] == [text for text in (authority,) if text]
    assert (found.rcode, found.flags, found.additional, found.written) == (rcode, 0, (), True)
    assert behind.queries == []


@pytest.mark.parametrize(
    ("asked", "option"),
    [
        ("example.org.", "on"),
        ("mylocalhost.", "on"),
        ("localhosts.example.", "on"),
        ("xlocalhost.example.", "on"),
        (".", "on"),
        ("128.in-addr.arpa.", "on"),
        ("1270.in-addr.arpa.", "on"),
        ("localhost.example.org.", "off"),
    ],
)
def test_all_others_pass(asked: str, option: str) -> None:
    expected = refuse(codes.REFUSED)
    chain = root_chain(f"local {{\n localhost_prefix {option}\n}}", behind=Next(expected))
    assert chain.ask(asked) is expected


@pytest.mark.parametrize("option", ["on", "off"])
def test_names_below_localhost_whatever_the_option(option: str) -> None:
    chain = root_chain(f"local {{\n localhost_prefix {option}\n}}")
    assert [record.data for record in chain.ask("web.localhost").answer] == [b"\x7f\0\0\1"]


async def test_metric() -> None:
    house = House(".:53 {\n local\n}\n")
    value = house.process.registry.value
    assert value(COUNTER) == 0
    for _ in range(4):  # the third and the fourth come from the memo
        await house.ask("web.localhost")
        await house.ask("localhost.example.org", "AAAA")
        await house.ask("localhost")
    assert value(COUNTER) == 8


def test_debug_line(caplog: pytest.LogCaptureFixture, printed: Callable[[], list[str]]) -> None:
    chain = root_chain("local")
    assert chain.basis_of("Web.localhost", client="192.0.2.9").private
    assert printed() == ['[DEBUG] plugin/local: Intercepting localhost query for "web.localhost." A, from 192.0.2.9']
    caplog.set_level(logging.INFO, logger="kdns")
    assert not chain.basis_of("web.localhost").private
    assert printed() == []


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("local host", "Wrong argument count or unexpected line ending after 'host'"),
        ("local {\n localhost_prefix\n}", "Wrong argument count or unexpected line ending after 'localhost_prefix'"),
        ("local {\n localhost_prefix on off\n}", "Wrong argument count or unexpected line ending after 'off'"),
        ("local {\n localhost_prefix maybe\n}", "localhost_prefix expects 'on' or 'off', got \"maybe\""),
        ("local {\n prefix on\n}", "unknown property 'prefix'"),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/local: Corefile:")
    assert raised.value.message == error
