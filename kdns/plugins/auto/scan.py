"""Which files of a directory are zones, by their names. Reads the directory, so it blocks.

The walk is Go's `filepath.Walk`: entries in lexical order, directories in their place among files, no link followed
to a directory but the first. Names that begin with two dots are left out: a ConfigMap is mounted as links to a folder
with such a name, and its files would be found twice.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kdns.corefile import Regexp
from kdns.wire import name
from kdns.wire.errors import WireError

MAX_ZONES = 10_000
"""Zones of one directory."""

_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


@dataclass(frozen=True, slots=True)
class Naming:
    """How the name of a file tells its zone. `template` has references as Go's `Regexp.Expand` reads them."""

    regexp: Regexp
    template: str

    def origin(self, file: str) -> str:
        """The zone of a file name without directory; empty if it is none."""
        groups = self.regexp.groups(file)
        if groups is None:
            return ""
        names = self.regexp.names

        def referred(match: re.Match[str]) -> str:
            which = match[1] or match[2]
            if which is None:
                return "$"
            if which.isascii() and which.isdigit() and (which == "0" or which[0] != "0"):
                return groups[int(which)] if len(which) < 9 and int(which) < len(groups) else ""
            return next((text for each, text in zip(names, groups[1:], strict=True) if each == which), "")

        return _REFERENCE.sub(referred, self.template)


@dataclass(slots=True)
class Scan:
    """What was found: files by folded zone, and what is to be said about others.

    `whole` tells that all directories could be read, so that what is not here is gone.
    """

    files: dict[bytes, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    whole: bool = True


def scan(directory: str, naming: Naming) -> Scan:
    """The zone files below a directory; the first of two files for a zone counts."""
    found = Scan()
    for path in _walk(os.path.realpath(directory), found):
        text = naming.origin(os.path.basename(path))
        if not text:
            continue
        try:
            origin = name.from_text(text).lower()
        except (WireError, UnicodeEncodeError) as error:
            found.warnings.append(f"Not a zone name: {path!a}: {error}")
            continue
        first = found.files.setdefault(origin, path)
        if first != path:
            zone = name.to_text(origin)
            found.warnings.append(f'Multiple zone files match origin "{zone}": using "{first}" instead of "{path}"')
        if len(found.files) > MAX_ZONES:
            del found.files[origin]
            found.warnings.append(f"More than {MAX_ZONES} zone files in {directory}, the others are left out")
            break
    return found


def _walk(directory: str, found: Scan) -> Iterator[str]:
    pending = [(directory, True)]
    while pending:
        path, inside = pending.pop()
        if not inside:
            yield path
            continue
        try:
            with os.scandir(path) as entries:
                below = [
                    (entry.path, entry.is_dir(follow_symlinks=False)) for entry in entries if entry.name[:2] != ".."
                ]
        except (OSError, ValueError) as error:
            found.whole &= isinstance(error, FileNotFoundError)
            found.warnings.append(f"error reading {path!a}: {error}")
        else:
            pending += sorted(below, reverse=True)
