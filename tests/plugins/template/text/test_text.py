"""Templates side by side with Go's: `go.jsonl` has template, normal form, output and error as Go 1.26 gives them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kdns.corefile import Regexp
from kdns.plugins.template.data import Data, Matched
from kdns.plugins.template.text import Template, TemplateError
from kdns.plugins.template.text.value import Table
from tests.kit.query import query

NAME = "ip-10-0-200-7.example."
REGEXP = Regexp("^ip-(?P<a>[0-9]*)-(?P<b>[0-9]*)-(?P<c>[0-9]*)-(?P<d>[0-9]*)[.]example[.]$")
ROWS = [json.loads(line) for line in (Path(__file__).parent / "go.jsonl").read_text().splitlines()]
WORDS = st.sampled_from(
    ["{{", "}}", "{{-", "-}}", " ", "\n", "(", ")", "|", ":=", "=", ",", ".", "$", "$x", ".Name", ".Group.a", ".Match",
     ".Message", ".Question", "if", "else", "end", "range", "with", "define", "block", "template", "break", "continue",
     "nil", "true", "print", "printf", "index", "slice", "len", "and", "or", "not", "eq", "lt", "call", "parseInt",
     "html", "js", "urlquery", '"x"', '"%v"', '"%5.2d"', "`r`", "'c'", "1", "-3", "1.5", "0x1f", "/*", "*/", "é", "\0"]
)  # fmt: skip


class Labels:
    """One label of metadata."""

    def get(self, label: str) -> str | None:
        return {"test/x": "vé"}.get(label)

    def set(self, label: str, value: str) -> None:
        raise AssertionError("nobody sets labels here")


def data() -> Data:
    asked = query("ip-10-0-200-7.Example.").replace(metadata=Labels())
    groups = REGEXP.groups(NAME)
    assert groups is not None
    return Data(asked, Matched("example.", NAME, "IN", "A", REGEXP, groups), Table({}))


def carried_out(text: str) -> tuple[str, str, str]:
    """Normal form, output and error."""
    try:
        template = Template("answer", text)
    except TemplateError as error:
        return "", "", str(error)
    try:
        return template.source, template.execute(data()), ""
    except TemplateError as error:
        return template.source, "", str(error)


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:40] for row in ROWS])
def test_as_go(row: tuple[str, str, str, str]) -> None:
    text, *expected = row
    assert carried_out(text) == tuple(expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ 2i }}", 'illegal number syntax: "2i"'),
        ("{{ call .Name }}", "error calling call: non-function of type string"),
        ("{{ .Message.IsEdns0.Do }}", "nil pointer evaluating *dns.OPT.Do"),
        ("{{ .md }}", "can't evaluate field md in type *template.templateData"),
    ],
)
def test_other_than_go(text: str, message: str) -> None:
    _, output, error = carried_out(text)
    assert not output
    assert error.endswith(message)


def test_a_constant_is_known_as_one() -> None:
    assert Template("answer", "example. 60 IN A 192.0.2.1").constant
    assert not Template("answer", "{{ .Name }} 60 IN A 192.0.2.1").constant


@given(st.lists(WORDS, max_size=30))
def test_any_text_is_a_template_or_an_error(words: list[str]) -> None:
    source, output, error = carried_out("".join(words))
    assert error or source or not output
