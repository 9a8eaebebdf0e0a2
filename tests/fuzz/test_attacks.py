"""What somebody would try who wants kdns to stall, to grow, to mix up clients or to believe lies."""

import struct
import time
from pathlib import Path

import pytest

from kdns.wire import codes, name
from kdns.wire.edns import Edns, Option
from kdns.wire.errors import WireError
from kdns.wire.message import Relay, read_message
from kdns.wire.reader import check_names, read_name, read_question, read_records
from tests.fuzz.subject import subject
from tests.kit.house import House, packet
from tests.kit.upstream import Ask, FakeUpstream, Steps, answer, reply

HOSTS = "hosts {\n 192.0.2.1 web.example\n }"
WEB = packet("web.example")


async def test_long_queries_are_not_kept() -> None:
    # Octets behind the question are ignored, but are part of the key: 2 GiB of them would fit.
    async with House(f".:53 {{\n {HOSTS}\n }}").running() as house:
        for query in (WEB + bytes(65535 - len(WEB)), WEB + b"junk" * 100):
            for _ in range(3):
                reply = await house.ask_raw(query, proto="tcp")
                assert reply is not None
                assert reply[3] & 15 == codes.NOERROR
        assert not house.service("tcp").memo.entries
        for _ in range(3):
            await house.ask_raw(WEB, proto="tcp")
        assert len(house.service("tcp").memo.entries) == 1


@pytest.mark.parametrize("size", [0, 512, 1232])
async def test_padding_does_not_make_a_reply_too_long(size: int) -> None:
    async with House(f".:53 {{\n {HOSTS}\n }}").running() as house:
        for length in (1, 16, 120, 300, 480, 1200, 4000):
            edns = Edns(size, options=(Option(codes.PADDING, bytes(length)),))
            got = await house.ask_raw(packet("web.example", edns=edns))
            assert got is not None
            assert len(got) <= max(size, 512)
            assert len(read_message(got).answer) == 1
        edns = Edns(65535, options=(Option(codes.PADDING, bytes(65000)),))
        got = await house.ask_raw(packet("web.example", edns=edns), proto="tcp")
        assert got is not None
        assert len(got) <= 65535


def test_a_pointer_into_the_header_is_no_name() -> None:
    message = struct.pack(">6H", 0, 0x8180, 1, 1, 0, 0) + b"\1a\0\0\1\0\1" + b"\xc0\0\0\1\0\1\0\0\0\5\0\4abcd"
    with pytest.raises(WireError, match="pointer"):
        check_names(message, read_records(message, read_question(message)[1]))


def test_a_chain_of_pointers_ends() -> None:
    chain = bytes(12) + b"\0" + b"".join(struct.pack(">H", 0xC000 | (12 if n == 0 else 11 + 2 * n)) for n in range(200))
    assert read_name(chain, 11 + 2 * 100)[0] == name.ROOT
    with pytest.raises(WireError, match="too many"):
        read_name(chain, 11 + 2 * 200)


def test_a_large_reply_is_read_in_bounded_time() -> None:
    # 16 KiB of pointers, each to the one before, then as many records as fit, each owned by another of them.
    head = struct.pack(">6H", 0, 0x8180, 1, 4000, 0, 0) + b"\0\0\1\0\1"
    start = len(head) + 12
    owners = [struct.pack(">H", 0xC000 | start + 1 + 2 * (n % 126)) for n in range(3999)]
    chain = b"\0" + b"".join(
        struct.pack(">H", 0xC000 | (start if n == 0 else start + 1 + 2 * (n - 1))) for n in range(126)
    )
    first = b"\xc0\x0c\0\x10\0\1\0\0\0\5" + struct.pack(">H", len(chain)) + chain
    message = head + first + b"".join(owner + b"\0\1\0\1\0\0\0\5\0\4abcd" for owner in owners)
    began = time.process_time()
    relay = Relay(message)
    check_names(message, relay.records)
    assert len(list(relay.section(0))) == 4000
    assert time.process_time() - began < 1.0


def test_a_question_that_never_ends_is_read_in_bounded_time() -> None:
    message = struct.pack(">6H", 0, 0x0100, 1, 0, 0, 0) + b"\1a" * 32000
    began = time.process_time()
    for _ in range(200):
        with pytest.raises(WireError):
            read_question(message)
    assert time.process_time() - began < 0.2


async def test_what_is_kept_for_one_kind_of_query_is_not_given_to_another(tmp_path: Path) -> None:
    async with subject(tmp_path) as found:
        for text in ("web.shop.svc.cluster.local.", "many.hosts.", "whoami.example."):
            for flags in (0, codes.RD, codes.CD, codes.AD, codes.RD | codes.AD, 0x0040, 0x000F, 0x0400):
                for cls in (1, 3, 255):
                    for edns in (None, Edns(0), Edns(1232), Edns(1232, codes.DO), Edns(1232, 1), Edns(4096, version=1)):
                        for proto in ("udp", "tcp"):
                            asked = packet(text, flags=flags, cls=cls, edns=edns)
                            for _ in range(3):
                                await found.ask(asked, proto)
                            await found.ask(b"\xff\xff" + asked[2:], proto)
        assert found.hits > 100
        assert not found.findings, found.findings[0]


async def test_a_question_without_recursion_leaves_nothing_for_those_with_it() -> None:
    # A resolver that may not recurse refers to other servers, or has nothing to say: no answer for anybody else.
    def script(ask: Ask) -> Steps:
        if ask.message[2] & 1:
            return [answer(ask)]
        root = b"\0" + struct.pack(">HHIH", 2, 1, 300, 1) + b"\0"
        message = reply(ask, flags=0x8080) + root
        return [message[:8] + b"\0\1" + message[10:]]

    async with FakeUpstream(script) as upstream:
        house = House(f".:53 {{\n forward . 127.0.0.1:{upstream.port}\n cache\n }}")
        async with house.running():
            referral = await house.ask_raw(packet("victim.example", flags=0))
            assert referral is not None
            assert not read_message(referral).answer
            assert len((await house.ask("victim.example")).answer) == 1
