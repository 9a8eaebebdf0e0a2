from typing import Any

from kdns.metrics import Counter
from kdns.net.backlog import SIZE, Backlog, Counted, Letters, Stack

Letter = tuple[Any, bytes]


def letters(first: int, count: int) -> list[Letter]:
    return [(None, b"%d" % number) for number in range(first, first + count)]


class Socket:
    """Takes so many letters, and keeps them; a carrier as well, which refuses so many first."""

    def __init__(self, room: int, refused: int = 0) -> None:
        self.room = room
        self.sent: list[bytes] = []
        self.refused = 0
        self.received = 7
        self._refusals = refused

    def send(self, some: Letters) -> int:
        taken = some[: self.room]
        self.room -= len(taken)
        self.sent += [octets for _, octets in taken]
        self.refused += self._refusals
        return len(taken)

    def serve(self, hit: Any, miss: Any) -> Letters:
        self.refused += self._refusals
        return letters(0, 2)

    def client(self, route: Any) -> tuple[str, int]:
        return "192.0.2.1", 5353

    def local(self, route: Any) -> str:
        return "192.0.2.53"


def test_a_backlog_keeps_what_came_first() -> None:
    backlog = Backlog()
    assert backlog.add(letters(0, SIZE - 1)) == 0
    assert backlog.add(letters(SIZE - 1, 3)) == 2
    assert (len(backlog), backlog.full) == (SIZE, False)
    assert backlog.take() == letters(0, SIZE)
    assert len(backlog) == 0


def test_a_backlog_tries_each_once() -> None:
    backlog, socket = Backlog(), Socket(2)
    backlog.add(letters(0, 5))
    assert backlog.retry(socket.send) == 3
    assert (len(backlog), socket.sent) == (0, [b"0", b"1"])


def test_a_backlog_ends() -> None:
    backlog = Backlog()
    backlog.add(letters(0, 5))
    assert (backlog.clear(), len(backlog)) == (5, 0)


def test_a_stack_keeps_what_came_last() -> None:
    lost = Counter()
    stack = Stack(lost)
    assert stack.add(letters(0, SIZE - 1)) == 0
    full = [stack.full]
    assert stack.add(letters(SIZE - 1, 1)) == 0
    assert [*full, stack.full] == [False, True]
    assert stack.add(letters(SIZE, 3)) == 3
    assert (len(stack), lost.value) == (SIZE, 3)
    assert stack.take() == letters(3, SIZE)
    assert len(stack) == 0


def test_a_stack_takes_more_than_it_holds_at_once() -> None:
    lost = Counter()
    stack = Stack(lost)
    assert stack.add(letters(0, SIZE + 10)) == 10
    assert stack.take() == letters(10, SIZE)
    assert lost.value == 10


def test_a_stack_sends_the_newest_as_long_as_there_is_room() -> None:
    lost = Counter()
    stack, socket = Stack(lost), Socket(70)
    stack.add(letters(0, 100))
    assert stack.retry(socket.send) == 0
    assert socket.sent == [b"%d" % number for number in range(99, 29, -1)]
    stack.add(letters(100, 1))
    socket.room, socket.sent = 1000, []
    assert stack.retry(socket.send) == 0
    assert socket.sent == [b"100", *[b"%d" % number for number in range(29, -1, -1)]]
    assert (len(stack), lost.value) == (0, 0)


def test_a_stack_is_not_tried_for_ever() -> None:
    lost = Counter()
    stack, socket = Stack(lost), Socket(0)
    stack.add(letters(0, 3))
    assert [stack.retry(socket.send) for _ in range(4)] == [1, 1, 1, 0]
    assert (len(stack), lost.value) == (0, 3)


def test_a_stack_ends() -> None:
    lost = Counter()
    stack = Stack(lost)
    stack.add(letters(0, 5))
    assert (stack.clear(), len(stack), lost.value) == (5, 0, 5)


def test_what_the_system_refuses_is_counted() -> None:
    lost, socket = Counter(), Socket(10, refused=2)
    carrier = Stack(lost).carrier(socket)
    assert isinstance(carrier, Counted)
    assert carrier.send(letters(0, 3)) == 3
    assert lost.value == 2
    assert carrier.serve(lambda packet: None, lambda packet, route: None) == letters(0, 2)
    assert (lost.value, carrier.refused, carrier.received) == (4, 4, 7)
    assert (carrier.client(None), carrier.local(None)) == (("192.0.2.1", 5353), "192.0.2.53")
    assert Backlog().carrier(socket) is socket
