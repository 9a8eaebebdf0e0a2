"""Who reads which socket while workers come and go; their processes only sleep, and the test speaks for them."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest
from msgspec import msgpack

from kdns.corefile import Corefile
from kdns.metrics import Registry
from kdns.server import build
from kdns.server.instance import Instance
from kdns.server.ports import Place, Ports
from kdns.server.source import Input
from kdns.server.workers import crew as room
from kdns.server.workers.crew import MAX_PROCESSES, Crew, shares
from kdns.server.workers.life import Legacy
from kdns.server.workers.link import Link, Word
from kdns.server.workers.rounds import Birth
from tests.kit.chain import process
from tests.kit.until import until
from tests.kit.upstream import unused_port


class Forker:
    """Its children sleep; `links` are their ends."""

    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.pids: list[int] = []
        self.legacies: list[Legacy] = []
        self.births: list[Birth] = []
        self.hold = False
        self.error: OSError | None = None
        self.words: list[Word] = []

    def fork(self, birth: Birth) -> None:
        self.births.append(birth)
        if not self.hold:
            self.bear(birth)

    def bear(self, birth: Birth) -> None:
        if self.error is not None:
            birth.born(self.error)
            return
        assert isinstance(birth.child, partial)
        (legacy,) = birth.child.args
        self.legacies.append(legacy)
        self.links.append(
            Link(asyncio.get_running_loop(), legacy.link.dup(), lambda word, _: self.words.append(word), lambda: None)
        )
        self.pids.append(os.posix_spawnp("sleep", ["sleep", "60"], os.environ))
        birth.born(self.pids[-1])

    def end(self, number: int) -> None:
        """A child ends."""
        os.kill(self.pids[number], 9)
        self.links[number].close()


class House:
    """Ports that serve an instance with so many sockets, and its crew."""

    def __init__(self, sockets: int, words: str = "whoami") -> None:
        self.process = process()
        self.text = f".:{unused_port()} {{\nbind 127.0.0.1\nmultisocket {sockets}\n{words}\n}}\n"
        self.ports = Ports()
        self.forker = Forker()
        self.crew = Crew(self.forker, self.ports, self.process, 53)
        self.instance, self.corefile = self.built()
        self.ports.serve(self.instance)

    def built(self) -> tuple[Instance, Corefile]:
        corefile = build.read(Input(self.text, "Corefile"), self.process)
        return build.build(corefile, self.process, 53), corefile

    def begin(self) -> None:
        self.crew.begin(self.instance, self.corefile)

    async def serving(self, number: int) -> None:
        """The child says that it serves, and is heard."""
        await until(lambda: len(self.forker.links) > number)
        lent = len(self.ports._lent)
        self.forker.links[number].send(Word.SERVING)
        await until(lambda: len(self.ports._lent) > lent)

    def lent(self) -> set[int]:
        return {place.number for place in self.ports._lent}


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house = House(3)
    yield house
    await ended(house)


async def ended(house: House) -> None:
    watch = house.crew._watch
    house.crew.kill()
    if watch is not None:
        await watch.gone()
    house.ports.close()
    for link in house.forker.links:
        link.close()


async def test_sockets_are_lent_when_a_worker_reads_them_and_taken_back_when_it_is_gone(house: House) -> None:
    house.begin()
    await until(lambda: len(house.forker.links) == 2)
    assert house.lent() == set()
    await house.serving(1)
    assert house.lent() == {2}
    assert len(house.ports._lent) == 2  # UDP and TCP
    await house.serving(0)
    assert house.lent() == {1, 2}
    house.forker.end(1)
    await until(lambda: house.lent() == {1})


async def test_each_worker_is_given_the_sockets_it_reads(house: House) -> None:
    house.begin()
    await until(lambda: len(house.forker.links) == 2)
    for number, legacy in enumerate(house.forker.legacies, 1):
        assert {(place.number, place.proto) for place in legacy.sockets} == {(number, "udp"), (number, "tcp")}
        for place, descriptors in legacy.sockets.items():
            assert list(descriptors) == [each.fileno() for each in house.ports._open[place]]


async def test_one_that_ends_is_followed_by_another_the_later_the_oftener(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FIRST_DELAY", 0.001)
    house.begin()
    for number in range(2, 6):
        await until(lambda: len(house.forker.links) == number)  # noqa: B023
        house.forker.end(number - 1)
    await until(lambda: len(house.forker.links) == 6)
    errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert errors == [
        f"A further process was killed by SIGKILL, another one follows in {1 << number}ms" for number in range(4)
    ]


async def test_a_steady_one_is_followed_soon(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FIRST_DELAY", 0.001)
    house.begin()
    for number in range(2, 5):
        await until(lambda: len(house.forker.links) == number)  # noqa: B023
        house.process.clock.now += room.STEADY + 1  # type: ignore[attr-defined]
        house.forker.end(number - 1)
    await until(lambda: len(house.forker.links) == 5)
    assert [record.getMessage()[-3:] for record in caplog.records] == ["1ms"] * 3


async def test_a_fork_that_the_system_refuses_is_tried_again(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "FIRST_DELAY", 0.001)
    house.forker.error = OSError(12, "Cannot allocate memory")
    house.begin()
    await until(lambda: len(house.forker.births) > 3)
    house.forker.error = None
    await until(lambda: len(house.forker.links) == 2)
    assert "could not be made: Cannot allocate memory, another one follows in 1ms" in caplog.records[0].getMessage()


async def test_those_who_leave_are_not_followed_and_do_not_give_back(house: House) -> None:
    house.begin()
    for number in (0, 1):
        await house.serving(number)
    watch = house.crew.leave()
    assert watch is not None
    await until(lambda: house.forker.words.count(Word.LEAVE) == 2)
    for link in house.forker.links:
        link.send(Word.LEFT, msgpack.encode(counted(5).figures()))
        await link.sent()
        link.close()
    await watch.gone()
    assert house.lent() == {1, 2}
    assert len(house.forker.births) == 2
    assert house.process.registry.value("a_total") == 10


async def test_those_who_take_too_long_to_leave_are_killed(
    house: House, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "GRACE", 0.01)
    house.begin()
    await house.serving(0)
    watch = house.crew.leave()
    assert watch is not None
    await watch.gone()
    assert [record.getMessage().endswith("took too long to leave and was killed") for record in caplog.records] == [
        True
    ] * 2


async def test_those_who_are_not_born_yet_never_are(house: House) -> None:
    house.forker.hold = True
    house.begin()
    await until(lambda: len(house.forker.births) == 2)
    watch = house.crew.leave()
    assert watch is not None
    await watch.gone()
    assert all(birth.cancelled for birth in house.forker.births)


async def test_one_that_is_born_in_the_tick_in_which_all_leave_leaves_too(house: House) -> None:
    house.forker.hold = True
    house.begin()
    await until(lambda: len(house.forker.births) == 2)
    house.forker.bear(house.forker.births[0])
    watch = house.crew.leave()
    assert watch is not None
    await until(lambda: house.forker.words == [Word.LEAVE])
    house.forker.end(0)
    await watch.gone()


async def test_a_reload_takes_everything_back(house: House) -> None:
    house.begin()
    for number in (0, 1):
        await house.serving(number)
    house.instance, house.corefile = house.built()
    house.ports.serve(house.instance)
    assert house.lent() == set()
    watch = house.crew.leave()
    house.begin()
    for number in (2, 3):
        await house.serving(number)
    for number in (0, 1):
        house.forker.end(number)
    assert watch is not None
    await watch.gone()
    assert house.lent() == {1, 2}


def counted(times: int) -> Registry:
    registry = Registry()
    registry.counter("a_total", "A.").child().add(times)
    return registry


async def test_a_scrape_shows_sums_and_the_last_known_figures_of_those_who_are_slow(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = house.process.registry
    registry.counter("a_total", "A.").child().add()
    await registry.gather()
    house.begin()
    await until(lambda: len(house.forker.links) == 2)
    gathering = asyncio.ensure_future(registry.gather())
    await until(lambda: house.forker.words.count(Word.ASK) == 2)
    for link in house.forker.links:
        link.send(Word.FIGURES, msgpack.encode(counted(5).figures()))
    await gathering
    assert registry.value("a_total") == 11
    monkeypatch.setattr(room, "ANSWER", 0.01)
    await registry.gather()
    assert registry.value("a_total") == 11
    house.forker.end(0)
    await until(lambda: len(house.forker.links) == 3)
    await registry.gather()
    assert registry.value("a_total") == 11


async def test_blocks_that_only_the_first_process_can_answer_are_not_shared() -> None:
    house = House(3, "secondary example.org {\ntransfer from 192.0.2.1\n}")
    house.begin()
    assert house.crew._watch is not None
    await house.crew._watch.gone()
    assert house.forker.births == []
    await ended(house)


def test_shares() -> None:
    def places(*numbers: int) -> list[Place]:
        return [Place("dns", "udp", "", 53, number) for number in numbers]

    assert shares([]) == {}
    assert shares(places(0)) == {}
    assert shares(places(0, 0, 1)) == {1: places(1)}
    many = shares(places(*range(2 * MAX_PROCESSES)))
    assert list(many) == list(range(1, MAX_PROCESSES))
    assert many[3] == places(3, MAX_PROCESSES + 3)
