import pytest

from kdns.plugins.template.text import Template, TemplateError
from kdns.plugins.template.text.cursor import MAX_NESTING

DEEPEST = MAX_NESTING


@pytest.mark.parametrize("control", ["{{ if 1 }}", "{{ range 1 }}", "{{ with 1 }}"])
def test_controls_are_nested_so_deep(control: str) -> None:
    assert Template("t", control * DEEPEST + "{{ end }}" * DEEPEST).source
    with pytest.raises(TemplateError, match="max expression depth exceeded"):
        Template("t", control * (DEEPEST + 1) + "{{ end }}" * (DEEPEST + 1))


def test_parentheses_are_nested_so_deep() -> None:
    assert Template("t", "{{" + "(" * DEEPEST + "1" + ")" * DEEPEST + "}}").source
    with pytest.raises(TemplateError, match="max expression depth exceeded"):
        Template("t", "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}")


def test_a_chain_of_else_counts_once() -> None:
    assert Template("t", "{{ if 0 }}" + "{{ else if 0 }}" * 200 + "{{ end }}").source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\n{{ nope }}", 'template: t:3: function "nope" not defined'),
        ("{{ .Name\n\n", "template: t:3: unclosed action started at t:1"),
        ('x\n{{\n"abc\n}}', "template: t:3: unterminated quoted string in action started at t:2"),
        ("{{ if 1 }}\n", "template: t:2: unexpected EOF"),
    ],
)
def test_errors_have_lines(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template("t", text)
    assert str(caught.value) == message
