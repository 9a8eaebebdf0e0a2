"""What is told of queries and replies, through a whole instance, with a collector behind a socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kdns.chain.answer import DROP, Answer, refuse
from kdns.chain.handler import Handler
from kdns.plugins.forward.handler import Forward
from kdns.plugins.forward.tapped import TappedForward
from kdns.server import reply
from kdns.wire import codes
from kdns.wire.edns import Edns
from kdns.wire.message import read_message
from kdns.wire.tsig import find_tsig
from tests.kit.chain import Clock, Next, process, root_chain
from tests.kit.house import CLIENT, Ends, House, packet
from tests.kit.query import query
from tests.kit.signed import SECRET, Signed
from tests.kit.until import until
from tests.kit.upstream import FakeUpstream, unused_port
from tests.plugins.dnstap.collector import Collector, listening

HOSTS = "hosts {\n 192.0.2.2 web.example\n }"


@asynccontextmanager
async def tapped(
    tmp_path: Path, directives: str, words: str = "full", block: str = "", **how: Any
) -> AsyncIterator[tuple[House, Collector]]:
    """An instance whose root block has a tap, and its collector."""
    collector = Collector()
    async with listening(collector.serve, tmp_path / "s"):
        house = House(f".:53 {{\n dnstap {tmp_path}/s {words} {{\n {block}\n }}\n {directives}\n}}\n", **how)
        async with house.running():
            await until(lambda: collector.connections)
            yield house, collector


async def test_a_query_and_its_reply(tmp_path: Path) -> None:
    clock = Clock(1_700_000_000.25)
    outside = process(time=clock)
    async with tapped(tmp_path, HOSTS, outside=outside) as (house, collector):
        asked = packet("Web.Example", edns=Edns(1232, codes.DO))
        replied = await house.ask_raw(asked)
        await until(lambda: len(collector.payloads) == 2)
        common = {
            "identity": b"kdns-1",
            "version": b"kdns-1.14.7",
            "family": 1,
            "proto": 1,
            "client": bytes(map(int, CLIENT.split("."))),
            "client_port": 40212,
            "asked": 1_700_000_000,
            "asked_ns": 250_000_000,
        }
        assert collector.messages == [
            common | {"type": "CQ", "query": asked},
            common | {"type": "CR", "replied": 1_700_000_000, "replied_ns": 250_000_000, "response": replied},
        ]


async def test_without_messages_unless_asked_for(tmp_path: Path) -> None:
    async with tapped(tmp_path, HOSTS, words="") as (house, collector):
        await house.ask("web.example", client="2001:db8::9", proto="tcp")
        await until(lambda: len(collector.payloads) == 2)
        assert all("query" not in message and "response" not in message for message in collector.messages)
        assert [(message["family"], message["proto"]) for message in collector.messages] == [(2, 2)] * 2


async def test_who_tells_and_what_is_added(tmp_path: Path) -> None:
    block = 'identity me\n version "you 2"\n extra "{name} {type} {rcode} {rsize} {>id} {x}"'
    async with tapped(tmp_path, HOSTS, block=block) as (house, collector):
        await house.ask("Web.Example")
        await until(lambda: len(collector.payloads) == 2)
        for message in collector.messages:
            assert (message["identity"], message["version"]) == (b"me", b"you 2")
            assert message["extra"] == b"web.example. A - - 4660 {x}"


async def test_metadata_is_there(tmp_path: Path) -> None:
    block = "extra {/view/name}"
    async with tapped(tmp_path, f"metadata\n view inside {{\n expr true\n }}\n {HOSTS}", block=block) as (
        house,
        collector,
    ):
        await house.ask("web.example")
        await until(lambda: len(collector.payloads) == 2)
        assert {message["extra"] for message in collector.messages} == {b"inside"}


@pytest.mark.parametrize("memo", [True, False])
async def test_every_query_is_told_of_with_the_memo_as_without_it(tmp_path: Path, memo: bool) -> None:
    kinds = ("A", "AAAA", "A")
    asked = [packet("web.example", rtype, ident=ident) for ident in range(5) for rtype in kinds]
    replies = []
    async with tapped(tmp_path, f"cache 30\n {HOSTS}", memo=memo) as (house, collector):
        for each in asked:
            replies.append(await house.ask_raw(each))
        await until(lambda: len(collector.payloads) == 2 * len(asked))
        told = collector.messages
        assert house.service().memo.entries == {}
    assert [message["query"] for message in told[::2]] == asked
    assert [message["response"] for message in told[1::2]] == replies


async def test_other_blocks_of_the_listener_are_kept_and_not_told_of(tmp_path: Path) -> None:
    collector = Collector()
    async with listening(collector.serve, tmp_path / "s"):
        first = f"a.example:53 {{\n dnstap {tmp_path}/s\n whoami\n}}\n"
        house = House(f"{first}b.example:53 {{\n {HOSTS.replace('web', 'web.b')}\n}}\n")
        async with house.running():
            await until(lambda: collector.connections)
            for _ in range(3):
                await house.ask("web.b.example")
            assert house.service().memo.entries
            await house.ask("web.a.example")
            await until(lambda: len(collector.payloads) == 2)
    assert collector.types == ["CQ", "CR"]


def test_without_a_tap_nothing_is_shown() -> None:
    assert House(f".:53 {{\n {HOSTS}\n}}\n").service().encode is reply.encode
    assert type(root_chain("forward . 192.0.2.53").links["forward"]) is Forward
    assert type(root_chain("dnstap x\nforward . 192.0.2.53").links["forward"]) is TappedForward


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        (Answer(), True),
        (Answer(rcode=codes.NXDOMAIN), True),
        (Answer(rcode=codes.REFUSED), True),
        (refuse(codes.SERVFAIL), False),
        (DROP, False),
    ],
)
def test_only_replies_that_plugins_wrote_are_shown(answer: Answer, shown: bool) -> None:
    """As in CoreDNS: what the server makes of a code passes no plugin."""
    asked = query("web.example")
    assert root_chain("dnstap x", behind=Next(answer)).answer(asked) is answer
    assert (asked.basis.witness is not None) is shown
    assert asked.basis.private


def test_lookups_of_ours_are_no_clients() -> None:
    asked = query("web.example").replace(depth=1)
    root_chain("dnstap x", behind=Next(Answer())).answer(asked)
    assert asked.basis.witness is None


async def test_several_taps(tmp_path: Path) -> None:
    second = Collector()
    async with (
        listening(second.serve, tmp_path / "t"),
        tapped(tmp_path, f"dnstap {tmp_path}/t\n {HOSTS}") as (house, first),
    ):
        await until(lambda: second.connections)
        await house.ask("web.example")
        await until(lambda: len(first.payloads) == len(second.payloads) == 2)
        assert ["query" in message for message in (first.messages[0], second.messages[0])] == [True, False]


async def test_the_reply_is_shown_as_it_is_sent(tmp_path: Path) -> None:
    """With what plugins in front add, and what is cut off."""
    many = "hosts {\n " + "\n ".join(f"192.0.2.{number} web.example" for number in range(1, 80)) + "\n }"
    async with tapped(tmp_path, f"nsid me\n bufsize 600\n {many}") as (house, collector):
        asked = packet("web.example", edns=Edns(1400, options=((codes.NSID, b""),)))  # type: ignore[arg-type]
        replied = await house.ask_raw(asked)
        assert replied is not None
        await until(lambda: len(collector.payloads) == 2)
        assert collector.messages[1]["response"] == replied
        assert read_message(replied).flags & codes.TC


async def test_a_signed_reply_is_shown_signed(tmp_path: Path) -> None:
    tsig = f"tsig {{\n secret key.example.org {SECRET}\n }}"
    async with tapped(tmp_path, f"{tsig}\n {HOSTS}", outside=process(time=time.time)) as (house, collector):
        asked = Signed("web.example")
        replied = await house.ask_raw(asked.octets)
        assert replied is not None
        assert asked.read(replied).had_tsig
        await until(lambda: len(collector.payloads) == 2)
        assert collector.messages[0]["query"] == asked.octets
        assert collector.messages[1]["response"] == replied
        assert find_tsig(replied) is not None


async def test_every_message_of_a_transfer_is_shown(tmp_path: Path) -> None:
    zone = "@ 60 SOA ns host 7 60 60 60 60\n@ NS ns\n" + "".join(
        f"n{number} TXT {'x' * 200}\n" for number in range(900)
    )
    (tmp_path / "zone").write_text(zone)
    directives = f"transfer {{\n to *\n }}\n file {tmp_path}/zone example"
    async with tapped(tmp_path, directives) as (house, collector):
        replies = await house.ask_all(packet("example", "AXFR"), proto="tcp")
        assert len(replies) > 3
        await until(lambda: len(collector.payloads) == 1 + len(replies))
        assert [message["response"] for message in collector.messages[1:]] == replies


@pytest.mark.parametrize("proto", ["udp", "tcp"])
async def test_exchanges_with_upstreams(tmp_path: Path, proto: str) -> None:
    async with (
        FakeUpstream() as upstream,
        tapped(tmp_path, f"forward . 127.0.0.1:{upstream.port}") as (house, collector),
    ):
        asked = packet("www.example")
        replied = await house.ask_raw(asked, proto=proto)
        await until(lambda: len(collector.payloads) == 4)
        query, out, back, response = collector.messages
        assert collector.types == ["CQ", "FQ", "FR", "CR"]
        assert (query["query"], response["response"]) == (asked, replied)
        assert (out["query"], back["response"]) == (asked, replied)
        for message in (out, back):
            assert message["proto"] == (1 if proto == "udp" else 2)
            assert (message["client"], message["server"]) == (b"\x7f\0\0\1", b"\x7f\0\0\1")
            assert (message["client_port"], message["server_port"]) == (upstream.asks[0].port, upstream.port)
        assert "replied" not in out
        assert "replied" in back


async def test_an_upstream_that_does_not_answer(tmp_path: Path) -> None:
    text = f"forward . 127.0.0.1:{unused_port()} {{\n max_fails 0\n force_tcp\n }}"
    async with tapped(tmp_path, text) as (house, collector):
        assert (await house.ask("www.example")).rcode == codes.SERVFAIL
        await until(lambda: len(collector.payloads) == 3)
        assert collector.types == ["CQ", "FQ", "FQ"]


async def test_who_goes_along_with_anothers_question_takes_part_in_no_exchange(tmp_path: Path) -> None:
    release = asyncio.Event()
    async with (
        FakeUpstream(lambda ask: [release, answered(ask.message)]) as upstream,
        tapped(tmp_path, f"forward . 127.0.0.1:{upstream.port}") as (house, collector),
    ):
        both = [asyncio.create_task(house.ask_raw(packet("www.example", ident=ident))) for ident in (1, 2)]
        await until(lambda: len(house.service().waiting) == 2)
        release.set()
        await asyncio.gather(*both)
        await until(lambda: len(collector.payloads) == 6)
        assert sorted(collector.types) == ["CQ", "CQ", "CR", "CR", "FQ", "FR"]


def answered(message: bytes) -> bytes:
    return message[:2] + b"\x81\x80" + message[4:]


async def test_a_collector_that_is_dead_keeps_no_query_waiting(tmp_path: Path) -> None:
    for manner in ("mute", "deaf", "shut"):
        collector = Collector([manner])
        async with listening(collector.serve, tmp_path / manner):
            house = House(f".:53 {{\n dnstap {tmp_path}/{manner} full\n {HOSTS}\n}}\n")
            async with house.running():
                await until(lambda: collector.connections)  # noqa: B023
                for _ in range(500):
                    assert house.ask_now(packet("web.example"), Ends()) is not None
                assert house.service().waiting == set()


def test_the_handler_costs_no_task() -> None:
    handler: Handler = root_chain("dnstap x", behind=Next(Answer())).top
    work = handler.answer(query("web.example"))
    with pytest.raises(StopIteration):
        work.send(None)
