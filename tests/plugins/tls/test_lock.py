import json
import os
from pathlib import Path

import pytest

from kdns.plugins.tls import lock
from kdns.plugins.tls.lock import STALE, Locked, held
from kdns.plugins.tls.store import StorageError
from tests.kit.chain import Clock
from tests.kit.until import until

NOW = 1_700_000_000.0


async def test_one_at_a_time(tmp_path: Path) -> None:
    file, clock = tmp_path / "locks" / "x.lock", Clock(NOW)
    path = str(file)
    async with held(path, clock):
        assert json.loads(file.read_text())["updated"] == "2023-11-14T22:13:20Z"
        with pytest.raises(Locked):
            async with held(path, clock):
                raise AssertionError("two have it")
        assert file.exists()
    assert not file.exists()
    async with held(path, clock):
        pass


async def test_one_that_nobody_renews_counts_for_nothing(tmp_path: Path) -> None:
    path, clock = tmp_path / "x.lock", Clock(NOW)
    path.write_text("")
    os.utime(path, (NOW, NOW))
    clock.advance(STALE)
    with pytest.raises(Locked):
        async with held(str(path), clock):
            pass
    clock.advance(1)
    async with held(str(path), clock):
        pass


async def test_it_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "RENEWED", 0.0)
    path, clock = tmp_path / "x.lock", Clock(NOW)
    async with held(str(path), clock):
        clock.advance(100)
        await until(lambda: path.stat().st_mtime == NOW + 100)
    assert not path.exists()


async def test_where_there_can_be_none(tmp_path: Path) -> None:
    (tmp_path / "locks").touch()
    with pytest.raises(StorageError, match=rf"^lock {tmp_path}/locks/x.lock: "):
        async with held(f"{tmp_path}/locks/x.lock", Clock(NOW)):
            pass
