"""A certificate with its key, and what can be told of it without a CA: whose it is, and from when to when.

Whatever comes from a CA or a disk is read here before anybody believes it.
"""

from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

MAX_CHAIN: Final = 20
"""Certificates of one chain."""


_WRONG: Final = (
    *(ValueError, TypeError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)


class Unusable(Exception):
    """A certificate that cannot be shown; the text says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`chain` and `key` are PEM, the leaf first; `begins` and `ends` Unix times in seconds."""

    chain: bytes
    key: bytes
    begins: float
    ends: float


def read(domain: str, chain: bytes, key: bytes) -> Certificate:
    """The certificate for a domain. Raises Unusable if it is not one, or not for this domain and this key."""
    try:
        leaf, *others = x509.load_pem_x509_certificates(chain)
        private = load_pem_private_key(key, None)
        if _public(leaf.public_key()) != _public(private.public_key()):
            raise Unusable("certificate and key do not belong together")
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        if domain not in [each.lower() for each in names.get_values_for_type(x509.DNSName)]:
            raise Unusable(f"the certificate is not for {domain}")
    except x509.ExtensionNotFound as error:
        raise Unusable("the certificate has no names") from error
    except _WRONG as error:
        raise Unusable(f"no certificate with its key: {error}") from error
    if len(others) >= MAX_CHAIN:
        raise Unusable(f"a chain of more than {MAX_CHAIN} certificates")
    begins, ends = leaf.not_valid_before_utc.timestamp(), leaf.not_valid_after_utc.timestamp()
    if ends <= begins:
        raise Unusable("the certificate is never valid")
    return Certificate(chain, key, begins, ends)


def new_key() -> bytes:
    """A key on the curve P-256, in PEM as OpenSSL and Go write it."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined]
    return encoded
