"""How much an expression may be, and how much it may do: none ends the process or holds it up."""

import time

import pytest

from kdns.corefile.expression import MAX_DEPTH, Expression, Fault
from kdns.corefile.expression.frame import MAX_WORK
from kdns.corefile.expression.reader import MAX_NODES
from tests.corefile.expression.asked import NAMES, value

DEEP = MAX_DEPTH // 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "[" * 5000,
        "not " * 5000 + "true",
        "-" * 5000 + "1",
        "1 ? " * 5000,
        "{a:" * 5000,
        "any([1], " * 5000,
        "let a = " * 5000,
        "if true {" * 5000,
        "if true {1} else " * 5000,
        "2 ** " * 5000 + "2",
        "1" + " + 1" * 5000,
        "a" + ".b" * 5000,
        "[1]" + "[0]" * 5000,
        "1" + " | string()" * 5000,
        "(" * 40 + "true" + " ?: true)" * 40,
        "1" + " == 1" * MAX_NODES,
        "'" + "\\" * 50_001,
        "(" * (MAX_DEPTH + 1) + "1" + ")" * (MAX_DEPTH + 1),
    ],
)
def test_too_much_to_read(text: str) -> None:
    started = time.monotonic()
    with pytest.raises(ValueError, match=r"nested|complex|maximum allowed nodes|unexpected token|escape|terminated"):
        Expression(text, NAMES)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text",
    [
        "(" * DEEP + "true" + ")" * DEEP,
        " or ".join(f"client_ip() == '10.0.{n // 256}.{n % 256}'" for n in range(1500)) + " or true",
        " and ".join(["size() == 33"] * 2000),
        "client_ip() in [" + ",".join(f"'10.1.2.{n}'" for n in range(5000)) + "]",
        "do() ? false : " * DEEP + "true",
        "'" + "a" * 50_000 + "' != ''",
    ],
)
def test_what_an_operator_may_write(text: str) -> None:
    assert value(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "all(1..999999, # > 0)",
        "all(1..999, all(1..999, # > 0))",
        "len(1..9223372036854775807)",
        "repeat('a', 999999)",
        "reduce(1..1000, #acc + #acc, 'ab')",
        "reduce(1..1000, [#acc, #acc], 1) == reduce(1..1000, [#acc, #acc], 1)",
        "len(string(reduce(1..1000, [#acc, #acc], 1)))",
        "len(flatten(reduce(1..100, [#acc, #acc], 1)))",
        "max(reduce(1..100, [#acc, #acc], 1))",
        "reduce(1..5000, [#acc], 1) == reduce(1..5000, [#acc], 1)",
        "string(reduce(1..5000, [#acc], 1)) == ''",
        "let a = map(1..20000, #); any(1..20000, a == map(1..20000, #))",
        "let a = map(1..20000, #); all(1..20000, -1 not in a)",
        "let a = repeat('a', 30000); replace(a, '', a) == ''",
        "let a = repeat('a', 20000); len(join([a, a, a], a)) > 0",
        "any(1..20000, 'a' matches string(#))",
        "uniq(1..100000) == []",
        "sort(map(1..40000, -#)) == []",
    ],
)
def test_too_much_to_do(text: str) -> None:
    expression = Expression(text, NAMES)
    started = time.monotonic()
    with pytest.raises(Fault):
        expression.evaluate(None)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "text", ["size() in 1..9223372036854775807", "len(1..999000) == 999000", "sum(1..2000) == 2001000"]
)
def test_ranges_are_not_written_out(text: str) -> None:
    assert value(text) is True


def test_work_is_counted_anew_for_every_evaluation() -> None:
    expression = Expression(f"all(1..{MAX_WORK - 100}, # > 0)", NAMES)
    assert [expression.evaluate(None) for _ in range(2)] == [True, True]
