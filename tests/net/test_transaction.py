"""Transactions: what is a reply and what is not, and the ways to wait for one."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.net.failures import MalformedQuestion, UpstreamError
from kdns.net.transaction import Transaction, question_of
from tests.kit.upstream import question

ASKED = question("www.example.com")
REPLY = b"\x12\x34\x81\x80" + ASKED[4:]


def waiting() -> Transaction:
    return Transaction(ASKED, 2.0)


@pytest.mark.parametrize("name", [".", "a", "www.example.com", "x" * 63 + ".net"])
@pytest.mark.parametrize("edns", [False, True])
def test_the_question_is_found(name: str, edns: bool) -> None:
    message = question(name, 65, edns=edns)
    assert Transaction(message, 0.0).question == question(name, 65)[12:]


@pytest.mark.parametrize(
    "message",
    [
        b"",
        ASKED[:11],
        ASKED[:4] + b"\0\0" + ASKED[6:],
        ASKED[:4] + b"\0\2" + ASKED[6:],
        ASKED[:12] + b"\xc0\x0c\0\1\0\1",
        ASKED[:12] + b"\x40" + b"a" * 64 + b"\0\0\1\0\1",
        ASKED[:12] + (b"\x3f" + b"a" * 63) * 4 + b"\0\0\1\0\1",
        ASKED[:-5],
        ASKED[:-1],
    ],
)
def test_what_is_no_question_is_refused(message: bytes) -> None:
    with pytest.raises(MalformedQuestion):
        Transaction(message, 0.0)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_question_or_refused(tail: bytes) -> None:
    message = ASKED[:12] + tail
    try:
        found = question_of(message)
    except MalformedQuestion:
        return
    assert 5 <= len(found) <= 259
    assert message[12:].startswith(found)


def test_the_reply_gets_the_questions_own_id() -> None:
    transaction = waiting()
    transaction.finish(REPLY)
    assert transaction.result() == b"\xab\xcd" + REPLY[2:]


@pytest.mark.parametrize(
    "reply",
    [
        REPLY,
        REPLY + b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1",
        REPLY[:2] + b"\x83\x80" + REPLY[4:],
        REPLY.replace(b"example", b"eXAMPLe"),
    ],
    ids=["plain", "records", "truncated", "other case"],
)
def test_these_are_replies(reply: bytes) -> None:
    assert waiting().accepts(reply)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        REPLY[:2],
        REPLY[:12],
        REPLY[:-1],
        REPLY[:2] + b"\x01\x00" + REPLY[4:],
        REPLY[:2] + b"\xa1\x80" + REPLY[4:],
        REPLY[:4] + b"\0\0" + REPLY[6:],
        REPLY[:4] + b"\0\2" + REPLY[6:],
        REPLY.replace(b"example", b"exbmple"),
        REPLY.replace(b"\3www", b"\3wwx"),
        REPLY[:-4] + b"\0\x1c\0\1",
        REPLY[:-4] + b"\0\1\0\3",
        REPLY[:12] + b"\x0fwww.example.com\0\0\1\0\1",
        REPLY[:12] + b"\xc0\x0c\0\1\0\1",
    ],
)
def test_these_are_not(reply: bytes) -> None:
    assert not waiting().accepts(reply)


def test_type_and_class_have_no_case() -> None:
    https = Transaction(question("a", 65), 0.0)
    assert not https.accepts(b"\x12\x34\x81\x80" + question("a", 97)[4:])


@given(st.binary(max_size=100))
def test_no_datagram_breaks_the_comparison(datagram: bytes) -> None:
    assert not waiting().accepts(datagram) or datagram[12:].lower().startswith(ASKED[12:])


def test_who_waits_is_told_at_once_and_once() -> None:
    transaction = waiting()
    told: list[Transaction] = []
    transaction.add_done_callback(told.append)
    transaction.add_done_callback(told.append)
    transaction.finish(REPLY)
    transaction.fail(UpstreamError("too late"))
    assert told == [transaction, transaction]
    assert transaction.result()


def test_who_comes_late_is_told_at_once() -> None:
    transaction = waiting()
    told: list[Transaction] = []
    transaction.fail(UpstreamError("broken"))
    transaction.add_done_callback(told.append)
    assert told == [transaction]
    assert str(transaction.exception()) == "broken"


def test_who_is_forgotten_is_not_told() -> None:
    transaction = waiting()
    told: list[Transaction] = []
    for _ in range(3):
        transaction.add_done_callback(told.append)
    transaction.add_done_callback(print)
    assert transaction.remove_done_callback(print) == 1
    assert transaction.remove_done_callback(told.append) == 3
    assert transaction.remove_done_callback(told.append) == 0
    transaction.finish(REPLY)
    assert told == []


def test_a_coroutine_driven_by_hand_goes_on_in_the_same_tick() -> None:
    transaction = waiting()

    async def ask() -> bytes:
        return await transaction

    work = ask()
    future = work.send(None)
    future._asyncio_future_blocking = False
    ended = []

    def go_on(_: object) -> None:
        try:
            work.send(None)
        except StopIteration as stop:
            ended.append(stop.value)

    future.add_done_callback(go_on)
    transaction.finish(REPLY)
    assert ended == [b"\xab\xcd" + REPLY[2:]]


def test_there_is_no_result_before_the_outcome() -> None:
    with pytest.raises(asyncio.InvalidStateError):
        waiting().result()
    assert not waiting().done()
    assert waiting().exception() is None


@pytest.mark.asyncio(loop_factories=["asyncio", "uvloop"])
class TestInTasks:
    async def test_a_task_awaits_the_reply(self) -> None:
        transaction = waiting()
        asyncio.get_running_loop().call_soon(transaction.finish, REPLY)
        assert await transaction == b"\xab\xcd" + REPLY[2:]

    async def test_a_task_gets_the_error(self) -> None:
        transaction = waiting()
        asyncio.get_running_loop().call_soon(transaction.fail, UpstreamError("broken"))
        with pytest.raises(UpstreamError, match="broken"):
            await transaction

    async def test_an_outcome_that_is_there_needs_no_waiting(self) -> None:
        transaction = waiting()
        transaction.finish(REPLY)
        assert await transaction

    async def test_a_task_may_end_another_tasks_wait(self) -> None:
        transaction = waiting()

        async def ask() -> bytes:
            return await transaction

        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        transaction.finish(REPLY)
        assert await task

    async def test_a_cancelled_task_stops_waiting_and_the_reply_is_lost_on_it(self) -> None:
        transaction = waiting()

        async def ask() -> bytes:
            return await transaction

        task = asyncio.create_task(ask())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert transaction.cancelled()
        assert not transaction.cancel()
        transaction.finish(REPLY)

    async def test_it_fits_where_a_future_fits(self) -> None:
        first, second, third = waiting(), waiting(), waiting()
        loop = asyncio.get_running_loop()
        for transaction in (first, second):
            loop.call_soon(transaction.finish, REPLY)
        assert list(await asyncio.gather(first, second)) == [b"\xab\xcd" + REPLY[2:]] * 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(third, 0.001)
        assert third.cancelled()

    async def test_several_tasks_may_await_one_reply(self) -> None:
        transaction = waiting()

        async def ask() -> bytes:
            return await transaction

        tasks = [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0)
        transaction.finish(REPLY)
        assert len(set(await asyncio.gather(*tasks))) == 1
