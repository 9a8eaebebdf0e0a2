"""A node and a pod, each a network namespace of its own, made by `ip` and gone at the end whatever happens.

    node 10.53.1.1 fd53:1::1 ─── first link ─── 10.53.1.2 fd53:1::2 pod
    node 10.53.2.1 fd53:2::1 ─── second link ── (no address)        pod

The pod reaches the node's second address by way of the first, so a server that does not see to it answers from the
wrong one. What a namespace has in `/etc/netns/NAME` stands in for the files of `/etc` in programs that run there.
"""

import itertools
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

NODE, SECOND, POD = "10.53.1.1", "10.53.2.1", "10.53.1.2"
NODE_6, SECOND_6, POD_6 = "fd53:1::1", "fd53:2::1", "fd53:1::2"

_LINKS = """\
link add a0 netns {node} type veth peer name a0 netns {pod}
link add b0 netns {node} type veth peer name b0 netns {pod}
-n {node} address add 10.53.1.1/24 dev a0
-n {node} address add 10.53.2.1/24 dev b0
-n {node} address add fd53:1::1/64 dev a0 nodad
-n {node} address add fd53:2::1/64 dev b0 nodad
-n {pod} address add 10.53.1.2/24 dev a0
-n {pod} address add fd53:1::2/64 dev a0 nodad
-n {node} link set lo up
-n {node} link set a0 up
-n {node} link set b0 up
-n {pod} link set lo up
-n {pod} link set a0 up
-n {pod} link set b0 up
-n {pod} route add 10.53.2.1 via 10.53.1.1
-n {pod} route add fd53:2::1 via fd53:1::1
"""

_NO_FILES: Mapping[str, str] = {}
_NUMBERS = itertools.count(1)


def possible() -> str:
    """Why namespaces cannot be made here; empty if they can."""
    if os.geteuid():
        return "network namespaces need root"
    name = f"kdns-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode:
        return f"no network namespace can be made: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", name], check=True)
    return ""


class Namespaces:
    """Both namespaces. `pod_files` and `node_files` are those of their `/etc`, by name."""

    def __init__(self, pod_files: Mapping[str, str], node_files: Mapping[str, str] = _NO_FILES) -> None:
        number = next(_NUMBERS)
        self.node, self.pod = (f"kdns-{role}-{os.getpid()}-{number}" for role in ("node", "pod"))
        self._files = {self.node: node_files, self.pod: pod_files}

    def __enter__(self) -> Self:
        try:
            self._make()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _make(self) -> None:
        for name, files in self._files.items():
            _ip("netns", "add", name)
            _etc(name).mkdir(parents=True)
            for file, text in files.items():
                (_etc(name) / file).write_text(text)
        for line in _LINKS.format(node=self.node, pod=self.pod).splitlines():
            _ip(*line.split())

    def _remove(self) -> None:
        for name in (self.node, self.pod):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)
            shutil.rmtree(_etc(name), ignore_errors=True)

    def on_node(self) -> list[str]:
        """Words in front of a command that is to run on the node."""
        return ["ip", "netns", "exec", self.node]

    def in_pod(self, *words: str) -> tuple[int, str]:
        """Run a command in the pod to its end: exit status and output, both streams together."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.pod, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            env={**os.environ, "LC_ALL": "C"},
        )
        return done.returncode, done.stdout


def _etc(name: str) -> Path:
    return Path("/etc/netns") / name


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"
