"""What happens to a mirror as octets, for its copies in other processes. Pure.

Layout: what it is (1 octet), the kind by its place in `KINDS` (1 octet), then for a change the Unix time in seconds at
which it was applied (8 octets) and MessagePack: the object that is put, or namespace and name of one that is gone. Both
ends are the same program, so nothing here has a version, and what cannot be read is a fault: `msgspec.MsgspecError`,
`struct.error`, `IndexError`.
"""

from struct import Struct
from typing import Any, Final

import msgspec

from kdns.cluster.kinds import KINDS, Kind
from kdns.cluster.values import (
    Change,
    EndpointSlice,
    Gone,
    ImportedSlice,
    Namespace,
    Pod,
    Put,
    Service,
    ServiceImport,
)

_LOADED, _PUT, _GONE = range(3)
_HEAD: Final = Struct(">BB")
_CHANGE: Final = Struct(">BBQ")
_NUMBERS: Final = {kind: number for number, kind in enumerate(KINDS)}
_VALUES: Final = (Service, EndpointSlice, ImportedSlice, Namespace, Pod, ServiceImport)
_objects: Final[dict[Kind, msgspec.msgpack.Decoder[Any]]] = {
    value.kind: msgspec.msgpack.Decoder(value) for value in _VALUES
}
_name: Final = msgspec.msgpack.Decoder(tuple[str, str])
_encode: Final = msgspec.msgpack.Encoder().encode


def of_load(kind: Kind) -> bytes:
    """A kind was loaded for the first time."""
    return _HEAD.pack(_LOADED, _NUMBERS[kind])


def of_change(change: Change, now: int) -> bytes:
    """A change was applied at `now`, in seconds of Unix time."""
    if isinstance(change, Put):
        return _CHANGE.pack(_PUT, _NUMBERS[change.object.kind], now) + _encode(change.object)
    return _CHANGE.pack(_GONE, _NUMBERS[change.kind], now) + _encode((change.namespace, change.name))


def read(told: bytes) -> Kind | tuple[Change, int]:
    """The kind that was loaded, or the change and its time."""
    what, number = _HEAD.unpack_from(told)
    kind = KINDS[number]
    if what == _LOADED:
        return kind
    _, _, now = _CHANGE.unpack_from(told)
    rest = memoryview(told)[_CHANGE.size :]
    if what == _PUT:
        return Put(_objects[kind].decode(rest)), now
    return Gone(kind, *_name.decode(rest)), now
