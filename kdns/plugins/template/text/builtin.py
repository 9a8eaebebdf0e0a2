"""The functions that every template has, and `parseInt`.

`and` and `or` are not among them: they do not evaluate all their arguments, so the evaluator carries them out itself.
"""

import re
from collections.abc import Mapping

from kdns.plugins.template.text import escape
from kdns.plugins.template.text.errors import CallError
from kdns.plugins.template.text.literal import quote
from kdns.plugins.template.text.printf import sprintf
from kdns.plugins.template.text.printing import show, sprint, sprintln
from kdns.plugins.template.text.value import (
    ANY,
    INT,
    STRING,
    VALUE,
    Function,
    Nil,
    Pointer,
    Sequence,
    Table,
    Uint8,
    Uint64,
    Unsigned,
    Value,
    is_integer,
    truth,
    type_name,
)

_PREFIXES = {"0b": 2, "0o": 8, "0x": 16}
_BETWEEN = re.compile(r"(?:0[bBoOxX]_?)?[0-9a-zA-Z]+(?:_[0-9a-zA-Z]+)*")


def index(item: Value, *indexes: Value) -> Value:
    """An element of a slice, a map or a string, by as many indexes as there are levels."""
    if item is None:
        raise CallError("index of untyped nil")
    for key in indexes:
        match item:
            case Nil():
                raise CallError("index of nil pointer")
            case Table():
                item = item.items.get(_key(key), item.zero)
            case str() | Sequence():
                items = item if isinstance(item, str) else item.items
                at = _position(key, len(items))
                if at == len(items):
                    kind = "string" if isinstance(item, str) else "slice"
                    raise CallError(f"reflect: {kind} index out of range")
                item = Uint8(ord(items[at])) if isinstance(item, str) else items[at]
            case _:
                raise CallError(f"can't index item of type {type_name(item)}")
    return item


def _key(key: Value) -> str:
    if key is None:
        raise CallError("value is nil; should be of type string")
    if not isinstance(key, str):
        raise CallError(f"value has type {type_name(key)}; should be string")
    return key


def _position(key: Value, limit: int) -> int:
    if key is None:
        raise CallError("cannot index slice/array with nil")
    if not is_integer(key):
        raise CallError(f"cannot index slice/array with type {type_name(key)}")
    if not 0 <= key <= limit:
        raise CallError(f"index out of range: {int(key) - (1 << 64 if key >= 1 << 63 else 0)}")
    return int(key)


def cut(item: Value, *indexes: Value) -> Value:
    """`slice`: the part of a string or slice between two indexes."""
    if item is None:
        raise CallError("slice of untyped nil")
    if isinstance(item, Nil):
        raise CallError("slice of nil pointer")
    if len(indexes) > 3:
        raise CallError(f"too many slice indexes: {len(indexes)}")
    if isinstance(item, str) and len(indexes) == 3:
        raise CallError("cannot 3-index slice a string")
    if not isinstance(item, str | Sequence):
        raise CallError(f"can't slice item of type {type_name(item)}")
    items = item if isinstance(item, str) else item.items
    bounds = [_position(key, len(items)) for key in indexes]
    start, stop, *ends = (*bounds, *(0, len(items))[len(bounds) :])
    for low, high in zip((start, stop), (stop, *ends), strict=False):
        if low > high:
            raise CallError(f"invalid slice index: {low} > {high}")
    return items[start:stop] if isinstance(items, str) else Sequence(type_name(item), items[start:stop])


def length(item: Value) -> int:
    """`len`: octets of a string, elements of a slice or map."""
    if isinstance(item, Sequence | Table):
        return len(item.items)
    if isinstance(item, str):
        return len(item)
    if item is None:
        raise CallError("reflect: call of reflect.Value.Type on zero Value")
    raise CallError("len of nil pointer" if isinstance(item, Nil) else f"len of type {type_name(item).lstrip('*')}")


def negate(value: Value) -> bool:
    """`not`."""
    return not truth(value)


def equal(first: Value, *others: Value) -> bool:
    """`eq`: whether one of the others equals the first."""
    if not others:
        raise CallError("missing argument for comparison")
    return any(_equals(first, other) for other in others)


