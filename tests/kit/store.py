"""The objects of a make-believe API server: versions, history, and JSON as the real one writes it.

Objects of built-in kinds stand in lists without kind and apiVersion, `metadata` first; custom ones with both and their
keys sorted. Bodies are encoded once, when they are stored: a cluster of 100 000 endpoints is served from bytes.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection that the server has."""

    plural: str
    kind: str
    api_version: str
    custom: bool = False

    @property
    def path(self) -> str:
        return f"/{'apis' if '/' in self.api_version else 'api'}/{self.api_version}/{self.plural}"


RESOURCES = (
    Resource("services", "Service", "v1"),
    Resource("namespaces", "Namespace", "v1"),
    Resource("pods", "Pod", "v1"),
    Resource("endpointslices", "EndpointSlice", "discovery.k8s.io/v1"),
    Resource("serviceimports", "ServiceImport", "multicluster.x-k8s.io/v1alpha1", custom=True),
)
BY_PLURAL = {resource.plural: resource for resource in RESOURCES}
BY_KIND = {resource.kind: resource for resource in RESOURCES}

Key = tuple[str, str]


class Stored(NamedTuple):
    """One state of one object; `body` is its JSON in a list, `fields` what field selectors can see."""

    key: Key
    version: int
    labels: Mapping[str, str]
    fields: Mapping[str, str]
    body: bytes


Matches = Callable[[Stored], bool]


class Change(NamedTuple):
    """An entry of the history: what stood there before and what stands there now."""

    version: int
    resource: Resource
    before: Stored | None
    after: Stored | None

    def line(self, matches: Matches) -> bytes | None:
        """The watch event that a watcher with this selector sees, if it sees any."""
        was = self.before is not None and matches(self.before)
        if self.after is not None and matches(self.after):
            return event_line(self.resource, "MODIFIED" if was else "ADDED", self.after)
        if was and self.before is not None:
            return event_line(self.resource, "DELETED", self.before, self.version)
        return None


class Store:
    """Collections of objects under one counter of versions."""

    def __init__(self, version: int = 1000) -> None:
        self.version = version
        self.objects: dict[str, dict[Key, Stored]] = {resource.plural: {} for resource in RESOURCES}
        self.history: deque[Change] = deque(maxlen=100_000)
        self.oldest = version
        self.listeners: list[Callable[[Change], None]] = []

    def put(self, manifest: Manifest) -> Change:
        """Create or replace an object; its kind says where."""
        resource = BY_KIND[manifest["kind"]]
        metadata = manifest["metadata"]
        key = (metadata.get("namespace", ""), metadata["name"])
        self.version += 1
        body = {**manifest, "metadata": {**metadata, "resourceVersion": str(self.version)}}
        body["metadata"].setdefault("uid", f"uid-{resource.plural}-{key[0]}-{key[1]}")
        stored = Stored(key, self.version, metadata.get("labels") or {}, _fields(manifest), _encode(resource, body))
        before = self.objects[resource.plural].get(key)
        self.objects[resource.plural][key] = stored
        return self._record(Change(self.version, resource, before, stored))

    def delete(self, plural: str, name: str, namespace: str = "") -> Change:
        """Remove an object. Raises `KeyError`."""
        before = self.objects[plural].pop((namespace, name))
        self.version += 1
        return self._record(Change(self.version, BY_PLURAL[plural], before, None))

    def load(self, manifests: Iterable[Manifest]) -> int:
        """Put all objects of known kinds, those inside `List`s too; how many."""
        count = 0
        for manifest in manifests:
            if manifest and manifest.get("kind", "").endswith("List"):
                count += self.load(manifest.get("items") or ())
            elif manifest and manifest.get("kind") in BY_KIND:
                self.put(manifest)
                count += 1
        return count

    def compact(self) -> None:
        """Forget the history, as etcd does: older versions are gone."""
        self.history.clear()
        self.oldest = self.version

    def rewind(self, version: int) -> None:
        """Count on from an older version, as after etcd was restored from a backup; the objects stay as they are."""
        self.version = version
        self.compact()

    def since(self, resource: Resource, version: int) -> list[Change]:
        """What happened to a collection after `version`."""
        return [change for change in self.history if change.version > version and change.resource is resource]

    def _record(self, change: Change) -> Change:
        if len(self.history) == self.history.maxlen:
            self.oldest = self.history[0].version
        self.history.append(change)
        for listener in tuple(self.listeners):
            listener(change)
        return change


def event_line(resource: Resource, kind: str, stored: Stored, version: int | None = None) -> bytes:
    """A line of a watch."""
    body = stored.body
    if not resource.custom:
        body = b'{"kind":"%b","apiVersion":"%b",' % (resource.kind.encode(), resource.api_version.encode()) + body[1:]
    if version is not None:
        body = body.replace(b'"resourceVersion":"%d"' % stored.version, b'"resourceVersion":"%d"' % version, 1)
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), body)


def bookmark_line(resource: Resource, version: int, end: bool = False) -> bytes:
    """A bookmark; `end` marks the end of the initial events."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return msgspec.json.encode({"type": "BOOKMARK", "object": body}) + b"\n"


def list_parts(resource: Resource, items: list[Stored], version: int, token: str, left: int) -> Iterable[bytes]:
    """A list response in pieces of about 64 KiB."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if token:
        metadata |= {"continue": token, "remainingItemCount": left}
    head, tail = b'{"kind":"%bList","apiVersion":"%b","metadata":%b,"items":[', b"]}\n"
    encoded = msgspec.json.encode(metadata)
    if resource.custom:
        head = b'{"apiVersion":"%b","items":[' % resource.api_version.encode()
        tail = b'],"kind":"%bList","metadata":%b}\n' % (resource.kind.encode(), encoded)
    else:
        head %= resource.kind.encode(), resource.api_version.encode(), encoded
    yield head
    for at in range(0, len(items), 64):
        yield (b"," if at else b"") + b",".join([stored.body for stored in items[at : at + 64]])
    yield tail


def _encode(resource: Resource, body: dict[str, Any]) -> bytes:
    if resource.custom:
        full = {"apiVersion": resource.api_version, "kind": resource.kind, **body}
        return msgspec.json.encode(full, order="sorted")
    rest = {key: value for key, value in body.items() if key not in ("kind", "apiVersion", "metadata")}
    return msgspec.json.encode({"metadata": body["metadata"], **rest})


def _fields(manifest: Manifest) -> dict[str, str]:
    metadata = manifest["metadata"]
    fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    if manifest["kind"] == "Pod":
        fields["status.phase"] = (manifest.get("status") or {}).get("phase", "Pending")
    return fields
