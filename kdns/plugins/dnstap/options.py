"""What one `dnstap` line says (`plugins.md`, dnstap); the texts of errors are CoreDNS's."""

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from kdns.corefile import Line, parse_integer
from kdns.plugins.dnstap.target import Target

log = logging.getLogger("kdns.dnstap")

MAX_BUFFER = 1024
"""MiB."""
MAX_QUEUE = 4096
"""Times ten thousand messages."""


@dataclass(slots=True)
class Options:
    """`files` are certificate, key and maybe CA of a listener; `extra` is `None` if nothing is to be added."""

    target: Target
    identity: str
    version: str
    listens: bool = False
    full: bool = False
    buffer: int = 1
    queue: int = 1
    extra: str | None = None
    files: tuple[str, ...] = ()
    verifies: bool = True


def read(line: Line, identity: str, version: str) -> Options:
    """Read a line and its block; `identity` and `version` are the defaults. Raises `ConfigError`."""
    words = list(line.some())
    listens = words[0] == "listen"
    if listens:
        del words[0]
        if not words:
            raise line.error("dnstap listen requires an endpoint argument")
    found = Options(Target("", ""), identity, version, listens)
    if len(words) > 2:
        found.buffer = _multiple(line, words[2], MAX_BUFFER, "MultipleTcpWriteBuf", "MiB units")
    if len(words) > 3:
        found.queue = _multiple(line, words[3], MAX_QUEUE, "MultipleQueue", "x10k messages")
    found.target = _target(line, words[0])
    found.full = words[1:2] == ["full"]
    unheeded = [*(words[1:2] if not found.full else ()), *words[4:]]
    if unheeded:
        log.warning("no effect: %s", " ".join(unheeded))
    for option in line.block():
        _read(option, found)
    return found


def _multiple(line: Line, word: str, most: int, what: str, unit: str) -> int:
    try:
        value = parse_integer(word)
    except ValueError as error:
        raise line.error(f'dnstap: invalid {what} "{word}": {error}') from error
    if not 1 <= value <= most:
        raise line.error(f"dnstap: {what} must be between 1 and {most} ({unit}): {value}")
    return value


def _target(line: Line, word: str) -> Target:
    proto, mark, _ = word.partition("://")
    if not mark or proto not in ("tcp", "tls"):
        return Target("unix", word.removeprefix("unix://"))
    try:
        netloc = urlsplit(word).netloc.rpartition("@")[2]
    except ValueError:
        raise line.wrong_count() from None
    port = netloc.rpartition("]")[2].partition(":")[2]
    if port and not (port.isascii() and port.isdigit()):
        raise line.wrong_count()
    return Target(proto, netloc)


def _read(option: Line, found: Options) -> None:
    match option.name:
        case "skipverify":
            found.verifies = False
        case "tls":
            if not found.listens:
                raise option.error("tls directive only valid for listeners")
            found.files = option.rest()
            if len(found.files) < 2:
                raise option.error("tls requires cert and key file paths")
        case "identity":
            found.identity = option.text()
        case "version":
            found.version = option.text()
        case "extra":
            found.extra = option.text()
        case _:
            raise option.unknown_property()
    if option.more:
        # CoreDNS reads on as if the word stood on a line of its own.
        raise option.error(f"unknown property '{option.text()}'")
