"""Message-level rules, in the order in which they are checked (kubernetes.md section 7)."""

import asyncio
import logging
from pathlib import Path

import dns.message
import pytest

from kdns.chain.answer import Answer, refuse
from kdns.chain.handler import Handler
from kdns.chain.memo import Memo
from kdns.chain.query import Query, Transport
from kdns.chain.site import Hooks, Site
from kdns.metrics import Counter
from kdns.server import service
from kdns.server.dispatch import Block, Dispatch
from kdns.server.service import Service
from kdns.wire import codes
from kdns.wire.edns import Edns, Option
from kdns.wire.message import Message, read_message
from kdns.wire.record import Record
from tests.kit.chain import Next, Wiring, process
from tests.kit.house import Ends, House, packet

UDP = Transport("udp", 1, "dns://:53")
TCP = Transport("tcp", 1, "dns://:53")
A = Record(None, codes.A, b"\x0a\0\0\1", 5)


def make(behind: Handler, transport: Transport = UDP, *, notices: bool = False) -> Service:
    site = Site((), process(), Wiring(), Hooks())
    site.listen.notices = notices
    return Service(transport, Dispatch([(".", Block(site, behind))], _nothing), Memo(lambda: 0.0), Counter())


def _nothing(query: Query, answer: Answer) -> None:
    pass


def ask(query: bytes, *answers: Answer, transport: Transport = UDP) -> Message:
    reply = make(Next(*answers), transport).miss(query, Ends())
    assert reply is not None
    return read_message(reply)


@pytest.mark.parametrize(
    "query",
    [b"", b"\x12", packet("web.shop.")[:11], packet("web.shop.", flags=codes.QR | codes.RD)],
    ids=["empty", "an octet", "less than a header", "a reply"],
)
def test_dropped(query: bytes) -> None:
    assert make(Next()).miss(query, Ends()) is None


@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 6, 15])
def test_other_opcodes(opcode: int) -> None:
    reply = make(Next()).miss(packet("web.shop.", flags=opcode << 11 | codes.RD), Ends())
    assert reply == bytes.fromhex("1234") + (0x8104 | opcode << 11).to_bytes(2, "big") + bytes(8)


def test_notifications_go_to_blocks_that_take_them() -> None:
    behind = Next(Answer(flags=codes.AA))
    wanted = make(behind, notices=True)
    notice = packet("example.org.", "SOA", flags=codes.NOTIFY << 11 | codes.AA)
    reply = wanted.miss(notice, Ends())
    assert reply == b"\x12\x34" + (0xA400).to_bytes(2, "big") + notice[4:]
    assert len(behind.queries) == 1
    assert wanted.miss(packet("example.org.", flags=codes.UPDATE << 11), Ends())[3] & 15 == codes.NOTIMP  # type: ignore[index]
    with_nothing = notice[:4] + bytes(8)
    assert read_message(wanted.miss(with_nothing, Ends()) or b"").rcode == codes.FORMERR


def test_notifications_for_other_blocks_are_not_implemented() -> None:
    sites = [Site((), process(), Wiring(), Hooks()) for _ in range(2)]
    sites[0].listen.notices = True
    blocks = [("example.org.", Block(sites[0], Next())), (".", Block(sites[1], Next()))]
    both = Service(UDP, Dispatch(blocks, _nothing), Memo(lambda: 0.0), Counter())
    for text, rcode in (("example.org.", codes.REFUSED), ("example.net.", codes.NOTIMP)):
        reply = both.miss(packet(text, "SOA", flags=codes.NOTIFY << 11), Ends())
        assert reply is not None
        assert reply[3] & 15 == rcode


@pytest.mark.parametrize(
    "counts",
    ["000000000000 0000", "0002 0000 0000 0000", "0001 0002 0000 0000", "0001 0000 0002 0000", "0001 0000 0000 0003"],
)
def test_section_counts(counts: str) -> None:
    query = bytes.fromhex("1234 0100" + counts)[:12] + packet("web.shop.")[12:]
    assert make(Next()).miss(query, Ends()) == bytes.fromhex("1234 8101 0000 0000 0000 0000")


def test_question_that_cannot_be_read() -> None:
    reply = make(Next()).miss(packet("web.shop.")[:-3], Ends())
    assert reply == bytes.fromhex("1234 8101 0000 0000 0000 0000")


def test_record_that_cannot_be_read_keeps_the_question() -> None:
    query = packet("web.shop.", edns=Edns(1232, options=(Option(1, b"x"),)))
    reply = ask(query[:-1])
    assert reply.rcode == codes.FORMERR
    assert reply.question is not None
    assert reply.edns is None


def test_flags_that_are_copied() -> None:
    reply = ask(packet("web.shop.", flags=codes.RD | codes.CD | codes.AD | codes.Z), Answer(answer=(A,)))
    assert reply.flags == codes.QR | codes.RD | codes.CD


def test_class() -> None:
    reply = ask(packet("web.shop.", cls=codes.CH, edns=Edns(1232, version=1)))
    assert reply.rcode == codes.REFUSED
    assert reply.edns == Edns(1232)


def test_edns_version() -> None:
    reply = ask(packet("Web.shop.", edns=Edns(1232, codes.DO, version=1)), Answer(answer=(A,)))
    assert reply.rcode == codes.BADVERS
    assert reply.edns == Edns(4096, codes.DO, rcode=1)
    assert reply.question is not None
    assert reply.question.name == b"\3Web\4shop\0"


