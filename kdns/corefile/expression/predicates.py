"""Functions of the language that ask a predicate of every element of an array; each element is a step."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from typing import Final

from kdns.corefile.expression.code import Code, Run
from kdns.corefile.expression.containers import descends
from kdns.corefile.expression.frame import Fault, Frame, Scope
from kdns.corefile.expression.operators import add
from kdns.corefile.expression.types import ANY, ARRAY, BOOL, INT, UNKNOWN, Type, array_of
from kdns.corefile.expression.values import Value, is_list, key, kind_of, order

POINTERS: Final[Mapping[str, Mapping[str, Type]]] = {"map": {"index": INT}, "reduce": {"index": INT, "acc": UNKNOWN}}
"""What a predicate of a function may ask besides its element."""
ASKED_FOR_BOOLS: Final = frozenset(
    ("all", "none", "any", "one", "filter", "count", "find", "findLast", "findIndex", "findLastIndex")
)

_GROUPS: Final = Type("map[interface {}][]interface {}", "map")

Elements = Sequence[Value]


def _each(frame: Frame, array: Elements, ask: Run, first: int = 0, step: int = 1) -> Iterator[tuple[Value, Value]]:
    """The elements, each with what the predicate says of it."""
    outer = frame.scope
    scope = frame.scope = Scope()
    indexes = range(first, len(array)) if step > 0 else range(len(array) - 1, -1, -1)
    for index in indexes:
        frame.spend(1)
        scope.index, scope.item = index, array[index]
        frame.scope = scope
        said = ask(frame)
        frame.scope = outer
        yield scope.item, said


def _truths(frame: Frame, array: Elements, ask: Run, step: int = 1) -> Iterator[tuple[Value, bool]]:
    for item, said in _each(frame, array, ask, step=step):
        if type(said) is not bool:
            raise Fault(f"a predicate is {kind_of(said)}, not bool")
        yield item, said


def _all(frame: Frame, array: Elements, ask: Run, *_: Run) -> bool:
    return all(said for _, said in _truths(frame, array, ask))


def _any(frame: Frame, array: Elements, ask: Run, *_: Run) -> bool:
    return any(said for _, said in _truths(frame, array, ask))


def _none(frame: Frame, array: Elements, ask: Run, *_: Run) -> bool:
    return not _any(frame, array, ask)


def _count(frame: Frame, array: Elements, ask: Run, *_: Run) -> int:
    return sum(said for _, said in _truths(frame, array, ask))


def _one(frame: Frame, array: Elements, ask: Run, *_: Run) -> bool:
    return _count(frame, array, ask) == 1


def _filter(frame: Frame, array: Elements, ask: Run, *_: Run) -> list[Value]:
    return [item for item, said in _truths(frame, array, ask) if said]


def _map(frame: Frame, array: Elements, ask: Run, *_: Run) -> list[Value]:
    return [said for _, said in _each(frame, array, ask)]


def _sum(frame: Frame, array: Elements, ask: Run, *_: Run) -> Value:
    total: Value = 0
    for _, said in _each(frame, array, ask):
        total = add(frame, said, total)
    return total


def _found(step: int, *, index: bool = False) -> Callable[..., Value]:
    """The first or last element, or its index, of which the predicate is true; nil if it is of none."""

    def find(frame: Frame, array: Elements, ask: Run, *_: Run) -> Value:
        for place, (item, said) in enumerate(_truths(frame, array, ask, step)):
            if said:
                return (place if step > 0 else len(array) - 1 - place) if index else item
        return None

    return find


def _group_by(frame: Frame, array: Elements, ask: Run, *_: Run) -> dict[Value, list[Value]]:
    groups: dict[Value, list[Value]] = {}
    for item, said in _each(frame, array, ask):
        groups.setdefault(key(said), []).append(item)
    return groups


def _sort_by(frame: Frame, array: Elements, ask: Run, *more: Run) -> list[Value]:
    descending = descends(more[0](frame)) if more else False
    pairs = [(said, item) for item, said in _each(frame, array, ask)]
    by_value = cmp_to_key(order)
    return [item for _, item in sorted(pairs, key=lambda pair: by_value(pair[0]), reverse=descending)]


def _reduce(frame: Frame, array: Elements, ask: Run, *more: Run) -> Value:
    if not more and not array:
        raise Fault("reduce of empty array with no initial value")
    acc = more[0](frame) if more else array[0]

    def asked(frame: Frame) -> Value:
        nonlocal acc
        frame.scope.acc = acc
        acc = ask(frame)
        return acc

    for _ in _each(frame, array, asked, first=0 if more else 1):
        pass
    return acc


_CALLS: Final[Mapping[str, Callable[..., Value]]] = {
    "all": _all,
    "none": _none,
    "any": _any,
    "one": _one,
    "filter": _filter,
    "map": _map,
    "count": _count,
    "sum": _sum,
    "find": _found(1),
    "findLast": _found(-1),
    "findIndex": _found(1, index=True),
    "findLastIndex": _found(-1, index=True),
    "groupBy": _group_by,
    "sortBy": _sort_by,
    "reduce": _reduce,
}


def element(frame: Frame) -> Value:
    """The predicate `#`, for functions that were given none."""
    return frame.scope.item


def code(name: str, array: Code, predicate: Code | None, more: Sequence[Code]) -> Code:
    """The code of a call."""
    call, elements, ask = _CALLS[name], array.run, element if predicate is None else predicate.run
    rest = [each.run for each in more]

    def run(frame: Frame) -> Value:
        found = elements(frame)
        if not is_list(found):
            raise Fault(f"{name} of {kind_of(found)}")
        return call(frame, found, ask, *rest)

    said = array.type.of() if predicate is None else predicate.type
    return Code(_result(name, array.type, said), run)


def _result(name: str, array: Type, said: Type) -> Type:
    match name:
        case "all" | "none" | "any" | "one":
            return BOOL
        case "count" | "findIndex" | "findLastIndex":
            return INT
        case "find" | "findLast":
            return UNKNOWN if array.is_unknown else array.of()
        case "filter":
            return ARRAY if array.is_unknown else array_of(array.of())
        case "map":
            return array_of(said)
        case "sum" | "reduce":
            return ANY if said.is_unknown else said
        case "groupBy":
            return Type(_GROUPS.name, "map", array_of(array.of()))
    return array