def _kind(value: Value) -> str:
    """What a value can be compared with; empty if not by size."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "number"
    return "float" if isinstance(value, float) else "string" if isinstance(value, str) else ""


def _equals(first: Value, other: Value) -> bool:
    kind, other_kind = _kind(first), _kind(other)
    if kind and kind == other_kind:
        return bool(first == other)
    if kind != other_kind:
        if first is not None and other is not None:
            raise _incompatible(first, other)
        return False
    if first is None or other is None:
        return all(value is None or isinstance(value, Nil) for value in (first, other))
    if isinstance(first, Nil) or isinstance(other, Nil):
        return isinstance(first, Nil) and isinstance(other, Nil)
    if type(first) is not type(other) and not (isinstance(first, Pointer) and isinstance(other, Pointer)):
        raise CallError(f"non-comparable types {show(first)}: {type_name(first)}, {type_name(other)}: {show(other)}")
    if isinstance(other, Sequence | Table):
        raise CallError(f"non-comparable type {show(other)}: {type_name(other)}")
    return first is other


def _incompatible(first: Value, other: Value) -> CallError:
    return CallError(f"incompatible types for comparison: {type_name(first)} and {type_name(other)}")


def differ(first: Value, other: Value) -> bool:
    """`ne`."""
    return not equal(first, other)


def less(first: Value, other: Value) -> bool:
    """`lt`; strings compare octet by octet, and numbers whether or not they have signs."""
    kind, other_kind = _kind(first), _kind(other)
    if not kind or not other_kind:
        raise CallError("invalid type for comparison")
    if kind != other_kind:
        raise _incompatible(first, other)
    if kind == "bool":
        raise CallError("invalid type for comparison")
    return bool(first < other)


def less_or_equal(first: Value, other: Value) -> bool:
    """`le`."""
    return less(first, other) or equal(first, other)


def greater(first: Value, other: Value) -> bool:
    """`gt`."""
    return not less_or_equal(first, other)


def greater_or_equal(first: Value, other: Value) -> bool:
    """`ge`."""
    return not less(first, other)


def parse_uint(text: str, base: int, bits: int) -> Unsigned:
    """`parseInt`: Go's `strconv.ParseUint`; base 0 reads prefixes and underscores."""
    shown = quote(text)
    failed = f"strconv.ParseUint: parsing {shown}: "
    if not text:
        raise CallError(failed + "invalid syntax")
    digits = text
    if base == 0:
        base, digits = _prefixed(text)
        if "_" in text and not _BETWEEN.fullmatch(text):
            raise CallError(failed + "invalid syntax")
        digits = digits.replace("_", "")
    elif not 2 <= base <= 36:
        raise CallError(f"{failed}invalid base {base}")
    if not 0 <= bits <= 64:
        raise CallError(f"{failed}invalid bit size {bits}")
    if not digits or not all(char.isascii() and char.isalnum() and int(char, 36) < base for char in digits):
        raise CallError(failed + "invalid syntax")
    digits = digits.lstrip("0")
    value = int(digits or "0", base) if len(digits) <= 64 else 1 << 64
    if value >= 1 << (bits or 64):
        raise CallError(failed + "value out of range")
    return Uint64(value)


def _prefixed(text: str) -> tuple[int, str]:
    base = _PREFIXES.get(text[:2].lower())
    if base is not None and len(text) > 2:
        return base, text[2:]
    return (8, text[1:]) if text[0] == "0" and len(text) > 1 else (10, text)


def call(function: Value, *_: Value) -> Value:
    """`call`: there are no values that are functions."""
    raise CallError("call of nil" if function is None else f"non-function of type {type_name(function)}")


def _shortcut(*_: Value) -> Value:
    raise CallError("not to be called")


FUNCTIONS: Mapping[str, Function] = {
    "and": Function((VALUE,), VALUE, _shortcut),
    "call": Function((VALUE,), VALUE, call),
    "eq": Function((VALUE,), VALUE, equal),
    "ge": Function((VALUE, VALUE), None, greater_or_equal),
    "gt": Function((VALUE, VALUE), None, greater),
    "html": Function((), ANY, escape.html),
    "index": Function((VALUE,), VALUE, index),
    "js": Function((), ANY, escape.js),
    "le": Function((VALUE, VALUE), None, less_or_equal),
    "len": Function((VALUE,), None, length),
    "lt": Function((VALUE, VALUE), None, less),
    "ne": Function((VALUE, VALUE), None, differ),
    "not": Function((VALUE,), None, negate),
    "or": Function((VALUE,), VALUE, _shortcut),
    "parseInt": Function((STRING, INT, INT), None, parse_uint),
    "print": Function((), ANY, sprint),
    "printf": Function((STRING,), ANY, sprintf),
    "println": Function((), ANY, sprintln),
    "slice": Function((VALUE,), VALUE, cut),
    "urlquery": Function((), ANY, escape.urlquery),
}