@pytest.mark.parametrize(("size", "answers"), [(None, 30), (512, 29), (100, 29), (1232, 60), (4096, 60)])
def test_size_over_udp(size: int | None, answers: int) -> None:
    records = tuple(A._replace(data=bytes((10, 0, 0, n))) for n in range(60))
    reply = ask(packet("web.shop.", edns=Edns(size) if size is not None else None), Answer(answer=records))
    assert len(reply.answer) == answers
    assert bool(reply.flags & codes.TC) is (answers < 60)
    assert (reply.edns.size if reply.edns else None) == size


def test_size_over_tcp() -> None:
    records = tuple(A._replace(data=n.to_bytes(4, "big")) for n in range(5000))
    reply = ask(packet("web.shop."), Answer(answer=records), transport=TCP)
    assert len(reply.answer) == (65535 - 12 - len(packet("web.shop.")[12:])) // 16
    assert reply.flags & codes.TC


def test_options_that_are_echoed_and_dropped() -> None:
    options = tuple(
        Option(code, b"12345678") for code in (codes.NSID, codes.EXPIRE, codes.COOKIE, codes.PADDING, 8, 65001)
    )
    reply = ask(packet("web.shop.", edns=Edns(1232, 0x7FFF, options)), Answer())
    assert reply.edns == Edns(1232, 0, (options[1], options[3]))


def test_options_of_an_answer_go_out_unasked() -> None:
    reply = ask(packet("web.shop."), Answer(options=(Option(codes.EDE, b"\0\x0f"),)))
    assert reply.edns == Edns(4096, codes.DO, (Option(codes.EDE, b"\0\x0f"),))


class Broken:
    async def answer(self, query: Query) -> Answer:
        raise LookupError("a plugin's mistake")


def test_a_mistake_of_a_plugin_is_servfail(caplog: pytest.LogCaptureFixture) -> None:
    panics = Counter()
    site = Site((), process(), Wiring(), Hooks())
    server = Service(UDP, Dispatch([(".", Block(site, Broken()))], _nothing), Memo(lambda: 0.0), panics)
    with caplog.at_level(logging.ERROR, "kdns"):
        reply = server.miss(packet("web.shop."), Ends())
    assert reply is not None
    assert read_message(reply).rcode == codes.SERVFAIL
    assert panics.value == 1
    assert 'Recovered from panic in server: "dns://:53" LookupError' in caplog.text


def test_records_that_cannot_be_written_are_servfail() -> None:
    panics = Counter()
    site = Site((), process(), Wiring(), Hooks())
    behind = Next(Answer(answer=(Record(None, codes.SRV, b"", 5),)))
    server = Service(UDP, Dispatch([(".", Block(site, behind))], _nothing), Memo(lambda: 0.0), panics)
    reply = server.miss(packet("web.shop."), Ends())
    assert reply is not None
    assert read_message(reply).rcode == codes.SERVFAIL
    assert panics.value == 1


class Waits:
    def __init__(self) -> None:
        self.future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    async def answer(self, query: Query) -> Answer:
        await asyncio.sleep(0)
        return await self.future


async def test_a_query_that_waits() -> None:
    behind = Waits()
    server, ends = make(behind), Ends()
    assert server.miss(packet("web.shop."), ends) is None
    await asyncio.sleep(0)
    assert ends.replies == []
    behind.future.set_result(Answer(answer=(A,)))
    await asyncio.wait_for(ends.arrived.wait(), 5)
    assert len(read_message(ends.replies[0]).answer) == 1
    assert not server.waiting


async def test_a_query_whose_future_fails() -> None:
    behind = Waits()
    server, ends = make(behind), Ends()
    server.miss(packet("web.shop."), ends)
    behind.future.set_exception(LookupError("lost"))
    await asyncio.wait_for(ends.arrived.wait(), 5)
    assert read_message(ends.replies[0]).rcode == codes.SERVFAIL


async def test_queries_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MAX_WAITING", 2)
    server = make(Waits())
    for _ in range(5):
        server.miss(packet("web.shop."), Ends())
    assert len(server.waiting) == 2
    for waiting in tuple(server.waiting):
        waiting.abandon()


async def test_drain_waits_for_the_last() -> None:
    behind = Waits()
    server = make(behind)
    server.miss(packet("web.shop."), Ends())
    drained = asyncio.ensure_future(server.drain())
    await asyncio.sleep(0)
    assert not drained.done()
    behind.future.set_result(refuse(codes.SERVFAIL))
    await asyncio.wait_for(drained, 5)


def test_replies_are_what_another_reader_reads() -> None:
    reply = make(Next(Answer(flags=codes.AA, answer=(A,)))).miss(packet("web.shop.", edns=Edns(1232)), Ends())
    assert reply is not None
    assert "web.shop. 5 IN A 10.0.0.1" in dns.message.from_wire(reply).to_text()


async def test_what_is_dropped_in_passing_is_counted_for_kept_replies_too(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("@ 60 IN SOA ns host 1 2 3 4 5\n@ 60 IN NS ns\nwww 60 IN CNAME www.example.com.\n")
    house = House(f"example.org {{\nfile {tmp_path}/db\n}}\n")
    async with house.running():
        replies = {house.ask_now(packet("www.example.org"), Ends()) for _ in range(5)}
        house.service().memo.tell()
        dropped = house.process.registry.value
        assert len(replies) == 1
        assert dropped("coredns_dns_responses_total", "dns://:53", "dropped", "", "REFUSED", "") == 5
