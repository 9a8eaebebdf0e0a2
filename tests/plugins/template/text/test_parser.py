import pytest

from kdns.plugins.template.text import Template, TemplateError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("a{{ if .A }}b{{ else if .B }}c{{ else }}d{{ end }}", None),
        ("{{ with .A }}b{{ else with .B }}c{{ end }}", "{{with .A}}b{{else}}{{with .B}}c{{end}}{{end}}"),
        ("{{ range .A }}{{ break }}{{ continue }}{{ else }}x{{ end }}", None),
        ('{{ define "x" }}y{{ end }}{{ template "x" . }}', '{{template "x" .}}'),
        ("{{ block `x` . }}y{{ end }}", '{{template "x" .}}'),
        ("a {{- /* c */ -}} b", "ab"),
    ],
)
def test_normal_form(text: str, source: str | None) -> None:
    made = Template("t", text).source
    assert made == source if source else Template("t", made).source == made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ end }}", "unexpected {{end}}"),
        ("{{ else }}", "unexpected {{else}}"),
        ("{{ if 1 }}", "unexpected EOF"),
        ("{{ if }}{{ end }}", "missing value for if"),
        ("{{ if 1 }}{{ else }}{{ else }}{{ end }}", "expected end; found {{else}}"),
        ("{{ break }}", "{{break}} outside {{range}}"),
        ("{{ range 1 }}{{ else }}{{ continue }}{{ end }}", "{{continue}} outside {{range}}"),
        ("{{ range 1 }}{{ break 1 }}{{ end }}", 'unexpected "1" in {{break}}'),
        ("{{ if 1 }}{{ define `x` }}{{ end }}{{ end }}", "unexpected <define> in command"),
        ("{{ define x }}", 'unexpected "x" in define clause'),
        ("{{ define `x` }}{{ else }}", "unexpected {{else}} in define clause"),
        ("{{ block `x` }}{{ end }}", "missing value for block clause"),
        ("{{ template }}", 'unexpected "}}" in template clause'),
        ("{{ define `x` }}a{{ end }}{{ define `x` }}b{{ end }}", 'template: multiple definition of template "x"'),
    ],
)
def test_errors(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template("t", text)
    assert str(caught.value) == f"template: t:1: {message}"
