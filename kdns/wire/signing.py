"""Signing messages and checking signatures with secrets that both sides know (RFC 8945). Time is passed in.

A signature is a keyed hash of the message, of what the TSIG record says, and of the signature before: a reply's of the
query's, and each message's of a transfer of the one before, so that none can be left out or sent again elsewhere. From
the second message on only the times stand for the record.

A shortened MAC is not taken: nothing is gained by it with the hashes that there are, and CoreDNS takes none either.
"""

import hmac
from collections.abc import Mapping

from kdns.wire import codes, name
from kdns.wire.tsig import Tsig, times, variables, with_tsig, without_tsig

ALGORITHMS = {name.from_text(f"hmac-{digest}"): digest for digest in ("sha1", "sha224", "sha256", "sha384", "sha512")}
"""Name of the hash for each algorithm; HMAC-MD5 is not among them (RFC 8945 section 6)."""

FUDGE = 300
"""Seconds by which clocks may differ (RFC 8945 section 10)."""

_TIME = 6
"""Octets of a time."""
_NUMBERS = 26
"""Octets of a record beside its names, its MAC and the time in "other data"."""

Secrets = Mapping[bytes, bytes | None]
"""Secrets by the folded name of their key; `None` for one that nothing can be signed with."""


class Signer:
    """Signs messages, each after the one before. `prior` is the MAC of the query where they are a reply."""

    __slots__ = ("_algorithm", "_digest", "_first", "_name", "_prior", "_secret")

    def __init__(self, key: bytes, algorithm: bytes, secret: bytes, prior: bytes = b"") -> None:
        """`key` and `algorithm` are names in wire form. Raises KeyError for an algorithm that is not known."""
        self._name = key
        self._algorithm = algorithm
        self._digest = ALGORITHMS[algorithm.lower()]
        self._secret = secret
        self._prior = prior
        self._first = True

    def sign(self, message: bytes, now: int, *, error: int = 0, other: bytes = b"") -> bytes:
        """A message with its signature; `now` is Unix time in seconds."""
        ident = int.from_bytes(message[:2], "big")
        tsig = Tsig(self._name, self._algorithm, now, FUDGE, b"", ident, error, other)
        mac = _mac(self._secret, self._digest, self._prior, message, tsig, whole=self._first)
        self._first = False
        self._prior = mac
        return with_tsig(message, tsig._replace(mac=mac))


class Signature:
    """The signature of a query, what is wrong with it, and the signing of its reply.

    `error` is the TSIG error: 0, BADSIG, BADKEY or BADTIME (RFC 8945 section 5.2). The reply ends in such a
    record if somebody has said so: `wanted`. Without a secret it has no MAC.
    """

    __slots__ = ("_signer", "error", "tsig", "wanted")

    def __init__(self, tsig: Tsig, error: int, secret: bytes | None) -> None:
        self.tsig = tsig
        self.error = error
        self.wanted = False
        self._signer = Signer(tsig.name, tsig.algorithm, secret, tsig.mac) if secret is not None else None

    @property
    def size(self) -> int:
        """Octets that a signature adds to a reply."""
        tsig = self.tsig
        added = 0 if self._signer is None else len(tsig.mac) + (_TIME if self.error else 0)
        return len(tsig.name) + len(tsig.algorithm) + _NUMBERS + added

    @property
    def asked(self) -> int:
        """Octets of the query that are its record."""
        tsig = self.tsig
        return len(tsig.name) + len(tsig.algorithm) + _NUMBERS + len(tsig.mac) + len(tsig.other)

    def sign(self, message: bytes, now: int) -> bytes:
        """A message of the reply, signed; with the error and no MAC if the query's was not to be trusted (5.3.2)."""
        tsig = self.tsig
        if self._signer is None:
            ident = int.from_bytes(message[:2], "big")
            return with_tsig(message, Tsig(tsig.name, tsig.algorithm, 0, FUDGE, b"", ident, self.error))
        if self.error == codes.BADTIME:
            # The client's time, so that it believes the rest, and the server's for it to compare (section 5.2.3).
            return self._signer.sign(message, tsig.time, error=self.error, other=now.to_bytes(_TIME, "big"))
        return self._signer.sign(message, now)


def check(packet: bytes, tsig: Tsig, start: int, secrets: Secrets, now: int) -> Signature:
    """The signature of a query that ends in `tsig`, which begins at `start`; `now` is Unix time in seconds.

    The order of the checks is the one that tells nothing to who does not know the secret (RFC 8945 section 5.2).
    """
    key = tsig.name.lower()
    if key not in secrets:
        return Signature(tsig, codes.BADKEY, None)
    secret = secrets[key]
    digest = ALGORITHMS.get(tsig.algorithm.lower())
    if secret is None or digest is None:
        return Signature(tsig, codes.BADSIG, None)
    expected = _mac(secret, digest, b"", without_tsig(packet, tsig, start), tsig, whole=True)
    if not hmac.compare_digest(expected, tsig.mac):
        return Signature(tsig, codes.BADSIG, None)
    error = codes.BADTIME if abs(now - tsig.time) > tsig.fudge else codes.NOERROR
    return Signature(tsig, error, secret)


def _mac(secret: bytes, digest: str, prior: bytes, message: bytes, tsig: Tsig, *, whole: bool) -> bytes:
    before = len(prior).to_bytes(2, "big") + prior if prior else b""
    return hmac.digest(secret, before + message + (variables(tsig) if whole else times(tsig)), digest)
