import sys
from pathlib import Path

import pytest

from kdns.corefile import ConfigError
from kdns.plugins.tls import domains
from kdns.plugins.tls.options import CA, MAX_DOMAINS, Options, normalized
from kdns.plugins.tls.shown import Shown
from tests.kit.chain import chain_of, chains_of
from tests.kit.web import TLS


def acme(*options: str) -> str:
    return "tls {\n" + "\n".join(options) + "\n}"


def block(directives: str) -> str:
    return f"tls://.:853 {{\n{directives}\n}}\n"


ARGUMENTS = "Wrong argument count or unexpected line ending after '{}'"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("tls", "ACME requires at least one domain"),
        (acme(), "ACME requires at least one domain"),
        (acme("email me@example.org"), "ACME requires at least one domain"),
        (acme("acme"), ARGUMENTS.format("acme")),
        (acme("acme 192.0.2.1"), 'invalid ACME domain "192.0.2.1"'),
        (acme("acme 2001:db8::1"), 'invalid ACME domain "2001:db8::1"'),
        (acme("acme *.*.example"), 'invalid ACME domain "*.*.example"'),
        (acme("acme a.*.example"), 'invalid ACME domain "a.*.example"'),
        (acme("acme ."), 'invalid ACME domain ""'),
        (acme("acme a.example *."), 'invalid ACME domain "*"'),
        (acme("acme dns_1.example"), 'invalid ACME domain "dns_1.example": Codepoint U+005F not allowed at position 4'),
        (acme("acme a..example"), 'invalid ACME domain "a..example": Empty Label'),
        (acme(f"acme {'a.' * 120}example"), f'invalid ACME domain "{"a." * 120}example": '),
        (acme("acme " + " ".join(f"d{n}.example" for n in range(MAX_DOMAINS + 1))), "more than 100 ACME domains"),
        (acme("acme d.example", "email"), ARGUMENTS.format("email")),
        (acme("acme d.example", "email a@b c@d"), ARGUMENTS.format("c@d")),
        (acme("acme d.example", "ca"), ARGUMENTS.format("ca")),
        (acme("acme d.example", "ca ftp://ca.example"), 'invalid ACME CA URL "ftp://ca.example"'),
        (acme("acme d.example", "ca https://"), 'invalid ACME CA URL "https://"'),
        (acme("acme d.example", "ca https://a:99999/"), 'invalid ACME CA URL "https://a:99999/"'),
        (acme("acme d.example", "ca ca.example"), 'invalid ACME CA URL "ca.example"'),
        (acme("acme d.example", "storage"), ARGUMENTS.format("storage")),
        (acme("acme d.example", f"storage {__file__}"), f'ACME storage "{__file__}" is not a directory'),
        (acme("acme d.example", "ca_root"), ARGUMENTS.format("ca_root")),
        (
            acme("acme d.example", "ca_root /missing.pem"),
            'reading ACME CA root "/missing.pem": open /missing.pem: no such file or directory',
        ),
        (acme("acme d.example", f"ca_root {TLS}"), f'reading ACME CA root "{TLS}": open {TLS}: is a directory'),
        (acme("acme d.example", f"ca_root {__file__}"), f'ACME CA root "{__file__}" contains no certificates'),
        (acme("acme d.example", "resolver"), ARGUMENTS.format("resolver")),
        (
            acme("acme d.example", "resolver 1.1.1.1"),
            'invalid ACME resolver "1.1.1.1": address 1.1.1.1: missing port in address',
        ),
        (acme("acme d.example", "resolver :53"), 'invalid ACME resolver ":53": host is empty'),
        (acme("acme d.example", "resolver 1.1.1.1:dns"), 'invalid ACME resolver port "dns"'),
        (acme("acme d.example", "resolver 1.1.1.1:"), 'invalid ACME resolver port ""'),
        (acme("acme d.example", "resolver 1.1.1.1:0"), 'invalid ACME resolver port "0"'),
        (acme("acme d.example", "resolver 1.1.1.1:65536"), 'invalid ACME resolver port "65536"'),
        (
            acme("acme d.example", "resolver ::1"),
            'invalid ACME resolver "::1": address ::1: too many colons in address',
        ),
        (
            acme("acme d.example", "resolver [::1]"),
            'invalid ACME resolver "[::1]": address [::1]: missing port in address',
        ),
        (acme("acme d.example", "acme e.example"), 'ACME option "acme" can only be specified once'),
        (acme("acme d.example", "provider x"), 'unknown ACME option "provider"'),
        (
            acme("acme d.example") + "\n" + acme("acme d.example", "email a@b.example"),
            'ACME domain "d.example" is configured with conflicting options',
        ),
    ],
)
def test_setup_errors(text: str, error: str) -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(block(text))
    assert str(raised.value).startswith("plugin/tls: Corefile:")
    assert raised.value.message.startswith(error)


def test_an_error_stands_at_its_option() -> None:
    with pytest.raises(ConfigError) as raised:
        chain_of(block(acme("acme d.example", "ca_root /missing.pem")))
    assert raised.value.line == 4


@pytest.mark.parametrize(
    ("word", "domain"),
    [
        ("dns.example", "dns.example"),
        ("*.wild.example", "*.wild.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("localhost", "localhost"),
    ],
)
def test_domains_as_certificates_have_them(word: str, domain: str) -> None:
    assert normalized(word) == domain


def test_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Options] = []
    add = domains.Domains.add

    def noted(self: domains.Domains, options: Options) -> Shown:
        given.append(options)
        return add(self, options)

    monkeypatch.setattr(domains.Domains, "add", noted)
    roots = tmp_path / "roots.pem"
    roots.write_bytes((TLS / "ca.crt").read_bytes())
    full = acme(
        "acme DNS.Example. dns.example *.dns.example",
        "email admin@example.org",
        "ca https://ca.example/directory",
        "storage certs",
        "ca_root roots.pem",
        "resolver 1.1.1.1:53",
    )
    chain_of(block(f"root {tmp_path}\n{full}"))
    chain_of(block(acme("acme dns.example")))
    domains_read = ("dns.example", "*.dns.example")
    ca = "https://ca.example/directory"
    assert given == [
        Options(domains_read, ca, f"{tmp_path}/certs", "admin@example.org", str(roots), ("1.1.1.1", 53)),
        Options(("dns.example",), CA, f"{Path.cwd()}/.coredns/acme"),
    ]


def test_blocks_that_ask_for_the_same_share_it() -> None:
    other = f"https://.:443 {{\n{acme('acme b.example a.example')}\n}}\n"
    first, second = chains_of(block(acme("acme a.example b.example")) + other)
    assert first.site.listen.tls is second.site.listen.tls
    assert len([thing for thing in first.wiring.offers() if type(thing).__name__ == "Domains"]) == 1


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "acme", None)
    for name in ("authority", "order", "keeper", "domains"):
        monkeypatch.delitem(sys.modules, f"kdns.plugins.tls.{name}", raising=False)
    with pytest.raises(ConfigError, match=r"the package acme is not installed: pip install kdns\[acme\]"):
        chain_of(block(acme("acme d.example")))
    chain_of(block(f"tls {TLS / 'server.crt'} {TLS / 'server.key'}"))
