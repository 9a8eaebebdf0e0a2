"""Log lines as CoreDNS prints them: on stdout, one a line, `[LEVEL] ` in front, no time, `plugin/NAME: ` for plugins.

The logger `kdns` is the server's own; `kdns.NAME` is a plugin's. Everything else in the process is shown from WARNING
on under its own name. Line breaks within a message are escaped, so no input can forge a line.
"""

import logging
import sys
from typing import TextIO

FATAL = logging.CRITICAL
_LEVELS = {
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARNING",
    logging.ERROR: "ERROR",
    FATAL: "FATAL",
}
_BREAKS = str.maketrans({"\n": "\\n", "\r": "\\r"})


class Format(logging.Formatter):
    """Formats a record; the lines of a traceback follow as lines of their own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, or lines, of a record."""
        source = record.name.partition(".")[2] if record.name.startswith("kdns.") else ""
        if source:
            source = f"plugin/{source}: "
        elif record.name != "kdns":
            source = f"{record.name}: "
        line = f"[{_LEVELS.get(record.levelno, record.levelname)}] {source}{record.getMessage().translate(_BREAKS)}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def start(stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (stdout)."""
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(Format())
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(logging.WARNING)
    show_debug(False)


def show_debug(shown: bool) -> None:
    """Show debug lines or not, for the whole process (`debug` plugin)."""
    logging.getLogger("kdns").setLevel(logging.DEBUG if shown else logging.INFO)
