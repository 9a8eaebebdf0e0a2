from pathlib import Path
from typing import Any

import pytest

from kdns.corefile import Arguments, ConfigError, parse
from kdns.plugins.forward import options
from kdns.plugins.forward.options import MAX_READ_TIMEOUT, Options
from kdns.wire import codes, name
from tests.kit.chain import root_chain

KIT = Path(__file__).parents[2] / "kit" / "tls"
WRONG_COUNT = "Wrong argument count or unexpected line ending after "


def read(block: str) -> Options:
    text = f".:53 {{\nforward . 127.0.0.1 {{\n{block}\n}}\n}}\n"
    directive = parse(text, "Corefile", known=("forward",)).blocks[0].directives[0]
    line = Arguments(directive, (".",)).once()
    line.rest()
    return options.read(line, lambda path: path)


def test_defaults() -> None:
    assert read("") == Options(
        expire=10,
        max_age=0,
        max_idle_conns=0,
        read_timeout=2,
        max_fails=2,
        max_connect_attempts=None,
        policy="random",
        check_interval=0.5,
        check_recursion=True,
        check_name=name.ROOT,
        max_concurrent=0,
    )


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        ("except a.example B.Example.", {"excepted": ("a.example.", "b.example.")}),
        ("except a.example\nexcept 10.0.0.0/8", {"excepted": ("a.example.", "10.in-addr.arpa.")}),
        ("except a..b c", {"excepted": ("c.",)}),
        ("force_tcp", {"force_tcp": True}),
        ("prefer_udp", {"prefer_udp": True}),
        ("expire 20s", {"expire": 20}),
        ("expire 0s", {"expire": 0}),
        ("max_age 30s", {"max_age": 30}),
        ("max_age 10s\nexpire 10s", {"max_age": 10, "expire": 10}),
        ("max_age 0s", {"max_age": 0}),
        ("max_idle_conns 7", {"max_idle_conns": 7}),
        ("read_timeout 500ms", {"read_timeout": 0.5}),
        ("read_timeout 1h", {"read_timeout": MAX_READ_TIMEOUT}),
        ("max_fails 0", {"max_fails": 0}),
        ("max_fails 4294967295", {"max_fails": 4294967295}),
        ("max_connect_attempts 0", {"max_connect_attempts": 0}),
        ("max_connect_attempts 3", {"max_connect_attempts": 3}),
        ("doh_method POST", {}),
        ("doh_method GET", {}),
        ("tls_servername dns.example", {"tls_servername": "dns.example"}),
        ("policy round_robin", {"policy": "round_robin"}),
        ("policy sequential", {"policy": "sequential"}),
        ("health_check 5s", {"check_interval": 5}),
        ("health_check 0s no_rec", {"check_interval": 0, "check_recursion": False}),
        ("health_check 1s domain Example.org", {"check_interval": 1, "check_name": name.from_text("example.org")}),
        ("health_check 1s no_rec domain .", {"check_interval": 1, "check_recursion": False}),
        ("max_concurrent 1000", {"max_concurrent": 1000}),
        ("next NXDOMAIN refused", {"next_on": frozenset({3, 5})}),
        ("next NOERROR\nnext NOTIMPL", {"next_on": frozenset({0, 4})}),
        ("next_on_nodata", {"next_on_nodata": True}),
        ("failover SERVFAIL BADSIG", {"failover": frozenset({codes.SERVFAIL, codes.BADVERS})}),
        ("failfast_all_unhealthy_upstreams", {"failfast": True}),
        ("source_address 192.0.2.9", {"source_address": "192.0.2.9"}),
        ("source_address 2001:db8::9", {"source_address": "2001:db8::9"}),
        ("resolver 192.0.2.9", {"resolvers": (("192.0.2.9", 53),)}),
        ("resolver ::1 192.0.2.9:5353 [::1]:54", {"resolvers": (("::1", 53), ("192.0.2.9", 5353), ("::1", 54))}),
    ],
)
def test_options(block: str, fields: dict[str, Any]) -> None:
    assert read(block) == Options(**fields)


