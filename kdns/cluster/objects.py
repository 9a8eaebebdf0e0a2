"""Objects of the Kubernetes API: JSON in, frozen values out.

Every object is decoded on its own, so one that cannot be used costs itself and nothing else: it becomes an
`ObjectError` that names it. What is wrong with a response as a whole is a `DecodeError`. A value has only the fields
that DNS can see; two states that differ in nothing else are alike (see `kdns.cluster.values`).

Costs: the items of a list are found at about 1 ms a megabyte when it is decoded, and become values one by one when they
are taken from the iterator, at 2-4 µs an endpoint; so the caller can yield to the event loop wherever it wants.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Generic, Literal, NamedTuple, TypeVar

import msgspec

from kdns.cluster.build import BUILDERS, Half
from kdns.cluster.kinds import (
    ENDPOINT_SLICES,
    IMPORTED_SLICES,
    KINDS,
    NAMESPACES,
    PODS,
    SERVICE_IMPORTS,
    SERVICES,
    Kind,
)
from kdns.cluster.raw import SHAPES
from kdns.cluster.values import (
    Change,
    Endpoint,
    EndpointSlice,
    Gone,
    ImportedSlice,
    Namespace,
    Object,
    Pod,
    Port,
    Put,
    Service,
    ServiceImport,
)

__all__ = [
    "Kind",
    "KINDS",
    "NAMESPACES",
    "SERVICES",
    "ENDPOINT_SLICES",
    "PODS",
    "SERVICE_IMPORTS",
    "IMPORTED_SLICES",
    "Service",
    "Port",
    "EndpointSlice",
    "ImportedSlice",
    "Endpoint",
    "Namespace",
    "Pod",
    "ServiceImport",
    "Object",
    "Put",
    "Gone",
    "Change",
    "DecodeError",
    "ObjectError",
    "ListPage",
    "Event",
    "decode_list",
    "decode_event",
    "decode_object",
    "object_error",
    "FOREIGN",
]

T = TypeVar("T")
FOREIGN: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises on any input."""


class DecodeError(Exception):
    """A response, or a line of a watch, that cannot be read at all."""


class ObjectError(Exception):
    """One object that cannot be used. `namespace` and `name` are empty where the object does not tell them."""

    def __init__(self, kind: str, namespace: str, name: str, message: str) -> None:
        place = "/".join(part for part in (namespace, name) if part) or "without a name"
        super().__init__(f"{kind} {place}: {message}")
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.message = message


class ListPage(NamedTuple):
    """One list document. `items` gives each object when it is asked for, or the error that stands in its place.

    `resource_version` and `continue_` are empty where the document has none.
    """

    items: Iterator[Object | ObjectError]
    resource_version: str
    continue_: str


class Event(NamedTuple):
    """One line of a watch. `change` is set for ADDED, MODIFIED and DELETED; `code`, `reason` and `message` for ERROR.

    `initial_events_end`: this bookmark ends the first load of a streamed list.
    """

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    resource_version: str = ""
    change: Change | None = None
    initial_events_end: bool = False
    code: int = 0
    reason: str = ""
    message: str = ""


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str | None = None
    continue_: str | None = msgspec.field(default=None, name="continue")


class _List(msgspec.Struct):
    items: list[msgspec.Raw] | None
    kind: str = ""
    metadata: _ListMeta | None = None


class _Line(msgspec.Struct):
    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


class _PutLine(msgspec.Struct, Generic[T]):
    type: Literal["ADDED", "MODIFIED"]
    object: T


class _Notes(msgspec.Struct):
    initial_events_end: str | None = msgspec.field(default=None, name="k8s.io/initial-events-end")


class _Meta(msgspec.Struct, rename="camel"):
    namespace: str | None = None
    name: str | None = None
    resource_version: str | None = None
    annotations: _Notes | None = None


class _Identity(msgspec.Struct):
    metadata: _Meta


class _Status(msgspec.Struct):
    code: int | None = None
    reason: str | None = None
    message: str | None = None


