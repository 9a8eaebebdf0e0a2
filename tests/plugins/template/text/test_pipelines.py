import pytest

from kdns.plugins.template.text import Template, TemplateError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("{{.A.B   .C}}", "{{.A.B .C}}"),
        ("{{ $x:=1 }}", "{{$x := 1}}"),
        ("{{ $x := 1 }}{{ $x = 2 }}", "{{$x := 1}}{{$x = 2}}"),
        ("{{ print|print }}", "{{print | print}}"),
        ("{{ (print 1).x.y }}", "{{(print 1).x.y}}"),
        ("{{ print (1) (print 2) }}", "{{print (1) (print 2)}}"),
        ("{{ range $i,$e := .A }}{{ end }}", "{{range $i, $e := .A}}{{end}}"),
        ("{{ $ }}{{ $.A }}", "{{$}}{{$.A}}"),
        ("{{ `a` | print 'b' 1_0 }}", "{{`a` | print 'b' 1_0}}"),
    ],
)
def test_normal_form(text: str, source: str) -> None:
    assert Template("t", text).source == source


@pytest.mark.parametrize(
    ("inside", "message"),
    [
        ("", "missing value for command"),
        ("()", "missing value for parenthesized pipeline"),
        ("1 | 2", "non executable command in pipeline stage 2"),
        ("| print", 'unexpected "|" in command'),
        ("$x", 'undefined variable "$x"'),
        ("$x, $y := 1", "too many declarations in command"),
        ("nope", 'function "nope" not defined'),
        ("1.5.x", 'unexpected . after term "1.5"'),
        ('"a".x', 'unexpected . after term "\\"a\\""'),
        ("print @", 'unexpected "@" in operand'),
        ('"\\q"', "invalid syntax"),
        ("08", 'integer overflow: "08"'),
    ],
)
def test_errors(inside: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template("t", f"{{{{ {inside} }}}}")
    assert str(caught.value) == f"template: t:1: {message}"
