"""Members and slices: parts of arrays, maps and strings."""

from typing import Final

from kdns.corefile.expression.code import Code
from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.mistake import Mistake
from kdns.corefile.expression.node import Literal, Member, Slice
from kdns.corefile.expression.types import UNKNOWN, Type, assignable, map_key
from kdns.corefile.expression.values import Value, cut, is_list, key, kind_of, truncated


class Nothing(Exception):
    """A `?.` met nil: its chain ends."""


def chained(code: Code) -> Code:
    """A chain with a `?.` in it."""
    run = code.run

    def ended(frame: Frame) -> Value:
        try:
            return run(frame)
        except Nothing:
            return None

    return Code(code.type, ended)


def fetched(member: Member, base: Code, index: Code) -> Code:
    """`base.name` or `base[index]`. Raises `Mistake`."""
    type_, run, at = _member_type(member, base.type, index.type), base.run, index.run
    if not member.optional:
        return Code(type_, lambda frame: _fetch(run(frame), at(frame)))

    def fetch(frame: Frame) -> Value:
        found = run(frame)
        if found is None:
            raise Nothing
        return _fetch(found, at(frame))

    return Code(type_, fetch)


def _member_type(member: Member, base: Type, index: Type) -> Type:
    name = member.key.value if isinstance(member.key, Literal) and type(member.key.value) is str else None
    if base.is_unknown:
        return UNKNOWN
    if base.kind == "nil" and name is not None:
        raise Mistake(f"type nil has no field {name}", member.at)
    if base.kind == "map":
        if not assignable(index, map_key(base)) and not index.is_unknown:
            raise Mistake(f"cannot use {index} to get an element from {base}", member.key.at)
        return base.of()
    if base.is_array:
        if index.kind not in ("int", "unknown"):
            raise Mistake(f"array elements can only be selected using an integer (got {index})", member.key.at)
        return base.of()
    if name is None:
        raise Mistake(f"type {base}[{index}] is undefined", member.at)
    raise Mistake(f"type {base} has no {'method' if member.called else 'field'} {name}", member.at)


def _fetch(base: Value, index: Value) -> Value:
    if type(base) is dict:
        return base.get(key(index))
    if is_list(base):
        place = _integer(index)
        if not -len(base) <= place < len(base):
            raise Fault(f"index out of range: {place} (array length is {len(base)})")
        return base[place]
    raise Fault(f"cannot fetch a member from {kind_of(base)}")


def _integer(value: Value) -> int:
    if type(value) is int:
        return value
    if type(value) is float:
        return truncated(value)
    raise Fault(f"invalid operation: int({kind_of(value)})")


_SLICED: Final = ("string", "array", "unknown")


def sliced(each: Slice, base: Code, start: Code | None, end: Code | None) -> Code:
    """`base[start:end]`. Raises `Mistake`."""
    if base.type.kind not in _SLICED:
        raise Mistake(f"cannot slice {base.type}", each.at)
    for code, node in ((start, each.start), (end, each.end)):
        if code is not None and node is not None and code.type.kind not in ("int", "unknown"):
            raise Mistake(f"non-integer slice index {code.type}", node.at)
    run = base.run

    def cut_out(frame: Frame) -> Value:
        whole = run(frame)
        if type(whole) is not str and not is_list(whole):
            raise Fault(f"cannot slice {kind_of(whole)}")
        frame.spend(0 if type(whole) is range else len(whole))
        first = 0 if start is None else _integer(start.run(frame))
        return cut(whole, first, None if end is None else _integer(end.run(frame)))

    return Code(base.type, cut_out)
