import re
from pathlib import Path

import pytest

from kdns.plugins.forward.targets import Target, read


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("192.0.2.1", Target("192.0.2.1", 53)),
        ("192.0.2.1:5353", Target("192.0.2.1", 5353)),
        ("dns://192.0.2.1", Target("192.0.2.1", 53)),
        ("dns://192.0.2.1:5353", Target("192.0.2.1", 5353)),
        ("::1", Target("::1", 53)),
        ("2001:db8::53", Target("2001:db8::53", 53)),
        ("[2001:db8::53]", Target("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", Target("2001:db8::53", 5353)),
        ("dns://[2001:db8::53]:5353", Target("2001:db8::53", 5353)),
        ("fe80::1%eth0", Target("fe80::1", 53)),
        ("[fe80::1%eth0]:5353", Target("fe80::1", 5353)),
        ("tls://192.0.2.1", Target("192.0.2.1", 853, tls=True)),
        ("tls://192.0.2.1:8853", Target("192.0.2.1", 8853, tls=True)),
        ("tls://192.0.2.1%dns.example", Target("192.0.2.1", 853, True, "dns.example")),
        ("tls://192.0.2.1%dns.example:8853", Target("192.0.2.1", 8853, True, "dns.example")),
        ("tls://2001:db8::53", Target("2001:db8::53", 853, tls=True)),
        ("tls://[2001:db8::53%dns.example]:853", Target("2001:db8::53", 853, True, "dns.example")),
        ("tls://[2001:db8::53%dns.example]", Target("2001:db8::53", 853, True, "dns.example")),
        ("dns.example", Target("dns.example", 53)),
        ("dns.example:5353", Target("dns.example", 5353)),
        ("tls://dns.example", Target("dns.example", 853, tls=True)),
        ("tls://dns.example%name.example:8853", Target("dns.example", 8853, True, "name.example")),
        ("a27.0.0.1", Target("a27.0.0.1", 53)),
    ],
)
def test_addresses_and_names(word: str, target: Target) -> None:
    assert read(word) == (target,)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dns://", 'invalid address: "dns://"'),
        ("tls://", 'invalid address: "tls://"'),
        ("grpc://192.0.2.1", "'grpc' is not supported as a destination protocol in forward: grpc://192.0.2.1"),
        ("quic://192.0.2.1", "'quic' is not supported as a destination protocol in forward: quic://192.0.2.1"),
        ("unix:///run/dns", "'unix' is not supported as a destination protocol in forward: unix:///run/dns"),
        ("https://192.0.2.1", "kdns cannot forward over HTTPS yet: https://192.0.2.1"),
        (
            "https://192.0.2.1/",
            "paths are not allowed in HTTPS upstream addresses (the /dns-query path is used by default",
        ),
        ("/nowhere/resolv.conf", 'failed to resolve "/nowhere/resolv.conf": no such file or directory'),
        ("/", 'failed to resolve "/": is a directory'),
        ("foo://192.0.2.1", 'failed to resolve "foo://192.0.2.1": no such file or directory'),
        ("192.0.2.1:0", "address 0: invalid port"),
        ("192.0.2.1:65536", "address 65536: invalid port"),
        ("192.0.2.1:dns", "address dns: invalid port"),
        ("192.0.2.1:", "address : invalid port"),
        ("dns..example", 'not an IP address, file, or valid domain: "dns..example"'),
        ("a" * 64, f'not an IP address, file, or valid domain: "{"a" * 64}"'),
        ("[2001:db8::53]x", 'not an IP address, file, or valid domain: "[2001:db8::53]x"'),
        ("2001:db8::53:53:1:2:3:4:5", 'not an IP address, file, or valid domain: "2001:db8::53:53:1:2:3:4:5"'),
    ],
)
def test_what_is_none_of_these(word: str, message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        read(word)


def test_a_file_stands_for_its_name_servers(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\nnameserver 2001:db8::53\n")
    assert read(str(file)) == (
        Target("192.0.2.1", 53, file=str(file)),
        Target("2001:db8::53", 53, file=str(file)),
    )
    assert read(f"dns://{file}") == read(str(file))


def test_a_file_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "servers").write_text("nameserver 192.0.2.1")
    monkeypatch.chdir(tmp_path)
    assert read("servers") == (Target("192.0.2.1", 53, file="servers"),)


def test_a_file_without_name_servers_stands_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# nameserver 192.0.2.1\nsearch example.org\n")
    assert read(str(file)) == ()


def test_the_servers_of_a_file_are_never_asked_in_the_clear_where_tls_was_promised(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("nameserver 192.0.2.1\n")
    with pytest.raises(ValueError, match="'tls' is not supported for a file of name servers"):
        read(f"tls://{file}")


def test_texts() -> None:
    assert str(Target("192.0.2.1", 53)) == "192.0.2.1:53"
    assert str(Target("2001:db8::53", 853, tls=True)) == "tls://[2001:db8::53]:853"
