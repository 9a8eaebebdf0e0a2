"""Signed queries and their replies by dnspython, which knows nothing of kdns's signing."""

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.tsig
import pytest

SECRET = "NoTCJU+DMqFWywaPyxSijrDEA/eC3nK0xi3AMEZuPVk="
KEY = "key.example.org"
ALGORITHMS = ("hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")


class Signed:
    """A query with its octets, and what its replies are checked with."""

    def __init__(
        self,
        name: str = "web.example.org",
        rtype: str = "A",
        *,
        key: str = KEY,
        secret: str = SECRET,
        algorithm: str = "hmac-sha256",
        fudge: int = 300,
        skew: float = 0,
        edns: int | None = None,
    ) -> None:
        """`skew` is by how many seconds the client's clock is off."""
        self.key = dns.tsig.Key(key, base64.b64decode(secret), algorithm)
        self.message = dns.message.make_query(name, rtype, use_edns=edns is not None, payload=edns or 1232, id=0x1234)
        self.message.use_tsig(self.key, fudge=fudge)
        real = time.time
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: real() + skew)
            self.octets = self.message.to_wire()

    def read(self, reply: bytes) -> dns.message.Message:
        """A reply, its signature verified. Raises what dnspython raises."""
        return dns.message.from_wire(reply, keyring={self.key.name: self.key}, request_mac=self.message.mac)

    def read_all(self, replies: Sequence[bytes]) -> list[dns.message.Message]:
        """The messages of one reply, the signature of each verified."""
        messages: list[dns.message.Message] = []
        context: Any = None
        for reply in replies:
            mac = b"" if messages else self.message.mac
            message = dns.message.from_wire(
                reply,
                keyring={self.key.name: self.key},
                request_mac=mac,
                multi=True,
                tsig_ctx=context,
                xfr=True,
                origin=None,
            )
            context = message.tsig_ctx
            messages.append(message)
        return messages


def is_signed(message: dns.message.Message) -> bool:
    """Whether a message ended in a TSIG record."""
    return bool(message.had_tsig)


def changed(octets: bytes, at: int) -> bytes:
    """The same octets but for a bit."""
    at %= len(octets)
    return octets[:at] + bytes((octets[at] ^ 1,)) + octets[at + 1 :]


Sign = Callable[..., Signed]
