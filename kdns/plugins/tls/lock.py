"""A mark on disk that somebody is about to order, so that replicas that share a folder do not order all at once.

The file is CoreDNS's: whoever creates it has the lock, renews the time in it every 5 seconds, and removes it. One that
was not renewed for long is left over from a process that died. Two replicas may then both take it away and both order,
which costs an order, where a perfect lock could keep everybody waiting for ever.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from kdns.net.failures import reason
from kdns.plugins.tls.store import StorageError, make_folder

RENEWED: Final = 5.0
"""Seconds between two renewals."""
STALE: Final = 30.0
"""Seconds without one after which a lock counts for nothing; CoreDNS counts 10, and clocks differ."""


class Locked(Exception):
    """Somebody else has the lock."""


@asynccontextmanager
async def held(path: str, now: Callable[[], float]) -> AsyncIterator[None]:
    """Hold a lock; `now` is Unix time in seconds. Raises Locked, and StorageError."""
    await asyncio.to_thread(_take, path, now())
    renewal = asyncio.create_task(_renew(path, now))
    try:
        yield
    finally:
        renewal.cancel()
        await asyncio.shield(asyncio.to_thread(_release, path))


def _take(path: str, now: float) -> None:
    try:
        make_folder(os.path.dirname(path))
        with suppress(FileNotFoundError):
            if abs(now - os.stat(path).st_mtime) > STALE:
                os.unlink(path)
        _create(path)
        _touch(path, now)
    except OSError as error:
        raise StorageError(f"lock {path}: {reason(error)}") from error


def _create(path: str) -> None:
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    except FileExistsError as error:
        raise Locked from error


async def _renew(path: str, now: Callable[[], float]) -> None:
    while True:
        await asyncio.sleep(RENEWED)
        with suppress(OSError):
            await asyncio.to_thread(_touch, path, now())


def _touch(path: str, now: float) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_TRUNC), "wb") as file:
        file.write(_mark(now))
    os.utime(path, (now, now))


def _release(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)


def _mark(now: float) -> bytes:
    """When it was renewed, as CoreDNS reads it; when it was taken is nobody's concern."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    return json.dumps({"created": stamp, "updated": stamp}).encode() + b"\n"
