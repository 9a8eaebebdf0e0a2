import dns.message
import dns.rdatatype
import pytest

from kdns.wire import name
from kdns.wire.errors import WireError
from kdns.wire.tsig import Tsig, find_tsig, variables, with_tsig, without_tsig
from tests.kit.house import packet
from tests.kit.signed import Signed

KEY = name.from_text("Key.Example.")
HASH = name.from_text("HMAC-sha256.")
TSIG = Tsig(KEY, HASH, 0x123456789ABC, 300, b"0123456789abcdef", 0x4711, 18, b"\0\1\2\3\4\5")


def test_what_is_written_is_read() -> None:
    message = packet("web.example.")
    signed = with_tsig(message, TSIG)
    assert find_tsig(signed) == (TSIG, len(message))
    assert without_tsig(signed, TSIG, len(message)) == b"\x47\x11" + message[2:]


def test_another_reads_it_the_same() -> None:
    message = dns.message.from_wire(with_tsig(packet("web.example."), TSIG), keyring=False)
    assert message.tsig is not None
    assert message.tsig.name.to_text() == "Key.Example."
    (tsig,) = message.tsig
    assert tsig.algorithm.to_text() == "HMAC-sha256."
    assert (tsig.time_signed, tsig.fudge, tsig.mac) == (TSIG.time, TSIG.fudge, TSIG.mac)
    assert (tsig.original_id, tsig.error, tsig.other) == (TSIG.ident, TSIG.error, TSIG.other)


def test_what_another_wrote() -> None:
    asked = Signed(fudge=77, edns=1232)
    found = find_tsig(asked.octets)
    assert found is not None
    tsig, start = found
    assert (tsig.name, tsig.algorithm) == (name.from_text("key.example.org"), name.from_text("hmac-sha256"))
    assert (tsig.fudge, tsig.mac, tsig.ident, tsig.error, tsig.other) == (77, asked.message.mac, 0x1234, 0, b"")
    assert without_tsig(asked.octets, tsig, start)[12:] == asked.octets[12:start]


def test_names_are_folded_where_they_are_signed() -> None:
    expected = name.from_text("key.example.") + bytes.fromhex("00ff 00000000") + name.from_text("hmac-sha256.")
    assert variables(TSIG) == expected + bytes.fromhex("123456789abc 012c 0012 0006 000102030405")


def test_a_message_without() -> None:
    assert find_tsig(packet("web.example.")) is None
    assert find_tsig(bytes(12)) is None


def test_a_message_without_a_question() -> None:
    signed = with_tsig(bytes(12), TSIG)
    assert find_tsig(signed) == (TSIG, 12)


SIGNED = with_tsig(packet("web.example."), TSIG)
TWICE = with_tsig(SIGNED, TSIG)
IN_FRONT = SIGNED[:11] + b"\2" + SIGNED[12:] + bytes.fromhex("00 0029 04d0 00000000 0000")
IN_THE_ANSWER = SIGNED[:6] + b"\0\1\0\0\0\0" + SIGNED[12:]


@pytest.mark.parametrize("octets", [TWICE, IN_FRONT, IN_THE_ANSWER], ids=["twice", "in front", "in the answer"])
def test_it_ends_the_message(octets: bytes) -> None:
    with pytest.raises(WireError, match="not the last record"):
        find_tsig(octets)


def test_every_cut_is_noticed() -> None:
    start = len(packet("web.example."))
    for end in range(start, len(SIGNED)):
        with pytest.raises(WireError):
            find_tsig(SIGNED[:end])


@pytest.mark.parametrize(("field", "at"), [("MAC", -16 - 6 - 6 - 2), ("other data", -6 - 2), ("record", 0)])
@pytest.mark.parametrize("more", [-1, 1, 0x1000])
def test_lengths_that_do_not_fit(field: str, at: int, more: int) -> None:
    at = len(SIGNED) + at if at else len(packet("web.example.")) + len(KEY) + 8
    size = int.from_bytes(SIGNED[at : at + 2], "big") + more
    with pytest.raises(WireError):
        find_tsig(SIGNED[:at] + size.to_bytes(2, "big") + SIGNED[at + 2 :])


def test_a_name_that_points_ahead() -> None:
    start = len(packet("web.example."))
    with pytest.raises(WireError):
        find_tsig(SIGNED[:start] + b"\xc0\xff" + SIGNED[start + len(KEY) :])
