import pytest

from kdns.plugins.template.text.errors import CallError
from kdns.plugins.template.text.printf import sprintf
from kdns.plugins.template.text.value import Value


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("%s-%d%%", ("a", 5), "a-5%"),
        ("%5d|%-5d|%05d", (1, 2, 3), "    1|2    |00003"),
        ("%[2]s%[1]s", ("a", "b"), "ba"),
        ("%*d|%-*d|", (4, 7, 3, 8), "   7|8  |"),
        ("%.*f", (2, 1.234), "1.23"),
        ("%d", (), "%!d(MISSING)"),
        ("%d", (1, "x", None), "1%!(EXTRA string=x, <nil>)"),
        ("%", (), "%!(NOVERB)"),
        ("%[9]d", (1,), "%!d(BADINDEX)"),
        ("%*d", ("x", 1), "%!(BADWIDTH)1"),
        ("%.*d", (-1, 1), "%!(BADPREC)1"),
        ("%w", (1,), "%!w(int=1)"),
        ("%99999999d", (1,), "%!(NOVERB)%!(EXTRA int=1)"),
    ],
)
def test_formats(form: str, values: tuple[Value, ...], expected: str) -> None:
    assert sprintf(form, *values) == expected


def test_a_text_has_a_limit() -> None:
    with pytest.raises(CallError, match="text longer than 262144 octets"):
        sprintf("%10000d" * 27, *range(27))
