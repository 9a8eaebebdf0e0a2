"""Where the Corefile comes from, so that it can be read again (`corefile.md` sections 10 and 13)."""

import asyncio
import os
import sys
from dataclasses import dataclass

from kdns.corefile.files import MAX_FILE, Disk, decode

STDIN = "stdin"
DEFAULT = "Corefile"
BUILT_IN = ".\n{\nwhoami\nlog\n}\n"
"""What is served when there is no Corefile."""


class SourceError(OSError):
    """The Corefile cannot be read; the text is Go's."""


@dataclass(frozen=True, slots=True)
class Input:
    """The text of a Corefile and the name that errors show for it."""

    text: str
    file: str


class Source:
    """One way to read the Corefile: `conf` is the value of `-conf`, empty if it was not given."""

    def __init__(self, conf: str) -> None:
        self._conf = conf
        self._piped: Input | None = None

    async def read(self) -> Input:
        """Read it now, off the event loop; raises `SourceError` or `ConfigError` (not UTF-8, too large)."""
        return await asyncio.get_running_loop().run_in_executor(None, self._read)

    def _read(self) -> Input:
        if self._conf == STDIN:
            return self._read_piped()
        file = self._conf or DEFAULT
        if not self._conf and not os.path.exists(DEFAULT):
            return Input(BUILT_IN, DEFAULT)
        try:
            return Input(Disk().read(file), file)
        except OSError as error:
            what = (os.strerror(error.errno) if error.errno else str(error)).lower()
            step = "read" if isinstance(error, IsADirectoryError) else "open"
            raise SourceError(f"{step} {file}: {what}") from None

    def _read_piped(self) -> Input:
        """What was piped in, read once: a second reading of a pipe would find nothing and silently serve that."""
        if self._piped is None:
            if sys.stdin is None or sys.stdin.isatty():
                return Input(BUILT_IN, DEFAULT)
            name = "/dev/stdin"
            self._piped = Input(decode(sys.stdin.buffer.read(MAX_FILE + 1), name), name)
        return self._piped
