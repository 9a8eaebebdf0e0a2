import pytest

from kdns.plugins.template.text.lexer import Lexer


def items(text: str) -> list[tuple[str, str]]:
    return [(item.kind, item.text) for item in Lexer(text).items()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [("eof", "EOF")]),
        ("a }} b", [("text", "a }} b"), ("eof", "EOF")]),
        ("{{.A.b}}", [("left", "{{"), ("field", ".A"), ("field", ".b"), ("right", "}}"), ("eof", "EOF")]),
        ("{{$ $x .}}", [
            ("left", "{{"), ("variable", "$"), ("space", " "), ("variable", "$x"), ("space", " "), ("dot", "."),
            ("right", "}}"), ("eof", "EOF"),
        ]),
        ("{{if true}}", [
            ("left", "{{"), ("if", "if"), ("space", " "), ("bool", "true"), ("right", "}}"), ("eof", "EOF"),
        ]),
        ("{{(1|.5)}}", [
            ("left", "{{"), ("(", "("), ("number", "1"), ("|", "|"), ("number", ".5"), (")", ")"), ("right", "}}"),
            ("eof", "EOF"),
        ]),
        ("{{$x:='\\''}}", [
            ("left", "{{"), ("variable", "$x"), (":=", ":="), ("char", "'\\''"), ("right", "}}"), ("eof", "EOF"),
        ]),
    ],
)  # fmt: skip
def test_items(text: str, expected: list[tuple[str, str]]) -> None:
    assert items(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a  {{- 1 -}}  b", "a1b"),
        ("a {{-1}} b", "a -1 b"),
        ("a {{- /* c */ -}} b", "ab"),
        ("a {{/* c */}} b", "a  b"),
        ("a\n{{- 1 }} b", "a1 b"),
    ],
)
def test_trim_markers_and_comments(text: str, expected: str) -> None:
    assert "".join(each for kind, each in items(text) if kind in ("text", "number")) == expected


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{{", "unclosed action"),
        ("{{(}}", "unclosed left paren"),
        ("{{)}}", "unexpected right paren"),
        ("{{/* c", "unclosed comment"),
        ("{{/* c */ x}}", "comment ends before closing delimiter"),
        ('{{"x}}', "unterminated quoted string"),
        ("{{`x}}", "unterminated raw quoted string"),
        ("{{'x}}", "unterminated character constant"),
        ("{{1x}}", 'bad number syntax: "1x"'),
        ("{{1+2}}", 'bad number syntax: "1+2"'),
        ("{{a-b}}", "bad character U+002D '-'"),
        ("{{a :b}}", "expected :="),
        ("{{\1}}", "unrecognized character in action: U+0001"),
    ],
)
def test_a_fault_is_the_last_item(text: str, fault: str) -> None:
    assert items(text)[-1] == ("error", fault)


def test_lines() -> None:
    assert [(item.text, item.line) for item in Lexer("a\n{{\n1\n-}}\n\nb").items() if item.kind != "space"] == [
        ("a\n", 1), ("{{", 2), ("1", 3), ("}}", 4), ("b", 6), ("EOF", 6),
    ]  # fmt: skip
