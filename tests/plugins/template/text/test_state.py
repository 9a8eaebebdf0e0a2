"""What a query cannot make a template do. Each error comes before anything is slow or large."""

import pytest

from kdns.plugins.template.text import Template, TemplateError
from tests.plugins.template.text.test_text import data


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ range 1000000000 }}{{ end }}", "exceeded the 10000 steps of an execution"),
        ('{{ range 5000 }}{{ $x := printf "%10000d" . }}{{ end }}', "exceeded the 10000 steps of an execution"),
        ("{{ $x := `abcdefgh` }}{{ range 100 }}{{ $x = print $x $x }}{{ end }}", "text longer than 262144 octets"),
        ('{{ printf "' + "%10000d" * 30 + '" ' + "1 " * 30 + "}}", "text longer than 262144 octets"),
        ("{{ range 9000 }}" + "x" * 50 + "{{ end }}", "output longer than 262144 octets"),
    ],
)
def test_bounds(text: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        Template("t", text).execute(data())
    assert str(caught.value).endswith(message)


def test_errors_say_where() -> None:
    with pytest.raises(TemplateError) as caught:
        Template("t", "a\nbé {{ index .Match\n 99 }}").execute(data())
    assert str(caught.value) == (
        'template: t:2:7: executing "t" at <index .Match 99>: error calling index: index out of range: 99'
    )
