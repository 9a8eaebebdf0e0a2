"""The make-believe API server as a program; see `tests.kit.api` for how to call it."""

import argparse
import asyncio
import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from tests.kit.api import FakeApi
from tests.kit.cluster import cluster, service
from tests.kit.store import Store


def manifests(paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The objects in YAML files, and in those of folders."""
    for path in map(Path, paths):
        for file in sorted(path.rglob("*.y*ml")) if path.is_dir() else [path]:
            yield from yaml.load_all(file.read_bytes(), yaml.CSafeLoader)


async def _serve(options: argparse.Namespace) -> None:
    store = Store()
    store.load(manifests(options.paths))
    store.load(cluster(options.services, options.endpoints))
    store.compact()
    api = FakeApi(store, streaming=not options.no_streaming, whole=not options.paging)
    api.tokens = set(options.token) or None
    await api.start(options.host, options.port)
    print(api.url, {plural: len(objects) for plural, objects in store.objects.items()}, flush=True)
    clock = asyncio.get_running_loop().time
    bookmarked, step = clock(), 1 / max(options.changes, 1)
    for turn in itertools.count(1):
        await asyncio.sleep(step)
        if options.changes and options.services:
            store.put(service(turn % options.services, turn))
        if clock() - bookmarked >= options.bookmarks:
            bookmarked = clock()
            api.bookmark()


def main(arguments: list[str]) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.kit.api", description="A make-believe Kubernetes API server."
    )
    parser.add_argument("paths", nargs="*", metavar="DIR_OR_FILE", help="YAML manifests")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free; the URL is printed")
    parser.add_argument("--services", type=int, default=0, help="add a generated cluster of so many Services")
    parser.add_argument("--endpoints", type=int, default=0, help="with so many endpoints")
    parser.add_argument("--changes", type=float, default=0.0, help="change so many generated Services a second")
    parser.add_argument("--bookmarks", type=float, default=60.0, help="seconds between bookmarks")
    parser.add_argument("--token", action="append", default=[], help="bearer token to take; any by default")
    parser.add_argument("--no-streaming", action="store_true", help="refuse sendInitialEvents")
    parser.add_argument("--paging", action="store_true", help="keep to the page size with resourceVersion=0 too")
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args(arguments)))
