"""Secrets: their files, in the way of named.conf as CoreDNS reads it, and what stands behind their base64."""

import binascii
import logging
from base64 import b64decode
from collections.abc import Iterator, Mapping

from kdns.wire import name
from kdns.wire.errors import WireError

log = logging.getLogger("kdns.tsig")

MAX_FILE = 1 << 20
"""Octets of a file of keys, some ten thousand of them."""


class KeyMistake(Exception):
    """A file of keys that cannot be read; the text is CoreDNS's."""


def normal(text: str) -> str:
    """The name of a key as it is compared: lower case, absolute."""
    return text.lower().removesuffix(".") + "."


def read(path: str) -> dict[str, str]:
    """The secrets of a file as written, by the names of their keys. Blocks. Raises `KeyMistake`."""
    try:
        with open(path, "rb") as file:
            octets = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise KeyMistake(f"open {path}: {reason.lower()}") from error
    if len(octets) > MAX_FILE:
        raise KeyMistake(f"{path} has more than {MAX_FILE} octets")
    return parse(octets.decode(errors="replace"))


def parse(text: str) -> dict[str, str]:
    """The secrets in the text of a file. Raises `KeyMistake`."""
    secrets: dict[str, str] = {}
    lines = iter(text.split("\n"))
    for line in lines:
        words = line.split()
        if not words:
            continue
        if words[0] != "key":
            raise KeyMistake(f"unexpected token {_quoted(words[0])}")
        key = words[1].strip('"{') if len(words) > 1 else ""
        if not key:
            raise KeyMistake(f"expected key name {_quoted(line)}")
        key = normal(key)
        if key in secrets:
            raise KeyMistake(f"key {_quoted(key)} redefined")
        secret = _secret(lines)
        if not secret:
            raise KeyMistake(f"expected secret for key {_quoted(key)}")
        secrets[key] = secret
    return secrets


def _secret(lines: Iterator[str]) -> str:
    """The secret in the lines of one key, up to the closing brace."""
    secret = ""
    for line in lines:
        words = line.split()
        if not words or words[0] == "algorithm":
            continue
        if words[0] in ("}", "};"):
            break
        if words[0] != "secret":
            raise KeyMistake(f"unexpected token {_quoted(words[0])}")
        secret = words[1].strip('";') if len(words) > 1 else ""
        if not secret:
            raise KeyMistake(f"expected secret key {_quoted(line)}")
    return secret


def secrets(texts: Mapping[str, str]) -> dict[bytes, bytes | None]:
    """Secrets as octets by the names of their keys in wire form; `None` for what is no base64."""
    found: dict[bytes, bytes | None] = {}
    for key, text in texts.items():
        try:
            wire = name.from_text(key)
        except WireError as error:
            log.warning("Key %s is no domain name, so nothing can be signed with it: %s", key, error)
            continue
        try:
            found[wire] = b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            log.warning("The secret of key %s is not base64: what is signed with it is refused", key)
            found[wire] = None
    return found


def _quoted(text: str) -> str:
    """In quotes, as Go's %q for what keys are made of."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").rstrip("\r") + '"'
