import pytest

from tests.plugins.template.text.test_text import carried_out


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("{{ if .Group.x }}a{{ else if .Group.a }}b{{ end }}", "b"),
        ("{{ with .Group }}{{ .a }}{{ $.Type }}{{ end }}", "10A"),
        ("{{ range $i, $m := .Match }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ len $m }};{{ end }}", "22;2;1;"),
        ("{{ range 4 }}{{ if eq . 1 }}{{ continue }}{{ end }}{{ . }}{{ end }}", "023"),
        ("{{ range $k, $v := .Group }}{{ $k }}{{ end }}", "01234abcd"),
        ("{{ range .Message.Answer }}{{ else }}none{{ end }}", "none"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ end }}{{ $x }}", "2"),
        ("{{ define `d` }}[{{ . }}{{ $ }}]{{ end }}{{ template `d` 5 }}", "[55]"),
        ("{{ define `d` }}[{{ . }}]{{ end }}{{ template `d` }}", "[<no value>]"),
        ("{{ block `b` .Type }}<{{ . }}>{{ end }}", "<A>"),
    ],
)  # fmt: skip
def test_controls(text: str, output: str) -> None:
    assert carried_out(text)[1:] == (output, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ range `abc` }}{{ end }}", "range can't iterate over abc"),
        ("{{ range $i, $j := 3 }}{{ end }}", "can't use 3 to iterate over more than one variable"),
        ("{{ template `x` }}", 'template "x" not defined'),
        ("{{ define `x` }}{{ template `x` }}{{ end }}{{ template `x` }}", "exceeded maximum template depth (100)"),
        (
            "{{ define `x` }}" + "{{ if 1 }}" * 40 + "{{ template `x` }}" + "{{ end }}" * 41 + "{{ template `x` }}",
            "exceeded maximum template depth (100)",
        ),
    ],
)
def test_errors(text: str, message: str) -> None:
    assert carried_out(text)[2].endswith(message)
