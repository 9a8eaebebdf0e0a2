import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kdns.plugins.tls.certificate import MAX_CHAIN, Certificate, Unusable, new_key, read
from tests.kit.acme import DAY, Root

NOW = 1_700_000_000.0
ROOT = Root(lambda: NOW)
CHAIN, KEY = ROOT.pair("dns.example", "*.dns.example", lifetime=90 * DAY)


def test_what_is_told_of_a_certificate() -> None:
    assert read("dns.example", CHAIN, KEY) == Certificate(CHAIN, KEY, NOW, NOW + 90 * DAY)
    assert read("*.dns.example", CHAIN, KEY).key == KEY


@pytest.mark.parametrize(
    ("domain", "chain", "key", "error"),
    [
        ("a.dns.example", CHAIN, KEY, "the certificate is not for a.dns.example"),
        ("dns.example", CHAIN, ROOT.pair("x")[1], "certificate and key do not belong together"),
        ("dns.example", ROOT.pem, KEY, "certificate and key do not belong together"),
        ("dns.example", b"", KEY, "no certificate with its key: "),
        ("dns.example", CHAIN[:200], KEY, "no certificate with its key: "),
        ("dns.example", CHAIN, b"", "no certificate with its key: "),
        ("dns.example", CHAIN, CHAIN, "no certificate with its key: "),
        ("dns.example", KEY, CHAIN, "no certificate with its key: "),
        ("dns.example", CHAIN + MAX_CHAIN * ROOT.pem, KEY, "a chain of more than 20 certificates"),
    ],
)
def test_what_cannot_be_shown(domain: str, chain: bytes, key: bytes, error: str) -> None:
    with pytest.raises(Unusable) as raised:
        read(domain, chain, key)
    assert str(raised.value).startswith(error)


def test_a_key_is_of_the_kind_that_coredns_makes() -> None:
    assert new_key().startswith(b"-----BEGIN EC PRIVATE KEY-----\n")
    key = load_pem_private_key(new_key(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.curve.name == "secp256r1"
