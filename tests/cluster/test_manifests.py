import asyncio
import logging
from pathlib import Path

import pytest

from kdns.cluster.index import Index
from kdns.cluster.kinds import NAMESPACES, SERVICES
from kdns.cluster.manifests import ManifestSource
from kdns.cluster.mirror import STEP, Mirror
from kdns.cluster.source import Source
from tests.kit.until import until

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: shop}, spec: {clusterIP: 10.96.0.1}}\n---\n"


class World:
    """A folder, its source, and a sleep that ends when the test says so."""

    def __init__(self, path: Path) -> None:
        self.forgotten = 0
        self.looks = asyncio.Semaphore(0)
        self.asleep = 0
        self.index = Index()
        self.mirror = Mirror(self.index, lambda: 1.0, self._forget, (SERVICES, NAMESPACES))
        self.source = ManifestSource(str(path), self.mirror, sleep=self._sleep)

    def _forget(self, touched: object) -> None:
        self.forgotten += 1

    async def _sleep(self, seconds: float) -> None:
        assert seconds == 1.0
        self.asleep += 1
        await self.looks.acquire()

    async def look(self) -> None:
        """Let the source look once more, until it sleeps again."""
        asleep = self.asleep
        self.looks.release()
        await until(lambda: self.asleep > asleep)

    def names(self) -> set[str]:
        return {service.name for service in self.index.services([])}

    def synced(self) -> bool:
        return self.mirror.synced


async def test_it_follows_the_folder(tmp_path: Path) -> None:
    world = World(tmp_path)
    (tmp_path / "a.yaml").write_text(SERVICE % "web" + SERVICE % "db")
    source: Source = world.source
    task = asyncio.create_task(source.run())
    assert not world.synced()
    await until(lambda: world.asleep)
    assert world.synced()
    assert world.names() == {"web", "db"}
    world.forgotten = 0
    await world.look()
    assert world.forgotten == 0
    (tmp_path / "a.yaml").write_text(SERVICE % "web" + SERVICE % "cache" + "\n")
    await world.look()
    assert world.names() == {"web", "cache"}
    assert world.forgotten == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.names() == {"web", "cache"}


async def test_the_loop_gets_turns_while_much_is_taken_over(tmp_path: Path) -> None:
    world, turns = World(tmp_path), 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += len(world.names()) not in (0, 2 * STEP)
            await asyncio.sleep(0)

    (tmp_path / "a.yaml").write_text("".join(SERVICE % f"x{number}" for number in range(2 * STEP)))
    counting = asyncio.create_task(count())
    await world.source.refresh()
    counting.cancel()
    assert len(world.names()) == 2 * STEP
    assert turns >= 4


async def test_problems_are_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path)
    (tmp_path / "a.yaml").write_text(SERVICE % "web")
    (tmp_path / "b.yaml").write_text("a: b: c")
    with caplog.at_level(logging.ERROR, "kdns.kubernetes"):
        for _ in range(3):
            await world.source.refresh()
    assert [record.getMessage().split(": ")[:3] for record in caplog.records] == [
        ["Manifests", f"{tmp_path}/b.yaml", "document 1, line 1, column 5"]
    ]
    assert world.names() == {"web"}
    assert world.synced()


async def test_a_folder_that_is_not_there_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path / "later")
    with caplog.at_level(logging.ERROR, "kdns.kubernetes"):
        await world.source.refresh()
        await world.source.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        f"Failed to read manifests: {tmp_path}/later: No such file or directory"
    ]
    assert not world.synced()
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.yaml").write_text(SERVICE % "web")
    await world.source.refresh()
    assert world.synced()
    assert world.names() == {"web"}


async def test_a_folder_that_goes_away_leaves_what_was_read(tmp_path: Path) -> None:
    world = World(tmp_path / "folder")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text(SERVICE % "web")
    await world.source.refresh()
    (tmp_path / "folder").rename(tmp_path / "away")
    await world.source.refresh()
    assert world.names() == {"web"}