@pytest.mark.parametrize("block", ["tls", f"tls {KIT}/ca.crt", f"tls {KIT}/client.crt {KIT}/client.key {KIT}/ca.crt"])
def test_certificates(block: str) -> None:
    assert read(block).tls is not None


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("blaatl", "unknown property 'blaatl'"),
        ("except", WRONG_COUNT + "'except'"),
        ("force_tcp yes", WRONG_COUNT + "'yes'"),
        ("prefer_udp yes", WRONG_COUNT + "'yes'"),
        ("next_on_nodata yes", WRONG_COUNT + "'yes'"),
        ("failfast_all_unhealthy_upstreams yes", WRONG_COUNT + "'yes'"),
        ("expire", WRONG_COUNT + "'expire'"),
        ("expire 10", 'time: missing unit in duration "10"'),
        ("expire -1s", "expire can't be negative: -1s"),
        ("expire 1s 2s", WRONG_COUNT + "'2s'"),
        ("max_age x", 'time: invalid duration "x"'),
        ("max_age -1s", "max_age can't be negative: -1s"),
        ("max_age 10s\nexpire 30s", "max_age (10s) must not be less than expire (30s)"),
        ("max_age 9s", "max_age (9s) must not be less than expire (10s)"),
        ("max_idle_conns", WRONG_COUNT + "'max_idle_conns'"),
        ("max_idle_conns x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("max_idle_conns -1", "max_idle_conns can't be negative: -1"),
        ("read_timeout", WRONG_COUNT + "'read_timeout'"),
        ("read_timeout 0s", "read_timeout must be positive: 0s"),
        ("read_timeout -1s", "read_timeout must be positive: -1s"),
        ("max_fails", WRONG_COUNT + "'max_fails'"),
        ("max_fails x", 'strconv.ParseUint: parsing "x": invalid syntax'),
        ("max_fails 4294967296", 'strconv.ParseUint: parsing "4294967296": value out of range'),
        ("max_fails -1", 'strconv.ParseUint: parsing "-1": '),
        ("max_connect_attempts", WRONG_COUNT + "'max_connect_attempts'"),
        ("max_connect_attempts 1.5", 'strconv.ParseUint: parsing "1.5": invalid syntax'),
        ("doh_method", WRONG_COUNT + "'doh_method'"),
        ("doh_method PUT", "doh_method must be either POST or GET"),
        ("tls a b c d", WRONG_COUNT + "'tls'"),
        ("tls /nowhere/ca.pem", "error reading /nowhere/ca.pem: no such file or directory"),
        (f"tls {KIT}/server.key", "could not read root certs: "),
        ("tls /nowhere/cert.pem /nowhere/key.pem", "could not load TLS cert: no such file or directory"),
        (f"tls {KIT}/client.crt {KIT}/server.key", "could not load TLS cert: "),
        (f"tls {KIT}/client.crt {KIT}/client.key /nowhere/ca.pem", "error reading /nowhere/ca.pem: no such file"),
        ("tls_servername", WRONG_COUNT + "'tls_servername'"),
        ("policy", WRONG_COUNT + "'policy'"),
        ("policy fastest", "unknown policy 'fastest'"),
        ("health_check", WRONG_COUNT + "'health_check'"),
        ("health_check no_rec", 'time: invalid duration "no_rec"'),
        ("health_check -1s", "health_check can't be negative: -1s"),
        ("health_check 1s rec", "health_check: unknown option rec"),
        ("health_check 1s domain", WRONG_COUNT + "'domain'"),
        ("health_check 1s domain example..org", "health_check: invalid domain name example..org"),
        ("max_concurrent", WRONG_COUNT + "'max_concurrent'"),
        ("max_concurrent many", 'strconv.Atoi: parsing "many": invalid syntax'),
        ("max_concurrent -1", "max_concurrent can't be negative: -1"),
        ("next", WRONG_COUNT + "'next'"),
        ("next NXDOMAIN WRONG", "WRONG is not a valid rcode"),
        ("failover", WRONG_COUNT + "'failover'"),
        ("failover SERVFAIL x", "x is not a valid rcode"),
        ("failover SERVFAIL noerror", "NoError cannot be used in failover"),
        ("resolver", WRONG_COUNT + "'resolver'"),
        ("resolver dns.example", 'resolver must be an IP address or IP:port: "dns.example"'),
        ("resolver 192.0.2.1 dns.example:53", 'resolver must be an IP address or IP:port: "dns.example:53"'),
        ("resolver 192.0.2.1:0", 'resolver must be an IP address or IP:port: "192.0.2.1:0"'),
        ("source_address", WRONG_COUNT + "'source_address'"),
        ("source_address here", "invalid IP address: here"),
    ],
)
def test_setup_errors(block: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain(f"forward . 127.0.0.1 {{\n{block}\n}}")
    assert message in str(raised.value)
    assert str(raised.value).startswith("plugin/forward: Corefile:")


def test_an_error_has_its_place() -> None:
    with pytest.raises(ConfigError) as raised:
        root_chain("forward . 127.0.0.1 {\n force_tcp\n next NXDOMAIN WRONG SERVFAIL\n}")
    assert (raised.value.line, raised.value.word) == (4, "WRONG")


def test_relative_certificates_are_below_root(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_bytes((KIT / "ca.crt").read_bytes())
    root_chain(f"root {tmp_path}\nforward . 127.0.0.1 {{\ntls ca.crt\n}}")
    with pytest.raises(ConfigError, match=f"error reading {tmp_path}/other.crt"):
        root_chain(f"root {tmp_path}\nforward . 127.0.0.1 {{\ntls other.crt\n}}")
