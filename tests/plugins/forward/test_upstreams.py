"""TO in a whole directive: what is refused, what is left out, and host names."""

from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from tests.kit.chain import Chain, root_chain
from tests.kit.upstream import FakeUpstream, reply
from tests.plugins.forward.chains import addresses

WRONG_COUNT = "Wrong argument count or unexpected line ending after "


def proxies_of(chain: Chain) -> list[str]:
    """The upstreams of the first `forward`."""
    return [str(proxy) for proxy in chain.links["forward"]._group.proxies]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("forward", WRONG_COUNT + "'forward'"),
        ("forward .", WRONG_COUNT + "'.'"),
        ("forward . {\n force_tcp\n}", WRONG_COUNT + "'.'"),
        (f"forward {'x' * 64} 192.0.2.1", f"unable to normalize '{'x' * 64}'"),
        ("forward . " + " ".join(f"192.0.2.{n}" for n in range(16)), "more than 15 TOs configured: 16"),
        ("forward . grpc://192.0.2.1", "'grpc' is not supported as a destination protocol in forward"),
        (
            "forward . tls://192.0.2.1%b.example:854 {\n tls_servername a.example\n}",
            "both forward ('a.example') and proxy level ('b.example') TLS servernames are set for upstream proxy 'tls://1",
        ),
        ("forward . tls://192.0.2.1 {\n tls_servername .example\n}", "Corefile:2 - Error during parsing: "),
        ("forward . 192.0.2.1\nforward a.example", WRONG_COUNT + "'a.example'"),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(directive)
    assert message in str(raised.value)
    assert str(raised.value).startswith("plugin/forward: Corefile:")


def test_files_without_name_servers_are_left_out_and_nothing_is_an_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("search example.org\n")
    assert proxies_of(root_chain(f"forward . {empty} 192.0.2.1")) == ["192.0.2.1:53"]
    with pytest.raises(ConfigError, match="no valid upstream addresses found"):
        root_chain(f"forward . {empty}")


def test_the_order_is_kept_and_doubles_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.2\nnameserver 192.0.2.1\nnameserver 2001:db8::1\n")
    chain = root_chain(f"forward . 192.0.2.1 192.0.2.1:54 tls://192.0.2.1:53 {file} dns://[2001:db8::1]:53 192.0.2.3")
    assert proxies_of(chain) == [
        "192.0.2.1:53",
        "192.0.2.1:54",
        "192.0.2.2:53",
        "[2001:db8::1]:53",
        "192.0.2.3:53",
    ]


def test_a_loopback_address_in_a_file_is_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver ::1\n")
    root_chain(f"forward . {file}")
    warned = [record.getMessage() for record in caplog.records]
    assert [text.partition(": ")[0] for text in warned] == [
        f"{file} names the loopback address 127.0.0.53",
        f"{file} names the loopback address ::1",
    ]
    caplog.clear()
    root_chain("forward . 127.0.0.53")
    assert not caplog.records


def test_of_a_prefix_the_first_zone_counts(caplog: pytest.LogCaptureFixture) -> None:
    root_chain("forward 10.9.3.0/18 192.0.2.1")
    assert [record.getMessage() for record in caplog.records] == [
        "Unsupported CIDR notation: '10.9.3.0/18' expands to multiple zones. Using only '0.9.10.in-addr.arpa.'."
    ]


@pytest.mark.parametrize(
    ("v4", "v6", "found"),
    [
        ("192.0.2.7", None, ["192.0.2.7:5353"]),
        (None, "2001:db8::7", ["[2001:db8::7]:5353"]),
        ("192.0.2.7", "2001:db8::7", ["192.0.2.7:5353", "[2001:db8::7]:5353"]),
    ],
)
async def test_host_names_are_looked_up_at_start(v4: str | None, v6: str | None, found: list[str]) -> None:
    async with FakeUpstream(addresses(v4, v6)) as resolver:
        to = "192.0.2.1 dns.example:5353 192.0.2.2"
        chain = root_chain(f"forward . {to} {{\n resolver 127.0.0.1:{resolver.port}\n}}")
        async with chain.running():
            assert proxies_of(chain) == ["192.0.2.1:53", *found, "192.0.2.2:53"]
        assert [ask.question for ask in resolver.asks] == [
            b"\3dns\7example\0\0\1\0\1",
            b"\3dns\7example\0\0\x1c\0\1",
        ]


async def test_a_name_without_addresses_is_an_error_at_its_place() -> None:
    async with FakeUpstream(lambda ask: [reply(ask, flags=0x8183)]) as resolver:
        chain = root_chain(f"forward . 192.0.2.1 dns.example {{\n resolver 127.0.0.1:{resolver.port}\n}}")
        with pytest.raises(ConfigError) as raised:
            async with chain.running():
                pass
    assert 'failed to resolve "dns.example": no addresses found for "dns.example"' in str(raised.value)
    assert str(raised.value).startswith("plugin/forward: Corefile:2 - ")
    assert raised.value.word == "dns.example"


async def test_forwarding_to_a_name() -> None:
    async with FakeUpstream() as upstream, FakeUpstream(addresses("127.0.0.1", None)) as resolver:
        chain = root_chain(f"forward . dns.example:{upstream.port} {{\n resolver 127.0.0.1:{resolver.port}\n}}")
        async with chain.running():
            got = await chain.asked("www.example")
        assert got.rcode == 0
        assert len(upstream.asks) == 1
