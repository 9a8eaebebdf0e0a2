"""Where blocks may open and close, and what is a line (spec corefile.md §4.2)."""

import pytest

from kdns.corefile.errors import ConfigError
from kdns.corefile.occurrence import occurrences
from kdns.corefile.parser import parse
from kdns.corefile.token import Token

Shape = list[tuple[list[str], list[list[str]] | None]]


def tokens(directives: str) -> tuple[Token, ...]:
    return parse(f". {{\n{directives}\n}}", "Corefile").blocks[0].directives[0].tokens


def shape(directives: str) -> Shape:
    return [
        (
            [word.text for word in each.words],
            None if each.block is None else [[word.text for word in words] for words in each.block],
        )
        for each in occurrences(tokens(directives), "x")
    ]


@pytest.mark.parametrize(
    ("directives", "expected"),
    [
        ("x", [(["x"], None)]),
        ("x a b", [(["x", "a", "b"], None)]),
        ("x a\nx b", [(["x", "a"], None), (["x", "b"], None)]),
        ("x {\n}", [(["x"], [])]),
        ("x { }", [(["x"], [])]),
        ("x {}", [(["x", "{}"], None)]),
        ("x a {\nb c\nd\n}", [(["x", "a"], [["b", "c"], ["d"]])]),
        ("x { b\nc\n}", [(["x"], [["b"], ["c"]])]),
        ("x {\nb\n}\nx c", [(["x"], [["b"]]), (["x", "c"], None)]),
        ('x "a\nb" c {\nd "e\nf" g\nh\n}', [(["x", "a\nb", "c"], [["d", "e\nf", "g"], ["h"]])]),
        ('x "{"\nb\n}', [(["x"], [["b"]])]),
    ],
)
def test_occurrences(directives: str, expected: Shape) -> None:
    assert shape(directives) == expected


def test_a_brace_from_the_environment_is_an_argument() -> None:
    corefile = parse(". {\nx {$V} {\ny {$W}\n}\n}", "Corefile", environ={"V": "{", "W": "}"})
    (only,) = occurrences(corefile.blocks[0].directives[0].tokens, "x")
    assert [word.text for word in only.words] == ["x", "{"]
    assert [[word.text for word in words] for words in only.block or ()] == [["y", "}"]]


@pytest.mark.parametrize(
    ("directives", "message", "place"),
    [
        ("x\n{\ny\n}", "Unexpected '{': a block opens on its directive's own line", (3, 1)),
        ("x {\ny {\nz\n}\n}", "Unexpected '{': blocks do not nest", (3, 3)),
        ("x {\n{\nz\n}\n}", "unknown property '{'", (3, 1)),
        ("x { y 10 }", "Unexpected '}': it closes a block at the start of a line", (2, 10)),
        ("x {\ny 10 }", "Unexpected '}': it closes a block at the start of a line", (3, 6)),
        ("x {\ny\n} z", "Wrong argument count or unexpected line ending after 'z'", (4, 3)),
        ("x { } z", "Wrong argument count or unexpected line ending after 'z'", (2, 7)),
    ],
)
def test_errors(directives: str, message: str, place: tuple[int, int]) -> None:
    with pytest.raises(ConfigError) as raised:
        shape(directives)
    assert str(raised.value) == f"plugin/x: Corefile:{place[0]} - Error during parsing: {message}"
    assert (raised.value.line, raised.value.column) == place