_list: Final = msgspec.json.Decoder(_List)
_line: Final = msgspec.json.Decoder(_Line)
_identity: Final = msgspec.json.Decoder(_Identity)
_status: Final = msgspec.json.Decoder(_Status)
_decoders: Final = {kind: msgspec.json.Decoder(shape) for kind, shape in SHAPES.items()}
_puts: Final[dict[Kind, msgspec.json.Decoder[_PutLine[Any]]]] = {
    kind: msgspec.json.Decoder(_PutLine[shape])  # type: ignore[valid-type]
    for kind, shape in SHAPES.items()
}


def decode_list(kind: Kind, data: bytes) -> ListPage:
    """Raises `DecodeError`, also for a document that is no list of this kind."""
    page = _decode(_list, data)
    if page.kind not in {"", "List", f"{kind.name}List"}:
        raise DecodeError(f"a {page.kind} in the place of a list of {kind}")
    meta = page.metadata or _ListMeta()
    return ListPage(_objects(kind, page.items or []), meta.resource_version or "", meta.continue_ or "")


def _objects(kind: Kind, items: list[msgspec.Raw]) -> Iterator[Object | ObjectError]:
    for item in items:
        try:
            yield _decode_item(kind, item)
        except ObjectError as error:
            yield error


def decode_event(kind: Kind, line: bytes) -> Event:
    """Raises `DecodeError`, or `ObjectError` for an object that is there but cannot be used.

    Of a deleted object only the name is read: its last state may be anything.
    """
    try:
        put = _puts[kind].decode(line)
        value = BUILDERS[kind](put.object)
    except (*FOREIGN, Half):
        return _other_event(kind, line)
    return Event(put.type, value.version, Put(value))


def _other_event(kind: Kind, line: bytes) -> Event:
    """An event that puts no usable object, read piece by piece."""
    event = _decode(_line, line)
    if event.type == "ERROR":
        status = _decode(_status, event.object)
        return Event(event.type, "", None, False, status.code or 0, status.reason or "", status.message or "")
    if event.type in {"ADDED", "MODIFIED"}:
        value = _decode_item(kind, event.object)
        return Event(event.type, value.version, Put(value))
    meta = _decode(_identity, event.object).metadata
    version = meta.resource_version or ""
    if event.type == "BOOKMARK":
        ends = meta.annotations is not None and meta.annotations.initial_events_end == "true"
        return Event(event.type, version, initial_events_end=ends)
    if not meta.name or (kind.namespaced and not meta.namespace):
        raise ObjectError(kind.name, meta.namespace or "", meta.name or "", "deleted, but its name is missing")
    return Event(event.type, version, Gone(kind, meta.namespace or "", meta.name))


def decode_object(kind: Kind, document: object) -> Object:
    """The value of an object that is given as dicts and lists. Raises `ObjectError`."""
    try:
        return BUILDERS[kind](msgspec.convert(document, SHAPES[kind]))
    except (*FOREIGN, Half) as error:
        raise object_error(kind.name, document, error) from error


def object_error(kind: str, document: object, reason: Exception | str) -> ObjectError:
    """The error that names an object which is given as dicts and lists, as far as it can be named."""
    meta = document.get("metadata") if isinstance(document, Mapping) else None
    namespace, name = (
        value if isinstance(value, str) else ""
        for value in ((meta.get("namespace"), meta.get("name")) if isinstance(meta, Mapping) else ("", ""))
    )
    return ObjectError(kind[:63], namespace[:253], name[:253], reason if isinstance(reason, str) else _reason(reason))


def _decode(decoder: msgspec.json.Decoder[T], data: bytes | msgspec.Raw) -> T:
    try:
        return decoder.decode(data)
    except FOREIGN as error:
        raise DecodeError(_reason(error)) from error


def _decode_item(kind: Kind, item: msgspec.Raw) -> Object:
    try:
        return BUILDERS[kind](_decoders[kind].decode(item))
    except (*FOREIGN, Half) as error:
        try:
            document = msgspec.json.decode(item)
        except FOREIGN:
            document = None
        raise object_error(kind.name, document, error) from error


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
