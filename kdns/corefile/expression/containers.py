"""Functions of the language that work on arrays and maps. What they make is counted before it is made."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import Final

from kdns.corefile.expression.frame import Fault, Frame
from kdns.corefile.expression.signature import Builtin, Refusal, container, exactly, one_of, shown
from kdns.corefile.expression.types import ANY_MAP, ARRAY, FLOATS, INT, INTS, STRING, STRINGS, Type, assignable, map_key
from kdns.corefile.expression.values import Value, equal, is_list, key, kind_of, order, shown_key


def _len(frame: Frame, value: Value) -> int:
    if type(value) in (str, dict) or is_list(value):
        return len(value)
    raise Fault(f"invalid argument for len (type {kind_of(value)})")


def _array(deed: str, value: Value) -> Sequence[Value]:
    if is_list(value):
        found: Sequence[Value] = value
        return found
    raise Fault(f"cannot {deed} {kind_of(value)}")


def _map(deed: str, value: Value) -> dict[Value, Value]:
    if type(value) is dict:
        return value
    raise Fault(f"cannot {deed} {kind_of(value)}")


def get(frame: Frame, base: Value, index: Value) -> Value:
    """An element, or nil where there is none."""
    if type(base) is dict:
        return base.get(key(index))
    if is_list(base) and type(index) is int and -len(base) <= index < len(base):
        return base[index]
    return None


def _gets(arguments: Sequence[Type]) -> Type:
    exactly(2, arguments)
    base, index = arguments
    if base.is_array and index.kind not in ("int", "unknown"):
        raise Refusal(f"non-integer slice index {index}", 1)
    if base.kind == "map" and not index.is_unknown and not assignable(index, map_key(base)):
        raise Refusal(f"cannot use {index} to get an element from {base}", 1)
    if base.kind not in ("array", "map", "unknown"):
        raise Refusal(f"type {base} does not support indexing", 0)
    return base.of()


def _take(frame: Frame, array: Value, count: Value) -> Value:
    if type(count) is not int:
        raise Fault(f"cannot take {kind_of(count)} elements")
    if count < 0:
        raise Fault("slice bounds out of range")
    taken = _array("take from", array)[:count]
    if type(taken) is list:
        frame.spend(len(taken))
    return taken


def _takes(arguments: Sequence[Type]) -> Type:
    exactly(2, arguments)
    if arguments[0].kind not in ("array", "unknown"):
        raise Refusal(f"cannot take from {shown(arguments[0])}")
    if arguments[1].kind not in ("int", "unknown"):
        raise Refusal(f"cannot take {shown(arguments[1])} elements")
    return arguments[0]


def _reverse(frame: Frame, array: Value) -> list[Value]:
    frame.spend(len(_array("reverse", array)))
    return list(reversed(array))


def _uniq(frame: Frame, array: Value) -> list[Value]:
    found: list[Value] = []
    for element in _array("uniq", array):
        frame.spend(1 + len(found))
        if not any(equal(frame, element, other) for other in found):
            found.append(element)
    return found


def _concat(frame: Frame, *arrays: Value) -> list[Value]:
    frame.spend(sum([len(_array("concat", array)) for array in arrays]))
    return [element for array in arrays for element in array]


def _concats(arguments: Sequence[Type]) -> Type:
    if not arguments:
        raise Refusal("invalid number of arguments (expected at least 1, got 0)")
    wrong = next((each for each in arguments if each.kind not in ("array", "unknown")), None)
    if wrong is not None:
        raise Refusal(f"cannot concat {shown(wrong)}")
    return ARRAY


def _flatten(frame: Frame, array: Value) -> list[Value]:
    return list(_flat(frame, _array("flatten", array)))


def _flat(frame: Frame, array: Sequence[Value]) -> Iterator[Value]:
    for element in array:
        frame.spend(1)
        if is_list(element):
            yield from _flat(frame, element)
        else:
            yield element


def descends(word: Value) -> bool:
    """Whether an order asked for is the descending one. Raises `Fault` for what is no order."""
    if word in ("asc", "desc"):
        return bool(word == "desc")
    raise Fault(f"invalid order {word}, expected asc or desc")


def sort(frame: Frame, array: Value, word: Value = "asc") -> list[Value]:
    """Elements in order. Raises `Fault` if they have none."""
    frame.spend(len(array))
    return sorted(array, key=cmp_to_key(order), reverse=descends(word))


def _keys(frame: Frame, value: Value) -> list[Value]:
    frame.spend(len(_map("get keys from", value)))
    return [shown_key(name) for name in value]


def _values(frame: Frame, value: Value) -> list[Value]:
    frame.spend(len(_map("get values from", value)))
    return list(value.values())


def _to_pairs(frame: Frame, value: Value) -> list[Value]:
    frame.spend(3 * len(_map("transform to pairs", value)))
    return [[shown_key(name), item] for name, item in value.items()]


def _from_pairs(frame: Frame, array: Value) -> dict[Value, Value]:
    frame.spend(len(_array("transform from pairs", array)))
    if not all(is_list(pair) and len(pair) == 2 for pair in array):
        raise Fault("invalid pair")
    return {key(name): item for name, item in array}


_ARRAYS: Final = ("array",)
_SORTED: Final = (ARRAY, FLOATS, STRINGS, INTS)

CONTAINER_FUNCTIONS: Final[Mapping[str, Builtin]] = {
    "len": Builtin(_len, accepts=one_of("len", ("array", "map", "string", "unknown"), INT)),
    "get": Builtin(get, accepts=_gets),
    "first": Builtin(lambda frame, array: get(frame, array, 0), accepts=container("get first element from", _ARRAYS)),
    "last": Builtin(lambda frame, array: get(frame, array, -1), accepts=container("get last element from", _ARRAYS)),
    "take": Builtin(_take, accepts=_takes),
    "reverse": Builtin(_reverse, accepts=container("reverse", _ARRAYS, ARRAY)),
    "uniq": Builtin(_uniq, accepts=container("uniq", _ARRAYS, ARRAY)),
    "concat": Builtin(_concat, accepts=_concats),
    "flatten": Builtin(_flatten, accepts=container("flatten", _ARRAYS, ARRAY)),
    "sort": Builtin(
        sort, (*[((array, STRING), ARRAY) for array in _SORTED], *[((array,), ARRAY) for array in _SORTED])
    ),
    "keys": Builtin(_keys, accepts=container("get keys from", ("map",), ARRAY)),
    "values": Builtin(_values, accepts=container("get values from", ("map",), ARRAY)),
    "toPairs": Builtin(_to_pairs, accepts=container("transform to pairs", ("map",), ARRAY)),
    "fromPairs": Builtin(_from_pairs, accepts=container("transform from pairs", _ARRAYS, ANY_MAP)),
}
