"""The API server of the bench as its own process, which is told what to do (`apiserver.py`)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.processes import running


class Api:
    """A make-believe Kubernetes API over a generated cluster."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.url = str(self._answer()["url"])

    def relist(self) -> None:
        """Have every client list the whole cluster again; returns when all watch again."""
        self._tell(do="relist", patience=60)

    def change(self, *, rate: float, seconds: float, port: int) -> dict[str, float]:
        """Change Services, and see when a server's answers follow."""
        return self._tell(do="change", rate=rate, seconds=seconds, port=port)

    def _tell(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        print(json.dumps(what), file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        report: dict[str, Any] = json.loads(self._process.stdout.readline() or '{"error": "the API server has ended"}')
        if "error" in report:
            raise RuntimeError(report["error"])
        return report


@contextmanager
def serving(services: int, endpoints: int, folder: Path, cpus: frozenset[int]) -> Iterator[Api]:
    """The API of a cluster of that size. Raises `RuntimeError` when it does not start."""
    command = [sys.executable, "-m", "tests.bench.apiserver", str(services), str(endpoints)]
    with running(command, folder / "api.log", cpus, pipes=True) as process:
        yield Api(process)
