import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from kdns.chain.answer import DROP, Answer
from kdns.chain.roles import Shedder
from kdns.corefile import ConfigError
from kdns.net.backlog import Backlog, Stack
from kdns.net.udp import UdpListener
from kdns.server.ports import Ports
from kdns.wire import codes
from tests.kit.chain import Chain, Next, chain_of, root_chain
from tests.kit.desk import UdpClient
from tests.kit.house import Ends as HouseEnds
from tests.kit.house import House, packet
from tests.kit.query import Ends, query
from tests.kit.upstream import unused_port

SHED = "coredns_shed_dropped_total"


@dataclass(frozen=True, slots=True)
class Congested(Ends):
    """The ends of a query whose reply could not be sent, or could."""

    is_congested: bool = True


def counts(chain: Chain) -> dict[tuple[str, ...], float]:
    family = chain.registry.counter(SHED, "", "server", "reason")
    return {labels: child.value for labels, child in family.samples()}


def test_while_the_socket_is_full_queries_are_dropped_before_they_are_counted() -> None:
    behind = Next(Answer())
    chain = root_chain("shed\nprometheus localhost:0\nerrors\nlog", behind=behind)
    asked = query("web.example").replace(exchange=Congested())
    assert chain.answer(asked) is DROP
    assert chain.answer(asked) is DROP
    assert behind.queries == []
    assert counts(chain) == {("dns://:53", "query"): 2}
    assert "coredns_dns_requests_total{" not in chain.registry.render().decode()


@pytest.mark.parametrize(("proto", "congested"), [("udp", False), ("tcp", True), ("tcp", False)])
def test_other_queries_pass(proto: str, congested: bool) -> None:
    answer = Answer()
    chain = root_chain("shed", behind=Next(answer))
    assert chain.answer(query("web.example", proto=proto).replace(exchange=Congested(is_congested=congested))) is answer
    assert counts(chain) == {}


def test_over_tcp_nobody_asks_about_datagrams() -> None:
    answer = Answer()
    assert root_chain("shed", behind=Next(answer)).ask("web.example", proto="tcp") is answer


def test_replies_are_counted_by_listener() -> None:
    chain = root_chain("shed")
    (shedder,) = chain.site.find(Shedder)  # type: ignore[type-abstract]
    shedder.lost("dns://127.0.0.1:53").add(3)
    assert counts(chain) == {("dns://127.0.0.1:53", "response"): 3}


def test_only_blocks_that_shed_drop_queries() -> None:
    house = House("example.org:53 {\n shed\n whoami\n}\nexample.net:53 {\n whoami\n}\n")
    ends = HouseEnds(is_congested=True)
    assert house.ask_now(packet("a.example.org"), ends) is None
    assert house.ask_now(packet("a.example.net"), ends) is not None
    assert house.ask_now(packet("a.example.net"), ends) is not None


@pytest.fixture
def ports() -> Iterator[Ports]:
    ports = Ports()
    yield ports
    ports.close()


async def nothing_runs() -> None:
    pass


async def test_sockets_are_switched_by_a_reload(ports: Ports) -> None:
    port = unused_port()

    def kinds() -> list[type]:
        found = [each for listeners in ports._open.values() for each in listeners if isinstance(each, UdpListener)]
        return [type(each._backlog) for each in found]

    for word, kind in (("", Backlog), ("shed", Stack), ("shed", Stack), ("", Backlog)):
        text = f"a.example:{port} {{\n bind 127.0.0.1\n multisocket 2\n {word}\n whoami\n}}\n"
        other = f"b.example:{port} {{\n bind 127.0.0.1\n whoami\n}}\n"
        ports.serve(House(text + other).instance)
        await ports.end_retired(1.0, nothing_runs)
        assert kinds() == [kind, kind]
        client = UdpClient("127.0.0.1", port)
        reply = await client.ask(packet("web.a.example"))
        client.sock.close()
        assert reply[:2] == b"\x12\x34"
        assert reply[3] & 15 == codes.NOERROR
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("text", "error", "line"),
    [
        (".:53 {\nshed x\n}", "Wrong argument count or unexpected line ending after 'x'", 2),
        (".:53 {\nshed x y\n}", "Wrong argument count or unexpected line ending after 'y'", 2),
        (".:53 {\nshed {\n depth 10\n}\n}", "shed takes no options", 3),
        (".:53 {\nshed\nshed\n}", "this plugin can only be used once per Server Block", 3),
        (
            "tls://.:1853 {\nshed\n}",
            'only plain DNS server blocks are supported; "tls://.:1853" uses transport "tls"',
            2,
        ),
        (
            "dns://example.org https://example.net {\nshed\n}",
            'only plain DNS server blocks are supported; "https://example.net.:443" uses transport "https"',
            2,
        ),
    ],
)
def test_setup_errors(text: str, error: str, line: int) -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(text)
    assert str(raised.value) == f"plugin/shed: Corefile:{line} - Error during parsing: {error}"


def test_an_empty_block_is_none() -> None:
    assert list(root_chain("shed {\n}").links) == ["shed"]
