"""The objects in a folder of YAML files, as of now, whatever state its files are in.

What cannot be used costs itself alone: a file that cannot be read or is no YAML keeps the objects that it last had, and
so does an object that is wrong in a file that is right. Every problem names file, document and object, and is told once
for each change of its file. Files count in the order of their names; of two objects with one name, the first. Only
`*.yaml` and `*.yml` of the folder itself are read, hidden ones are not, and links are followed: so a ConfigMap mount
(files linked into a hidden `..data`, which is swapped as a whole) is read as what it shows.

Everything here blocks, and is for a thread.
"""

import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from kdns.cluster.documents import DocumentError, expand, head_of, read_documents
from kdns.cluster.index import Place
from kdns.cluster.kinds import Kind
from kdns.cluster.objects import ObjectError, decode_object
from kdns.cluster.selector import Selection
from kdns.cluster.values import EndpointSlice, Object

MAX_FILES: Final = 10_000
"""Files of a folder."""

MAX_FILE: Final = 64 << 20
"""Bytes of a file."""

MAX_FOLDER: Final = 256 << 20
"""Bytes of all files."""

MAX_OBJECTS: Final = 200_000
"""Objects of a file."""

MAX_ENDPOINTS: Final = 1_000_000
"""Ready endpoints of a file: with YAML aliases, a small one could say as many as it likes."""

MAX_PROBLEMS: Final = 20
"""Problems of a file that are told one by one."""

DEFAULT_NAMESPACE: Final = "default"
"""Where an object without a namespace goes, as with kubectl."""

SETTLE: Final = 0.05
"""Seconds that a changed file has to stay as it is before it is read."""

Fingerprint = tuple[int, ...]


class FolderError(Exception):
    """The folder, or a file of it, cannot be read."""


class Reading(NamedTuple):
    """The state of a folder that has changed; `problems` are those that were not told before."""

    objects: Mapping[Kind, list[Object]]
    problems: list[str]


@dataclass(slots=True)
class _File:
    fingerprint: Fingerprint = ()
    objects: dict[Place, Object] = field(default_factory=dict)


