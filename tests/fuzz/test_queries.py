"""Whatever octets are sent to it, the server gives a reply of the right shape or none, and no query meets an exception.

A kept reply is a fresh one. More packets: `python -m tests.bench.fuzz`.
"""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.wire.errors import WireError
from kdns.wire.message import Relay, read_message
from tests.fuzz.packets import Packets
from tests.fuzz.shape import fault
from tests.fuzz.subject import Subject, subject

PACKETS = 4000


def show(found: Subject) -> str:
    return "\n".join(f"{packet.hex()}: {wrong}" for packet, wrong in found.findings[:5])


@pytest.mark.parametrize("proto", ["udp", "tcp"])
@pytest.mark.parametrize("cache", ["", "cache 30"])
async def test_spoilt_queries(tmp_path: Path, proto: str, cache: str) -> None:
    source = Packets(seed=len(proto + cache))
    async with subject(tmp_path, cache=cache) as found:
        for _ in range(PACKETS):
            await found.ask(source.query(), proto)
        assert not found.findings, show(found)


async def test_every_query_three_times(tmp_path: Path) -> None:
    source = Packets(seed=7)
    async with subject(tmp_path, cache="cache") as found:
        for _ in range(PACKETS // 3):
            packet = source.right()
            for _ in range(3):
                await found.ask(packet)
        assert not found.findings, show(found)
        assert found.hits > PACKETS // 20


async def test_records_in_a_random_order(tmp_path: Path) -> None:
    source = Packets(seed=8)
    async with subject(tmp_path, forward="whoami\n loadbalance", root="whoami", cache="loadbalance") as found:
        found.forget_fresh()
        for _ in range(PACKETS):
            await found.ask(source.query())
        assert not found.findings, show(found)


@given(st.binary(max_size=600))
def test_the_reader_knows_one_error(octets: bytes) -> None:
    for read in (read_message, Relay):
        with suppress(WireError):
            message = read(octets)
            if isinstance(message, Relay):
                message.body(5)
                for index in range(3):
                    with suppress(WireError):
                        list(message.section(index))


def test_the_reader_and_spoilt_messages() -> None:
    source = Packets(seed=9)
    for _ in range(PACKETS):
        octets = source.query()
        with suppress(WireError):
            read_message(octets)


def test_the_judge_sees_what_is_wrong() -> None:
    query = bytes.fromhex("123401000001000000000000") + b"\3web\0\0\1\0\1"
    right = bytes.fromhex("123481000001000000000000") + b"\3web\0\0\1\0\1"
    assert fault(query, right) == ""
    assert fault(query, None) == "no reply"
    assert fault(right, query) == "a reply to what is no query"
    assert fault(query, b"\0" + right[1:]) == "another id"
    assert fault(query, query) == "QR is not set"
    assert fault(query, right[:-1]) != ""
    assert fault(query, right[:2] + b"\x80" + right[3:]) == "RD or CD differs"
    assert fault(query, right[:12] + b"\3WEB" + right[16:]) == "the question is not echoed"
    assert fault(query, right + bytes(500)) == "521 octets, more than 512"
