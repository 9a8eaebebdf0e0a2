"""The search list of a file in the format of resolv.conf(5); nothing else in it counts."""

from kdns.wire import name
from kdns.wire.errors import WireError

MAX_SIZE = 64 * 1024
"""Octets of the file; what a kubelet writes has a few hundred."""
MAX_ENTRIES = 32
"""Entries; a kubelet writes at most as many, and each is a question to be asked."""


def read(path: str) -> tuple[bytes, ...]:
    """Folded names in the order of the file. Blocks. Raises OSError, or ValueError for what is no such file."""
    with open(path, "rb") as file:
        octets = file.read(MAX_SIZE + 1)
    if len(octets) > MAX_SIZE:
        raise ValueError(f"more than {MAX_SIZE} bytes")
    return search_of(octets.decode("utf-8", "replace"))


def search_of(text: str) -> tuple[bytes, ...]:
    """The words of the last line `search` or `domain` that has any. Raises ValueError for what is no search list."""
    found: list[str] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) > 1 and words[0] in ("search", "domain"):
            found = words[1:2] if words[0] == "domain" else words[1:]
    if len(found) > MAX_ENTRIES:
        raise ValueError(f"more than {MAX_ENTRIES} search entries")
    try:
        return tuple(dict.fromkeys(name.from_text(word).lower() for word in found))
    except WireError as error:
        raise ValueError(str(error)) from error