class Folder:
    """A folder, of whose objects those of `kinds` that the selection takes are wanted. `settle` is in seconds."""

    def __init__(self, path: str, kinds: Iterable[Kind], selection: Selection, settle: float = SETTLE) -> None:
        self._path = path
        self._settle = settle
        self._selectors = {kind: selection.of(kind) for kind in kinds}
        self._files: dict[str, _File] | None = None
        self._doubles: set[str] = set()

    def read(self) -> Reading | None:
        """The folder's objects; None if nothing changed since they were last read. Raises `FolderError`."""
        known = self._files or {}
        there = self._list()
        changed = _differ(there, known)
        names = set(there)
        if self._files is not None:
            if not changed and len(there) == len(known):
                return None
            # Editors empty or move a file before they write it: what still changes is left for the next look.
            time.sleep(self._settle)
            later = self._list()
            changed = [name for name in changed if later.get(name) == there[name]]
            names |= later.keys() & known.keys()
        self._files = {name: known.get(name) or _File() for name in sorted(names)}
        problems = [problem for name in changed for problem in self._update(name, self._files[name], there[name])]
        objects, doubles = _merge(self._files)
        problems += sorted(doubles - self._doubles)
        self._doubles = doubles
        return Reading(objects, problems)

    def _list(self) -> dict[str, Fingerprint]:
        """The files in the order of their names; one that is there but cannot be looked at has a fingerprint too."""
        try:
            with os.scandir(self._path) as entries:
                names = sorted(entry.name for entry in entries if _is_manifest(entry.name))
        except OSError as error:
            raise FolderError(f"{self._path}: {error.strerror}") from error
        if len(names) > MAX_FILES:
            raise FolderError(f"{self._path}: more than {MAX_FILES} files")
        found, size = dict[str, Fingerprint](), 0
        for name in names:
            try:
                status = os.stat(os.path.join(self._path, name))
            except FileNotFoundError:  # taken away meanwhile, or a link that leads nowhere
                continue
            except OSError as error:
                found[name] = (error.errno or 0,)
            else:
                found[name] = _fingerprint(status)
                size += status.st_size
        if size > MAX_FOLDER:
            raise FolderError(f"{self._path}: more than {MAX_FOLDER} bytes of manifests")
        return found

    def _update(self, name: str, file: _File, fingerprint: Fingerprint) -> list[str]:
        """Read a file that has changed; what is wrong with it."""
        path = os.path.join(self._path, name)
        try:
            found, data = _read(path)
            if found != fingerprint:
                return []  # changed while it was read: left for the next look
            file.objects, problems = self._parse(data, file.objects)
        except (FolderError, DocumentError) as error:
            problems = [str(error)]
        file.fingerprint = fingerprint
        if len(problems) > MAX_PROBLEMS:
            problems[MAX_PROBLEMS:] = [f"{len(problems) - MAX_PROBLEMS} more problems"]
        return [f"{path}: {problem}" for problem in problems]

    def _parse(self, data: bytes, before: Mapping[Place, Object]) -> tuple[dict[Place, Object], list[str]]:
        """Objects and problems of a file; where an object is wrong, the one that stood there `before` stays."""
        objects: dict[Place, Object] = {}
        problems: list[str] = []
        count = endpoints = 0
        for number, document in read_documents(data):
            for item in expand(document):
                count += 1
                try:
                    for value in self._decode(item):
                        endpoints += len(value.endpoints) if isinstance(value, EndpointSlice) else 0
                        if objects.setdefault(_place(value), value) is not value:
                            raise ObjectError(value.kind.name, value.namespace, value.name, "a second one of this name")
                except ObjectError as error:
                    problems.append(f"document {number}: {error}")
                    for kind in self._selectors:
                        place = (kind.tag, error.namespace, error.name)
                        if kind.name == error.kind and place in before:
                            objects.setdefault(place, before[place])
                if count > MAX_OBJECTS or endpoints > MAX_ENDPOINTS:
                    raise DocumentError(f"more than {MAX_OBJECTS} objects or {MAX_ENDPOINTS} endpoints")
        return objects, problems

    def _decode(self, item: object) -> Iterator[Object]:
        head = head_of(item)
        for kind in head.kinds:
            if kind in self._selectors and self._selectors[kind].matches(head.labels):
                yield decode_object(kind, _in_namespace(item) if kind.namespaced else item)


def _merge(files: Mapping[str, _File]) -> tuple[dict[Kind, list[Object]], set[str]]:
    """All objects by their kind, and what there is to say about those that are in two files."""
    owners: dict[Place, str] = {}
    objects: dict[Kind, list[Object]] = {}
    doubles = set()
    for name, file in files.items():
        for place, value in file.objects.items():
            owner = owners.setdefault(place, name)
            if owner == name:
                objects.setdefault(value.kind, []).append(value)
            else:
                _, *path = place
                doubles.add(f"{name}: {value.kind.name} {'/'.join(filter(None, path))}: ignored, it is in {owner} too")
    return objects, doubles


def _differ(there: Mapping[str, Fingerprint], known: Mapping[str, _File]) -> list[str]:
    return [name for name in there if name not in known or known[name].fingerprint != there[name]]


def _is_manifest(name: str) -> bool:
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")


def _fingerprint(status: os.stat_result) -> Fingerprint:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _read(path: str) -> tuple[Fingerprint, bytes]:
    """A file, with its fingerprint after it was read."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait until somebody writes.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FolderError("not a file")
            data = file.read(MAX_FILE + 1)
            if len(data) > MAX_FILE:
                raise FolderError(f"more than {MAX_FILE} bytes")
            return _fingerprint(os.fstat(file.fileno())), data
    except OSError as error:
        raise FolderError(error.strerror or str(error)) from error


def _place(value: Object) -> Place:
    return (value.kind.tag, value.namespace, value.name)


def _in_namespace(item: object) -> object:
    """The object with the default namespace, if it is in none."""
    meta = item.get("metadata") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(meta, Mapping) or meta.get("namespace") is not None:
        return item
    return {**item, "metadata": {**meta, "namespace": DEFAULT_NAMESPACE}}
