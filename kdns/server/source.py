"""Where the configuration comes from, so that it can be read again (`corefile.md` sections 10 and 13).

Beside the Corefile there may be a mounted ConfigMap `kube-dns`. Its files are links into a folder that is swapped at a
change, as with every ConfigMap: they are followed anew at every reading.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, field, replace

from kdns.corefile import CLUSTER, KubeDns, kubedns
from kdns.corefile.files import MAX_FILE, Disk, decode

STDIN = "stdin"
DEFAULT = "Corefile"
BUILT_IN = ".\n{\nwhoami\nlog\n}\n"
"""What is served when there is neither a Corefile nor a ConfigMap `kube-dns`."""


class SourceError(OSError):
    """The configuration cannot be read; the text is Go's."""


@dataclass(frozen=True, slots=True)
class Input:
    """The text of a Corefile and the name that errors show for it, and the ConfigMap that it is to be read with."""

    text: str
    file: str
    kube_dns: KubeDns = field(default_factory=KubeDns)


class Source:
    """One way to read the configuration: the values of `-conf` and `-kubednscm`, empty if they were not given."""

    def __init__(self, conf: str, kube_dns: str = "") -> None:
        self._conf = conf
        self._kube_dns = kube_dns
        self._piped: Input | None = None

    async def read(self) -> Input:
        """Read it now, off the event loop. Raises `SourceError`, or `ConfigError` (not UTF-8, too large, bad JSON)."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read)

    def _read(self) -> Input:
        found = self._read_corefile()
        return replace(found, kube_dns=_read_config_map(self._kube_dns)) if self._kube_dns else found

    def _read_corefile(self) -> Input:
        if self._conf == STDIN:
            return self._read_piped()
        file = self._conf or DEFAULT
        if not self._conf and not os.path.exists(DEFAULT):
            return Input(CLUSTER if self._kube_dns else BUILT_IN, DEFAULT)
        return Input(_read_file(file), file)

    def _read_piped(self) -> Input:
        """What was piped in, read once: a second reading of a pipe would find nothing and silently serve that."""
        if self._piped is None:
            if sys.stdin is None or sys.stdin.isatty():
                return Input(BUILT_IN, DEFAULT)
            name = "/dev/stdin"
            self._piped = Input(decode(sys.stdin.buffer.read(MAX_FILE + 1), name), name)
        return self._piped


def _read_config_map(folder: str) -> KubeDns:
    """The ConfigMap `kube-dns` as it is mounted; without a key that is served it changes nothing."""
    try:
        names = [entry.name for entry in os.scandir(folder) if not entry.name.startswith(".") and entry.is_file()]
    except OSError as error:
        raise _unread(folder, error) from None
    texts = {name: _read_file(os.path.join(folder, name)) if name in kubedns.KEYS else "" for name in names}
    return kubedns.read(folder, texts)


def _read_file(file: str) -> str:
    try:
        return Disk().read(file)
    except OSError as error:
        raise _unread(file, error) from None


def _unread(file: str, error: OSError) -> SourceError:
    what = (os.strerror(error.errno) if error.errno else str(error)).lower()
    step = "read" if isinstance(error, IsADirectoryError) else "open"
    return SourceError(f"{step} {file}: {what}")
