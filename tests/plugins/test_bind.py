import pytest

from kdns.corefile import ConfigError
from kdns.plugins import bind
from tests.kit.chain import root_chain

INTERFACES = {
    "lo": ("127.0.0.1", "::1"),
    "eth0": ("10.0.0.1", "2001:db8::1", "fe80::1%eth0"),
}


@pytest.fixture(autouse=True)
def interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bind, "interface_addresses", lambda: INTERFACES)


def hosts(directives: str) -> list[str] | None:
    return root_chain(directives).site.listen.hosts


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("errors", None),
        ("bind 192.0.2.1", ["192.0.2.1"]),
        ("bind 192.0.2.1 2001:db8::7", ["192.0.2.1", "2001:db8::7"]),
        ("bind lo", ["127.0.0.1", "::1"]),
        ("bind eth0 192.0.2.1", ["10.0.0.1", "2001:db8::1", "fe80::1%eth0", "192.0.2.1"]),
        ("bind 192.0.2.1\nbind lo", ["192.0.2.1", "127.0.0.1", "::1"]),
        ("bind lo {\n except ::1\n}", ["127.0.0.1"]),
        ("bind lo eth0 {\n except eth0 127.0.0.1\n}", ["::1"]),
        ("bind lo {\n except 0:0:0:0:0:0:0:1\n}", ["127.0.0.1", "::1"]),
        ("bind lo {\n except lo\n}\nbind 127.0.0.1", ["127.0.0.1"]),
        ("bind lo {\n except lo\n}", []),
        ("bind 127.0.0.1 127.0.0.1", ["127.0.0.1", "127.0.0.1"]),
    ],
)
def test_addresses(directives: str, expected: list[str] | None) -> None:
    assert hosts(directives) == expected


def test_it_is_no_link() -> None:
    assert root_chain("bind lo").links == {}


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("bind", "at least one address or interface name is expected"),
        ("bind eth9", 'not a valid IP address or interface name: "eth9"'),
        ("bind fe80::1%eth0", 'not a valid IP address or interface name: "fe80::1%eth0"'),
        ("bind 192.0.2.1:53", 'not a valid IP address or interface name: "192.0.2.1:53"'),
        ("bind lo {\n except\n}", "at least one address or interface must be given to except subdirective"),
        ("bind lo {\n except eth9\n}", 'not a valid IP address or interface name: "eth9"'),
        ("bind lo {\n but ::1\n}", 'invalid option "but"'),
    ],
)
def test_setup_errors(directive: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        hosts(directive)
    assert raised.value.message == message
    assert str(raised.value).startswith("plugin/bind: Corefile:")
