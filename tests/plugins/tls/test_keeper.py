import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kdns.plugins.tls.certificate import Certificate, read
from kdns.plugins.tls.keeper import ASK, LOCKED, LOOK, Keeper
from kdns.plugins.tls.order import OrderError
from kdns.plugins.tls.shown import Contexts, Shown
from kdns.plugins.tls.store import Store
from tests.kit.acme import DAY, Root
from tests.kit.chain import Clock, process

DOMAIN = "dns.example"
START = 1_700_000_000.0


class Ended(Exception):
    """A test has seen enough."""


class World:
    """A keeper with a CA, a disk and a clock that are a test's. Every sleep passes at once; `limit` of them do."""

    def __init__(self, folder: Path, limit: int = 20) -> None:
        self.folder = folder
        self.store = Store(str(folder), "https://ca.example/")
        self.time, self.clock = Clock(START), Clock(0.0)
        self.root = Root(self.time)
        self.lifetime = 90 * DAY
        self.placed: list[float] = []
        self.asked: list[float] = []
        self.sleeps: list[float] = []
        self.shown: list[Contexts] = []
        self.failures: list[OrderError] = []
        self.wish: Callable[[], float | None] = lambda: None
        self._limit = limit

    def show(self, domain: str, contexts: Contexts) -> None:
        self.shown.append(contexts)

    async def place(self, domain: str) -> Certificate:
        self.placed.append(self.time.now - START)
        if self.failures:
            raise self.failures.pop(0)
        return read(domain, *self.root.pair(domain, lifetime=self.lifetime))

    async def renewal(self, certificate: Certificate) -> float | None:
        self.asked.append(self.time.now - START)
        if self.failures:
            raise self.failures.pop(0)
        return self.wish()

    def put(self, domain: str = DOMAIN) -> Certificate:
        """Have a new certificate on disk."""
        made = read(domain, *self.root.pair(domain, lifetime=self.lifetime))
        self.store.keep(domain, made)
        return made

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if len(self.sleeps) >= self._limit:
            raise Ended
        self.time.advance(seconds)
        self.clock.advance(seconds)

    def keeper(self) -> Keeper:
        shown = Shown([DOMAIN])
        shown.show = self.show  # type: ignore[method-assign]
        outside = process(self.clock, time=self.time)
        return Keeper(DOMAIN, self.store, self, shown, outside, sleep=self.sleep, chance=lambda: 0.5)

    async def run(self, keeper: Keeper | None = None) -> None:
        with pytest.raises(Ended):
            await (keeper or self.keeper()).keep(asyncio.Semaphore(1))


async def test_the_first_is_ordered_at_once_and_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path)
    await world.run()
    assert world.placed == [0.0]
    assert len(world.shown) == 1
    assert max(world.sleeps) == LOOK
    assert caplog.messages == [f"certificate for {DOMAIN} obtained, valid until 2024-02-12 22:13:20"]


async def test_what_is_on_disk_is_shown_before_anything_and_not_ordered(tmp_path: Path) -> None:
    world = World(tmp_path)
    await asyncio.to_thread(world.put)
    keeper = world.keeper()
    await keeper.load()
    assert len(world.shown) == 1
    await world.run(keeper)
    assert world.placed == []
    assert len(world.shown) == 1


async def test_renewal_when_a_third_is_left(tmp_path: Path) -> None:
    world = World(tmp_path, limit=int(130 * DAY / LOOK))
    await world.run()
    assert world.placed == pytest.approx([0, 60 * DAY + 1800, 120 * DAY + 3600], abs=2 * LOOK)
    assert len(world.shown) == 3


async def test_another_replica_has_renewed_it(tmp_path: Path) -> None:
    world = World(tmp_path, limit=3)
    await asyncio.to_thread(world.put)
    keeper = world.keeper()
    await keeper.load()
    world.time.advance(80 * DAY)
    await asyncio.to_thread(world.put)
    await world.run(keeper)
    assert world.placed == []
    assert len(world.shown) == 2


async def test_another_replica_is_ordering(tmp_path: Path) -> None:
    world = World(tmp_path, limit=4)
    path = world.store.lock(DOMAIN)
    os.mkdir(os.path.dirname(path))
    os.close(os.open(path, os.O_CREAT))
    os.utime(path, (START, START))
    await world.run()
    assert world.sleeps[:3] == [LOCKED] * 3
    assert world.placed == []


async def test_failures_are_logged_and_followed_by_longer_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(tmp_path, limit=8)
    world.failures = [OrderError("the CA is down")] * 4
    await world.run()
    assert world.placed == [0, 60, 180, 420, 900]
    assert len(world.shown) == 1
    line = f"certificate for {DOMAIN}: the CA is down; there is none yet; next try in %d s"
    assert caplog.messages == [line % wait for wait in (60, 120, 240, 480)]


async def test_what_is_shown_stays_while_renewal_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, limit=10)
    await asyncio.to_thread(world.put)
    keeper = world.keeper()
    await keeper.load()
    world.time.advance(100 * DAY)
    world.failures = [OrderError("the CA is down")] * 100
    await world.run(keeper)
    assert len(world.shown) == 1
    assert "the CA is down; the one shown ends 2024-02-12 22:13:20; next try in 60 s" in caplog.messages[0]


async def test_nothing_is_ordered_that_could_not_be_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    world = World(tmp_path, limit=4)
    world.store = Store(str(tmp_path / "file"), "https://ca.example/")
    keeper = world.keeper()
    await keeper.load()
    await world.run(keeper)
    assert world.placed == []
    assert all(f"{tmp_path}/file/" in line and "not a directory" in line for line in caplog.messages)


@pytest.mark.parametrize("lifetime", [1.0, 40.0, 90.0])
async def test_a_ca_whose_certificates_end_at_once_is_not_asked_without_end(tmp_path: Path, lifetime: float) -> None:
    world = World(tmp_path, limit=100)
    world.lifetime = lifetime
    await world.run()
    gaps = [later - earlier for earlier, later in zip(world.placed, world.placed[1:], strict=False)]
    assert min(gaps) >= 45.0


async def test_an_old_certificate_from_the_ca_is_a_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, limit=5)
    world.root = Root(lambda: world.time.now - 100 * DAY)
    await world.run()
    assert world.placed == [0, 60, 180, 420, 900]
    assert world.shown == []
    assert "the CA gives one that is due for renewal at once" in caplog.messages[0]


async def test_the_ca_may_wish_it_renewed(tmp_path: Path) -> None:
    world = World(tmp_path, limit=int(2 * DAY / LOOK))
    world.wish = lambda: START + DAY / 2 if len(world.placed) < 2 else None
    await world.run()
    assert world.asked[0] <= LOOK
    assert [later - earlier for earlier, later in zip(world.asked, world.asked[1:], strict=False)] == pytest.approx(
        [ASK] * (len(world.asked) - 1), abs=LOOK
    )
    assert world.placed == pytest.approx([0, DAY / 2], abs=LOOK)


async def test_a_ca_that_cannot_be_asked_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, limit=100)
    await asyncio.to_thread(world.put)
    keeper = world.keeper()
    await keeper.load()
    world.failures = [OrderError("the CA is down")] * 100
    await world.run(keeper)
    assert world.asked
    assert world.placed == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


async def test_a_disk_that_cannot_be_read_is_logged_at_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    os.makedirs(world.store.paths(DOMAIN)[0])
    await world.keeper().load()
    assert caplog.messages == [f"certificate for {DOMAIN}: open {world.store.paths(DOMAIN)[0]}: is a directory"]
