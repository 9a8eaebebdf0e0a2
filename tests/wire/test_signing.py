"""Signing and checking, with dnspython on the other side."""

import base64
import time
from typing import Any

import dns.message
import dns.tsig
import pytest

from kdns.wire import codes, name
from kdns.wire.errors import WireError
from kdns.wire.signing import Secrets, Signature, Signer, check
from kdns.wire.tsig import find_tsig
from tests.kit.house import packet
from tests.kit.signed import ALGORITHMS, KEY, SECRET, Signed, changed

WIRE = name.from_text(KEY)
SECRETS = {WIRE: base64.b64decode(SECRET), name.from_text("broken.example"): None}


def judged(octets: bytes, secrets: Secrets = SECRETS, now: float | None = None) -> Signature:
    found = find_tsig(octets)
    assert found is not None
    return check(octets, *found, secrets, int(time.time() if now is None else now))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_query_and_its_reply(algorithm: str) -> None:
    asked = Signed(algorithm=algorithm)
    signature = judged(asked.octets)
    assert (signature.error, signature.wanted) == (0, False)
    reply = signature.sign(packet("web.example.org", flags=codes.QR), int(time.time()))
    assert asked.read(reply).had_tsig
    assert len(reply) == len(packet("web.example.org")) + signature.size
    with pytest.raises(dns.tsig.BadSignature):
        asked.read(changed(reply, 13))


@pytest.mark.parametrize("key", ["KEY.Example.Org", "key.example.org."])
def test_names_of_keys_have_no_case(key: str) -> None:
    assert judged(Signed(key=key).octets).error == 0


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ({"key": "other.example"}, codes.BADKEY),
        ({"secret": "AAAA"}, codes.BADSIG),
        ({"algorithm": "hmac-md5.sig-alg.reg.int"}, codes.BADSIG),
        ({"algorithm": "hmac-sha256-128"}, codes.BADSIG),
        ({"key": "broken.example"}, codes.BADSIG),
        ({"skew": -310}, codes.BADTIME),
        ({"skew": 320}, codes.BADTIME),
        ({"secret": "AAAA", "skew": -310}, codes.BADSIG),
        ({"fudge": 0, "skew": -5}, codes.BADTIME),
        ({"fudge": 0xFFFF, "skew": -0xFFF0}, 0),
        ({"skew": -250}, 0),
        ({"skew": 295}, 0),
    ],
)
def test_what_is_wrong_with_a_query(how: dict[str, Any], error: int) -> None:
    assert judged(Signed(**how).octets).error == error


def test_every_bit_counts() -> None:
    """But for the id, which the record repeats, and the letter case of the key."""
    octets = Signed("w.x", edns=1232).octets
    found = find_tsig(octets)
    assert found is not None
    _, start = found
    free = {0, 1, *range(start, start + len(WIRE) + 4), start + len(WIRE) + 8, start + len(WIRE) + 9}
    wrong = 0
    for at in set(range(2, len(octets))) - free:
        try:
            found = find_tsig(changed(octets, at))
        except WireError:
            continue
        if found is not None:
            signature = check(changed(octets, at), *found, SECRETS, int(time.time()))
            assert signature.error, at
            wrong += 1
    assert wrong > 60
    assert judged(changed(octets, 0)).error == 0


@pytest.mark.parametrize("size", [0, 10, 16, 31, 33])
def test_a_mac_of_another_length(size: int) -> None:
    asked = Signed()
    found = find_tsig(asked.octets)
    assert found is not None
    tsig, start = found
    mac = (tsig.mac + b"\0")[:size]
    assert check(asked.octets, tsig._replace(mac=mac), start, SECRETS, int(time.time())).error == codes.BADSIG


def test_the_reply_to_a_clock_that_is_off() -> None:
    asked = Signed(skew=-1000)
    signature, now = judged(asked.octets), int(time.time())
    reply = signature.sign(packet("web.example.org", flags=codes.QR | codes.NOTAUTH), now)
    found = find_tsig(reply)
    assert found is not None
    tsig, start = found
    assert (tsig.error, tsig.other, tsig.fudge) == (codes.BADTIME, now.to_bytes(6, "big"), 300)
    assert tsig.time < now - 900
    assert len(reply) - start == signature.size
    with pytest.raises(dns.tsig.PeerBadTime):
        asked.read(reply)


@pytest.mark.parametrize(("how", "error"), [({"key": "x.example"}, 17), ({"secret": "AAAA"}, 16)])
def test_the_reply_to_who_is_not_trusted_has_no_mac(how: dict[str, Any], error: int) -> None:
    signature = judged(Signed(**how).octets)
    reply = signature.sign(packet("web.example.org", flags=codes.QR), 1_700_000_000)
    found = find_tsig(reply)
    assert found is not None
    tsig, start = found
    assert (tsig.error, tsig.mac, tsig.time, tsig.fudge, tsig.other, tsig.ident) == (error, b"", 0, 300, b"", 0x1234)
    assert len(reply) - start == signature.size


def test_each_message_of_a_reply_rests_on_the_one_before() -> None:
    asked = Signed("example.org", "AXFR")
    signature = judged(asked.octets)
    message = packet("example.org", "AXFR", flags=codes.QR)
    replies = [signature.sign(message, int(time.time())) for _ in range(4)]
    assert [each.had_tsig for each in asked.read_all(replies)] == [True] * 4
    assert len({find_tsig(reply) for reply in replies}) == 4
    with pytest.raises(dns.tsig.BadSignature):
        asked.read_all([replies[0], replies[2]])


def test_a_signed_query() -> None:
    signer = Signer(WIRE, name.from_text("hmac-sha512"), base64.b64decode(SECRET))
    query = signer.sign(packet("web.example.org"), int(time.time()))
    assert judged(query).error == 0
    key = dns.tsig.Key(KEY, SECRET, "hmac-sha512")
    assert dns.message.from_wire(query, keyring={key.name: key}).had_tsig


def test_an_algorithm_that_is_not_known() -> None:
    with pytest.raises(KeyError):
        Signer(WIRE, name.from_text("hmac-md5.sig-alg.reg.int"), b"")
