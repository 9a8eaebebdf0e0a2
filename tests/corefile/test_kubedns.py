"""Accepted and refused as by kube-dns's own validation (kubernetes/dns, pkg/dns/config), where not said otherwise."""

import json

import pytest

from kdns.corefile.errors import ConfigError
from kdns.corefile.kubedns import MAX_DOMAINS, MAX_SERVERS, KubeDns, read


def stubs(value: object) -> dict[str, tuple[str, ...]]:
    return {each.domain: each.servers for each in read("/cm", {"stubDomains": json.dumps(value)}).stub_domains}


def upstreams(value: object) -> list[str]:
    return [each.text for each in read("/cm", {"upstreamNameservers": json.dumps(value)}).upstreams]


def test_nothing() -> None:
    assert read("/cm", {}) == KubeDns()
    assert read("/cm/", {"stubDomains": "{}", "upstreamNameservers": "[]"}) == KubeDns()


def test_the_example_of_the_documents() -> None:
    """kubernetes.io, "Customizing DNS Service", before CoreDNS."""
    assert stubs({"acme.local": ["1.2.3.4"]}) == {"acme.local.": ("1.2.3.4",)}
    assert upstreams(["8.8.8.8", "8.8.4.4"]) == ["8.8.8.8", "8.8.4.4"]


@pytest.mark.parametrize(
    ("server", "given"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:53", "10.0.0.1"),
        ("10.0.0.1:", "10.0.0.1"),
        ("10.0.0.1:5353", "10.0.0.1:5353"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
    ],
)
def test_servers_have_a_port_or_none(server: str, given: str) -> None:
    assert stubs({"a": [server]}) == {"a.": (given,)}
    assert upstreams([server]) == [given]


def test_servers_of_stub_domains_may_be_names() -> None:
    assert stubs({"consul": ["dns.corp.example", "ns1"]}) == {"consul.": ("dns.corp.example", "ns1")}


def test_domains_are_folded() -> None:
    assert stubs({"Acme.Local.": ["1.2.3.4"], "_msdcs.corp": ["1.2.3.4"]}).keys() == {"acme.local.", "_msdcs.corp."}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"": ["1.2.3.4"]}, "column 2: '' is not a domain name"),
        ({".": ["1.2.3.4"]}, "column 2: '.' is not a domain name"),
        ({"a..b": ["1.2.3.4"]}, "column 2: 'a..b' is not a domain name"),
        ({"-a": ["1.2.3.4"]}, "column 2: '-a' is not a domain name"),
        ({"a b {": ["1.2.3.4"]}, "column 2: 'a b {' is not a domain name"),
        ({"{$HOME}": ["1.2.3.4"]}, "column 2: '{$HOME}' is not a domain name"),
        ({"a:53": ["1.2.3.4"]}, "column 2: 'a:53' is not a domain name"),
        ({"tls://a": ["1.2.3.4"]}, "column 2: 'tls://a' is not a domain name"),
        ({"10.0.0.0/8": ["1.2.3.4"]}, "column 2: '10.0.0.0/8' is not a domain name"),
        ({"é.example": ["1.2.3.4"]}, "column 2: '\\xe9.example' is not a domain name"),
        ({"\ud800": ["1.2.3.4"]}, "column 2: '\\ud800' is not a domain name"),
        ({"a." * 127 + "a": ["1.2.3.4"]}, "..." + "' is not a domain name"),
        ({"a" * 64: ["1.2.3.4"]}, "' is not a domain name"),
        ({"a": []}, "column 2: 'a' has no name server"),
        ({"a": ["1.2.3.4"], "A.": ["1.2.3.4"]}, "column 20: 'A.' stands here twice"),
        ({"a": [f"1.2.3.{n}" for n in range(16)]}, "'1.2.3.15' is one more than 15 name servers"),
        (
            {"a": ["1.2.3"]},
            "column 8: '1.2.3' is neither an IP address, with or without a port, nor a host name",
        ),
        ({"a": ["1.2.3.4:0"]}, "column 8: '1.2.3.4:0' is neither"),
        ({"a": ["1.2.3.4:65536"]}, "column 8: '1.2.3.4:65536' is neither"),
        ({"a": ["ns.corp:53"]}, "column 8: 'ns.corp:53' is neither"),
        ({"a": ["[2001:db8::1]"]}, "column 8: '[2001:db8::1]' is neither"),
        ({"a": ["fe80::1%eth0"]}, "column 8: 'fe80::1%eth0' is neither"),
        ({"a": ["/etc/resolv.conf"]}, "column 8: '/etc/resolv.conf' is neither"),
        ({"a": ["tls://1.2.3.4"]}, "column 8: 'tls://1.2.3.4' is neither"),
        ({"a": [""]}, "column 8: '' is neither"),
        ({"a": ["1.2.3.4 {"]}, "column 8: '1.2.3.4 {' is neither"),
    ],
)
def test_stub_domains_that_cannot_be_served(value: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        stubs(value)
    assert str(caught.value).startswith("/cm/stubDomains:1 - Error during parsing: stubDomains, line 1, column ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (["dns.google"], "column 2: 'dns.google' is not an IP address, with or without a port"),
        ([f"1.2.3.{n}" for n in range(16)], "'1.2.3.15' is one more than 15 name servers"),
        (["8.8.8.8", "/etc/passwd"], "column 13: '/etc/passwd' is not an IP address, with or without a port"),
    ],
)
def test_upstreams_that_cannot_be_asked(value: object, message: str) -> None:
    with pytest.raises(
        ConfigError, match="/cm/upstreamNameservers:1 - Error during parsing: upstreamNameservers, line 1"
    ) as at:
        upstreams(value)
    assert message in str(at.value)


def test_as_many_as_later_gke_takes() -> None:
    assert len(upstreams([f"1.2.3.{n}" for n in range(MAX_SERVERS)])) == MAX_SERVERS


def test_domains_are_bounded() -> None:
    domains = {f"d{n}.example": ["1.2.3.4"] for n in range(MAX_DOMAINS)}
    assert len(stubs(domains)) == MAX_DOMAINS
    with pytest.raises(ConfigError, match="'last' is one more than 1000 domains"):
        stubs({**domains, "last": ["1.2.3.4"]})


def test_other_keys_are_told_and_not_read() -> None:
    found = read("/cm", {"federations": "{", "stubDomain": "{", **{f"x{n}": "" for n in range(100)}})
    assert [str(warning) for warning in found.warnings][:2] == [
        "/cm/federations is not used: no such key of the ConfigMap kube-dns is served",
        "/cm/stubDomain is not used: no such key of the ConfigMap kube-dns is served",
    ]
    assert len(found.warnings) == 15
