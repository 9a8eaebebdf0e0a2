"""Octets of messages, compared with those of Go's protobuf for the same values, and read back."""

import pytest

from kdns.plugins.dnstap.message import (
    CLIENT_QUERY,
    CLIENT_RESPONSE,
    FORWARDER_QUERY,
    FORWARDER_RESPONSE,
    Envelope,
    Message,
)
from tests.plugins.dnstap.collector import decoded

QUERY = Message(CLIENT_QUERY, "udp", ("192.0.2.9", 40212), None, 1700000000.5, b"query")
RESPONSE = Message(CLIENT_RESPONSE, "tcp", ("2001:db8::9", 53), None, 1.0, replied=2.25, response=bytes(300))
FORWARDED = Message(FORWARDER_QUERY, "udp", ("10.0.0.1", 65535), ("192.0.2.53", 53), 1700000000.0)
ANSWERED = Message(FORWARDER_RESPONSE, "tcp", None, ("2001:db8::53", 853), 1700000000.0, replied=1700000000.125)


@pytest.mark.parametrize(
    ("envelope", "message", "extra", "octets"),
    [
        (
            Envelope("host-1", "kdns-1"),
            QUERY,
            None,
            (
                "0a06686f73742d3112066b646e732d3172220805100118012204c00002093094ba024080e2cfaa064d0065cd1d5205717565727978"
                "01"
            ),
        ),
        (
            Envelope("", "v"),
            RESPONSE,
            "more \u00e4",
            "0a001201761a076d6f726520c3a472d702080610021802221020010db8000000000000000000000009303540014d00000000600"
            "26d80b2e60e72ac02" + "00" * 300 + "7801",
        ),
        (
            Envelope("i", "v"),
            FORWARDED,
            "",
            "0a01691201761a00722308071001180122040a0000012a04c000023530ffff0338354080e2cfaa064d000000007801",
        ),
        (
            Envelope("i", "v"),
            ANSWERED,
            None,
            (
                "0a016912017672310808100218022a1020010db800000000000000000000005338d5064080e2cfaa064d000000006080e2cfaa066d"
                "405973077801"
            ),
        ),
    ],
)
def test_octets(envelope: Envelope, message: Message, extra: str | None, octets: str) -> None:
    assert envelope.around(message, extra).hex() == octets


def test_what_is_written_is_read() -> None:
    assert decoded(Envelope("host", "version").around(RESPONSE, "x")) == {
        "identity": b"host",
        "version": b"version",
        "extra": b"x",
        "type": "CR",
        "family": 2,
        "proto": 2,
        "client": bytes.fromhex("20010db8000000000000000000000009"),
        "client_port": 53,
        "asked": 1,
        "asked_ns": 0,
        "replied": 2,
        "replied_ns": 250_000_000,
        "response": bytes(300),
    }


@pytest.mark.parametrize(
    ("host", "family", "octets"),
    [
        ("192.0.2.1", 1, b"\xc0\0\2\1"),
        ("::ffff:192.0.2.1", 1, b"\xc0\0\2\1"),
        ("::1", 2, bytes(15) + b"\1"),
        ("fe80::1%eth0", 2, b"\xfe\x80" + bytes(13) + b"\1"),
    ],
)
def test_addresses(host: str, family: int, octets: bytes) -> None:
    message = decoded(Envelope("", "").around(QUERY._replace(client=(host, 0))))
    assert (message["family"], message["client"], message["client_port"]) == (family, octets, 0)


@pytest.mark.parametrize("time", [0.0, 1.9999999999, 1795239000.9999998, 2**33 + 0.5])
def test_times(time: float) -> None:
    message = decoded(Envelope("", "").around(QUERY._replace(asked=time)))
    assert 0 <= message["asked_ns"] < 1_000_000_000
    assert message["asked"] + message["asked_ns"] / 1e9 == pytest.approx(time, abs=1e-6)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 65535])
def test_lengths(size: int) -> None:
    assert decoded(Envelope("", "").around(QUERY._replace(query=bytes(size))))["query"] == bytes(size)


def test_the_response_to_a_query() -> None:
    answered = QUERY.answered(CLIENT_RESPONSE, 1700000001.0, b"reply")
    assert answered == Message(CLIENT_RESPONSE, "udp", QUERY.client, None, QUERY.asked, None, 1700000001.0, b"reply")


def test_a_host_name_of_any_octets() -> None:
    assert decoded(Envelope("\udcff", "").around(QUERY))["identity"] == b"\xff"
