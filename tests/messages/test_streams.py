"""Messages that share a connection: their frames in any pieces, and replies in any order (RFC 7766)."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from kdns.wire import codes
from tests.messages.packets import opt, query
from tests.messages.server import Server
from tests.messages.transports import STREAMS, Stream, framed

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.parametrize("server", STREAMS, ids=str, indirect=True),
]

SLOW = "a.slow.test."


@pytest_asyncio.fixture(loop_scope="session")
async def stream(server: Server) -> AsyncIterator[Stream]:
    """A connection."""
    async with server.client() as client:
        assert isinstance(client, Stream)
        yield client


async def idents(stream: Stream, count: int) -> list[int]:
    """The ids of the next replies, 0 for the end of the connection."""
    replies = [await stream.receive() for _ in range(count)]
    return [int.from_bytes(reply[:2], "big") if reply else 0 for reply in replies]


async def test_one_octet_at_a_time(stream: Stream) -> None:
    for octet in framed(query(ident=1), query(ident=2)):
        await stream.write(bytes([octet]))
    assert await idents(stream, 2) == [1, 2]


@pytest.mark.parametrize("cut", [1, 2, 3, 14, 40])
async def test_a_frame_in_two_pieces(stream: Stream, cut: int) -> None:
    octets = framed(query(ident=1))
    await stream.write(octets[:cut])
    await stream.write(octets[cut:])
    assert await idents(stream, 1) == [1]


async def test_many_frames_in_one_piece(stream: Stream) -> None:
    await stream.write(framed(*[query(ident=number) for number in range(1, 101)]))
    assert await idents(stream, 100) == list(range(1, 101))


async def test_a_frame_and_a_half(stream: Stream) -> None:
    octets = framed(query(ident=1), query(ident=2))
    await stream.write(octets[: len(octets) * 3 // 4])
    assert await idents(stream, 1) == [1]
    await stream.write(octets[len(octets) * 3 // 4 :])
    assert await idents(stream, 1) == [2]


async def test_replies_do_not_wait_for_one_that_takes_longer(stream: Stream) -> None:
    await stream.send(query(SLOW, ident=1), query(ident=2), query("no.shop.svc.cluster.local.", ident=3))
    assert await idents(stream, 3) == [2, 3, 1]


async def test_the_same_id_twice(stream: Stream) -> None:
    await stream.send(query(ident=1), query(ident=1, rtype=codes.AAAA))
    replies = [await stream.receive(), await stream.receive()]
    assert [(reply or b"")[6:8] for reply in replies] == [b"\0\1", b"\0\0"]


async def test_a_message_of_no_length_is_passed_over(stream: Stream) -> None:
    await stream.write(b"\0\0" + framed(query(ident=1)) + b"\0\0\0\0" + framed(query(ident=2)))
    assert await idents(stream, 2) == [1, 2]


@pytest.mark.parametrize("size", [1, 2, 11])
async def test_a_message_shorter_than_a_header_is_passed_over(stream: Stream, size: int) -> None:
    await stream.send(query()[:size], query(ident=1))
    assert await idents(stream, 1) == [1]


async def test_what_is_refused_does_not_end_the_connection(stream: Stream) -> None:
    await stream.send(
        query(ident=1, opcode=15), query(ident=2, questions=0), query(ident=3)[:20], query(ident=4, flags=codes.QR)
    )
    await stream.send(query(ident=5, opts=(opt(version=1),)), query(ident=6, cls=codes.CH), query(ident=7))
    assert await idents(stream, 6) == [1, 2, 3, 5, 6, 7]


async def test_a_message_of_65535_octets(stream: Stream) -> None:
    await stream.send(query(ident=1, tail=bytes(65535 - len(query()))), query(ident=2))
    assert await idents(stream, 2) == [1, 2]


async def test_keepalive_is_no_reason_to_end(stream: Stream) -> None:
    await stream.send(query(ident=1, opts=(opt(1232, (codes.KEEPALIVE, b"")),)), query(ident=2))
    assert await idents(stream, 2) == [1, 2]


async def test_replies_come_to_a_client_that_has_closed_its_end(stream: Stream) -> None:
    await stream.send(query(ident=1), query(SLOW, ident=2))
    if not stream.writer.can_write_eof():
        pytest.skip("TLS has no half-closed connections")
    stream.writer.write_eof()
    assert await idents(stream, 3) == [1, 2, 0]
