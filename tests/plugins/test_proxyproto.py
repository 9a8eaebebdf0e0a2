from ipaddress import ip_network

import pytest

from kdns.chain.listen import Proxied
from kdns.corefile import ConfigError
from tests.kit.chain import root_chain


def proxyproto(*options: str) -> str:
    return "proxyproto {\n" + "\n".join(options) + "\n}"


def proxied(*allowed: str, otherwise: str = "use", ttl: float = 0.0, sessions: int = 10240) -> Proxied:
    return Proxied(tuple(map(ip_network, allowed)), otherwise, ttl, sessions)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("proxyproto", proxied()),
        (proxyproto(), proxied()),
        (proxyproto("allow"), proxied()),
        (proxyproto("allow 127.0.0.1/8 ::1/128"), proxied("127.0.0.0/8", "::1/128", otherwise="ignore")),
        (
            proxyproto("allow 10.0.0.0/8", "allow 2001:db8::/32"),
            proxied("10.0.0.0/8", "2001:db8::/32", otherwise="ignore"),
        ),
        (proxyproto("default reject"), proxied(otherwise="reject")),
        (proxyproto("default IGNORE"), proxied(otherwise="ignore")),
        (proxyproto("allow 10.0.0.0/8", "default skip"), proxied("10.0.0.0/8", otherwise="skip")),
        (proxyproto("allow 10.0.0.0/8", "default use"), proxied("10.0.0.0/8", otherwise="use")),
        (proxyproto("udp_session_tracking 28s"), proxied(ttl=28)),
        (proxyproto("udp_session_tracking 1m30s 20000"), proxied(ttl=90, sessions=20000)),
        (proxyproto("udp_session_tracking -5s"), proxied(ttl=-5)),
        ("proxyproto\nproxyproto", proxied()),
        ("proxyproto\n" + proxyproto("default reject"), proxied(otherwise="reject")),
    ],
)
def test_the_listeners_are_told(text: str, expected: Proxied) -> None:
    chain = root_chain(text)
    assert chain.site.listen.proxied == expected
    assert chain.links == {}


ARGUMENTS = "Wrong argument count or unexpected line ending after '{}'"
SESSIONS = 'udp_session_tracking: invalid max sessions "{}": must be a positive integer'


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("proxyproto 10.0.0.0/8", ARGUMENTS.format("10.0.0.0/8")),
        (proxyproto("unknown"), "unknown option 'unknown'"),
        (proxyproto("allow here"), "here: invalid CIDR address: here"),
        (proxyproto("allow 10.0.0.1"), "10.0.0.1: invalid CIDR address: 10.0.0.1"),
        (proxyproto("allow 10.0.0.0/8 10.0.0.0/33"), "10.0.0.0/33: invalid CIDR address: 10.0.0.0/33"),
        (proxyproto("default"), ARGUMENTS.format("default")),
        (proxyproto("default require"), ARGUMENTS.format("require")),
        (proxyproto("default use use"), ARGUMENTS.format("use")),
        (proxyproto("udp_session_tracking"), ARGUMENTS.format("udp_session_tracking")),
        (proxyproto("udp_session_tracking 1s 2 3"), ARGUMENTS.format("3")),
        (
            proxyproto("udp_session_tracking soon"),
            'udp_session_tracking: invalid duration "soon": time: invalid duration "soon"',
        ),
        (proxyproto("udp_session_tracking 1s many"), SESSIONS.format("many")),
        (proxyproto("udp_session_tracking 1s 0"), SESSIONS.format("0")),
        (proxyproto("udp_session_tracking 1s -1"), SESSIONS.format("-1")),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(text)
    assert str(raised.value).startswith("plugin/proxyproto: Corefile:")
    assert raised.value.message == error
