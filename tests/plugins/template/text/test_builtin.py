from collections.abc import Callable

import pytest

from kdns.plugins.template.text import builtin
from kdns.plugins.template.text.errors import CallError
from kdns.plugins.template.text.value import Nil, Sequence, Table, Uint8, Uint64, Value

LIST = Sequence("[]string", ("a", "bc"))
MAP = Table({"k": "v"})


@pytest.mark.parametrize(
    ("call", "arguments", "expected"),
    [
        (builtin.index, (LIST, 1), "bc"),
        (builtin.index, (LIST, 1, 1), Uint8(ord("c"))),
        (builtin.index, (MAP, "k"), "v"),
        (builtin.index, (MAP, "x"), ""),
        (builtin.cut, ("abcd", 1, 3), "bc"),
        (builtin.cut, (LIST, 1), Sequence("[]string", ("bc",))),
        (builtin.length, (MAP,), 1),
        (builtin.length, ("\xc3\xa9",), 2),
        (builtin.equal, (1, Uint64(1)), True),
        (builtin.equal, ("a", "b", "a"), True),
        (builtin.equal, (None, Nil("*dns.OPT")), True),
        (builtin.equal, (None, ""), False),
        (builtin.less, (-1, Uint64(1)), True),
        (builtin.greater_or_equal, ("b", "a"), True),
        (builtin.negate, (LIST,), False),
        (builtin.parse_uint, ("ff", 16, 8), 255),
        (builtin.parse_uint, ("0x_ff", 0, 16), 255),
        (builtin.parse_uint, ("017", 0, 0), 15),
    ],
)
def test_results(call: Callable[..., Value], arguments: tuple[Value, ...], expected: Value) -> None:
    assert call(*arguments) == expected


@pytest.mark.parametrize(
    ("call", "arguments", "message"),
    [
        (builtin.index, (None, 1), "index of untyped nil"),
        (builtin.index, (LIST, 2), "reflect: slice index out of range"),
        (builtin.index, (LIST, 3), "index out of range: 3"),
        (builtin.index, (LIST, Uint64(2**64 - 1)), "index out of range: -1"),
        (builtin.index, (LIST, True), "cannot index slice/array with type bool"),
        (builtin.index, (MAP, 1), "value has type int; should be string"),
        (builtin.index, (Nil("*dns.OPT"), 1), "index of nil pointer"),
        (builtin.cut, ("abc", 2, 1), "invalid slice index: 2 > 1"),
        (builtin.cut, ("abc", 0, 1, 2), "cannot 3-index slice a string"),
        (builtin.cut, (LIST, 0, 1, 1, 1), "too many slice indexes: 4"),
        (builtin.length, (3,), "len of type int"),
        (builtin.equal, (1,), "missing argument for comparison"),
        (builtin.equal, (1, 1.0), "incompatible types for comparison: int and float64"),
        (builtin.equal, (MAP, MAP), "non-comparable type map[k:v]: map[string]string"),
        (builtin.less, (True, True), "invalid type for comparison"),
        (builtin.parse_uint, ("256", 10, 8), 'strconv.ParseUint: parsing "256": value out of range'),
        (builtin.parse_uint, ("-1", 10, 8), 'strconv.ParseUint: parsing "-1": invalid syntax'),
        (builtin.parse_uint, ("1", 37, 8), 'strconv.ParseUint: parsing "1": invalid base 37'),
        (builtin.parse_uint, ("1", 10, 65), 'strconv.ParseUint: parsing "1": invalid bit size 65'),
    ],
)
def test_errors(call: Callable[..., Value], arguments: tuple[Value, ...], message: str) -> None:
    with pytest.raises(CallError) as caught:
        call(*arguments)
    assert str(caught.value) == message
